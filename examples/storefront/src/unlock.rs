//! `storefront unlock-customer` and `storefront unlock-admin`: for an account that failed attempts have locked, once it is
//! certain who asks.

use std::{error::Error, path::Path};

use crate::{
    accounts::Database,
    args::{DatabaseAddress, UnlockAdmin, UnlockCustomer},
    keys::{self, OtherKey},
    shop,
};

pub(crate) async fn customer(args: UnlockCustomer) -> Result<(), Box<dyn Error>> {
    let database = open(args.key_file.as_deref(), &args.database).await?;
    let UnlockCustomer { website, email, .. } = args;
    if database.customers.find_by_email(&website, &email).await?.is_none() {
        return Err(format!("the website {website} has no customer of this address").into());
    }
    let auth = shop::auth_on(&database).without_notifier().build()?;
    auth.unlock_customer(&website, email.as_str()).await?;
    auth.flush_audit().await;
    println!("{email} is unlocked");
    Ok(())
}

pub(crate) async fn admin(args: UnlockAdmin) -> Result<(), Box<dyn Error>> {
    let database = open(args.key_file.as_deref(), &args.database).await?;
    let username = args.username.parse().map_err(|_| "there is no admin user of this name")?;
    let admin = database.admins.find_by_username(&username).await?;
    let admin = admin.ok_or("there is no admin user of this name")?;
    let auth = shop::auth_on(&database).without_notifier().build()?;
    auth.unlock_admin(&admin.username).await?;
    auth.flush_audit().await;
    println!("{} is unlocked", admin.username);
    Ok(())
}

/// Opens the database. Locks do not depend on the key, so a shop whose key was lost can unlock accounts.
async fn open(key_file: Option<&Path>, address: &DatabaseAddress) -> Result<Database, Box<dyn Error>> {
    if let DatabaseAddress::Memory = address {
        return Err("what is in memory is the running server's alone: give --database".into());
    }
    keys::open(key_file, address, None, OtherKey::RefuseToMake).await
}
