//! `storefront create-admin`: the first admin user has nobody to be invited by.

use std::{
    error::Error,
    io::{IsTerminal, stdin},
};

use commerce_auth::{
    AdminId,
    account::{AdminRecord, Permission, UpsertError},
};
use uuid::Uuid;

use crate::{
    args::{CreateAdmin, DatabaseAddress},
    keys::{self, OtherKey},
    shop,
};

pub(crate) async fn run(args: CreateAdmin) -> Result<(), Box<dyn Error>> {
    if let DatabaseAddress::Memory = args.database {
        return Err("an admin user in memory would be gone at once: give --database".into());
    }
    let database = keys::open(args.key_file.as_deref(), &args.database, None, OtherKey::Refuse).await?;
    let auth = shop::auth_on(&database).without_notifier().build()?;
    let password_hash = auth.hash_new_admin_password(&args.username, read_password()?).await?;
    let permissions = if args.no_assistance { Vec::new() } else { Permission::ALL.to_vec() };
    let row = AdminRecord::new(AdminId::from(Uuid::new_v4()), args.username.clone())
        .with_password(password_hash)
        .with_permissions(permissions)
        .with_second_factor_required(true);
    // First, so that no admin user is made without the name. A name without an admin user is read by nobody.
    if let Some(name) = &args.display_name {
        database.profiles.name_admin(&row.id, name.as_str()).await?;
    }
    match database.admins.put(row).await {
        Ok(()) => {
            println!("{} may sign in", args.username);
            Ok(())
        }
        Err(UpsertError::Conflict(_)) => Err("there is an admin user of this name already".into()),
        Err(error) => Err(error.into()),
    }
}

/// The first line, without its end: spaces are part of a password.
fn read_password() -> Result<String, Box<dyn Error>> {
    if stdin().is_terminal() {
        eprint!("password, as it will be seen here: ");
    }
    let mut line = String::new();
    stdin().read_line(&mut line)?;
    let password = line.strip_suffix('\n').unwrap_or(&line);
    Ok(password.strip_suffix('\r').unwrap_or(password).to_owned())
}
