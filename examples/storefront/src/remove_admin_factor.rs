//! `storefront remove-admin-2fa`: for an admin user who has lost the authenticator, once it is certain who asks.

use std::{error::Error, time::Duration};

use crate::{
    args::{DatabaseAddress, RemoveAdminFactor},
    keys::{self, OtherKey},
    outbox, shop,
};

/// So long the mail may take.
const LAST_WORDS: Duration = Duration::from_secs(5);

pub(crate) async fn run(args: RemoveAdminFactor) -> Result<(), Box<dyn Error>> {
    if let DatabaseAddress::Memory = args.database {
        return Err("what is in memory is the running server's alone: give --database".into());
    }
    let (key_file, tokens) = (args.key_file.as_deref(), args.tokens.as_ref());
    // This key can remove a factor that another key sealed.
    let database = keys::open(key_file, &args.database, tokens, OtherKey::RefuseToMake).await?;
    let username = args.username.parse().map_err(|_| "there is no admin user of this name")?;
    let admin = database.admins.find_by_username(&username).await?;
    let admin = admin.ok_or("there is no admin user of this name")?;
    // The mail has no link.
    let (outbox, delivery) = outbox::open(&args.outbox, String::new(), database.profiles.clone())?;
    let auth = shop::auth_on(&database).notifier(outbox).build()?;
    let removed = auth.remove_admin_factor(&admin.id).await?;
    auth.flush_audit().await;
    delivery.drain(LAST_WORDS).await;
    let told = if removed { "has no second factor any more" } else { "had no second factor" };
    println!("{} {told}, and is signed out", admin.username);
    Ok(())
}
