//! Opens a file with sqlx and another one with commerce-auth, and writes a row into each.

use std::error::Error;

use commerce_auth::{
    CustomerStore,
    account::CustomerRecord,
    store::{OpenError, sqlite::SqliteStore},
};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let (shop_file, auth_file) = (folder.path().join("shop.db"), folder.path().join("auth.db"));

    let options = SqliteConnectOptions::new().filename(&shop_file).create_if_missing(true);
    let shop = SqlitePool::connect_with(options).await?;
    sqlx::query("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL)")
        .execute(&shop)
        .await?;
    sqlx::query("INSERT INTO orders (customer) VALUES (?1)").bind(1).execute(&shop).await?;

    let store = SqliteStore::open(&auth_file)?;
    let customer = CustomerRecord::new(1, "ann@example.com");
    store.customers().upsert(customer).await?;

    let ordered: i64 = sqlx::query_scalar("SELECT customer FROM orders").fetch_one(&shop).await?;
    let found = store.customers().find_by_id(&ordered.into()).await?.ok_or("the customer is there")?;
    assert_eq!(found.email, "ann@example.com");
    // The shop's file is refused and not changed.
    assert!(matches!(SqliteStore::open(&shop_file), Err(OpenError::Invalid(_))));
    let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&shop).await?;
    println!("commerce-auth and sqlx share SQLite {version}");
    Ok(())
}
