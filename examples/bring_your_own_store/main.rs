//! A complete backend written by the host, on redb, and the host's own customer table.
//!
//! `cargo run --example bring_your_own_store`. `tests/stores/bring_your_own_store.rs` runs the
//! suite for stores on it.

mod customers;
mod store;

use commerce_auth::{
    Auth, SignIn,
    store::memory::{MemoryCustomers, MemoryStore},
};
use customers::{ShopCustomer, ShopTable};
use store::RedbStore;
use tempfile::TempDir;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Result {
    let folder = TempDir::new()?;
    let path = folder.path().join("shop.redb");

    println!("1. The host's registration page judges and hashes a new password through the crate");
    let registration =
        Auth::builder(MemoryStore::new()).customers(MemoryCustomers::new()).without_notifier().build()?;
    if let Err(error) = registration.hash_new_password("bobloblaw@example.com", "password").await {
        println!("   refused: {error}");
    }
    let hash = registration.hash_new_password("bobloblaw@example.com", "b0bl0bl@w").await?;

    println!("2. The host's own table holds the customer, in the host's own columns");
    let table = ShopTable::default();
    table.add(ShopCustomer {
        number: 1,
        address: "BobLobLaw@Example.com".into(),
        password: Some(hash.expose().to_owned()),
        blocked: false,
        confirmed: true,
        wants_help: false,
    });

    println!("3. The customer signs in; the grant is in the host's own store");
    let auth = open(&path, &table)?;
    let signed_in = auth.generate_customer_token(SignIn::new("bobloblaw@example.com", "b0bl0bl@w")).await?;
    println!("   signed in until {}", signed_in.expires_at());

    println!("4. The shop restarts");
    drop(auth);
    let auth = open(&path, &table)?;
    println!("   the token is customer {}", auth.verify_customer(signed_in.token()).await?.customer_id());

    println!("5. The customer signs out");
    auth.revoke_customer_token(signed_in.token()).await?;
    let Err(error) = auth.verify_customer(signed_in.token()).await else {
        return Err("a revoked token was accepted".into());
    };
    println!("   refused: {error}");
    Ok(())
}

fn open(path: &std::path::Path, table: &ShopTable) -> Result<Auth> {
    let auth = Auth::builder(RedbStore::open(path)?);
    Ok(auth.customers(table.clone()).without_notifier().build()?)
}
