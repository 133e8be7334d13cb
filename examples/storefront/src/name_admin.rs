//! `storefront name-admin`: the name of an admin user that customers read.

use std::error::Error;

use commerce_auth::AdminStore;

use crate::{
    args::{DatabaseAddress, NameAdmin},
    keys::{self, OtherKey},
};

pub(crate) async fn run(args: NameAdmin) -> Result<(), Box<dyn Error>> {
    if let DatabaseAddress::Memory = args.database {
        return Err("what is in memory is the running server's alone: give --database".into());
    }
    // The name does not depend on the key.
    let database = keys::open(args.key_file.as_deref(), &args.database, None, OtherKey::RefuseToMake).await?;
    let username = args.username.parse().map_err(|_| "there is no admin user of this name")?;
    let admin = database.admins.find_by_username(&username).await?;
    let admin = admin.ok_or("there is no admin user of this name")?;
    database.profiles.name_admin(&admin.id, args.display_name.as_str()).await?;
    println!("customers read {} as {}", admin.username, args.display_name.as_str());
    Ok(())
}
