//! A host's own customer table, and a store of its own: what they look like, and how the store shows that it
//! keeps the rules.
//!
//! `cargo run --example bring_your_own_store`, or with one of the crate's stores behind the same table:
//! `cargo run --all-features --example bring_your_own_store -- sqlite:shop.db`

mod customers;
#[path = "../demo/database.rs"]
#[allow(dead_code)] // Only its store is used.
mod database;
mod store;

use std::{env, sync::Arc};

use commerce_auth::{Auth, MemoryCustomers, SignIn, store::Store};
use customers::{ShopCustomer, ShopTable};
use database::Database;
use store::OwnStore;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Result {
    let store: Arc<dyn Store> = match env::args().nth(1) {
        None => Arc::new(OwnStore::default()),
        Some(address) => Database::open(&address).await?.store,
    };

    println!("1. The host's registration page judges and hashes a new password through the crate");
    let registration =
        Auth::builder(Arc::clone(&store)).customers(MemoryCustomers::new()).without_notifier().build()?;
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
        wants_help: false,
    });

    println!("3. The customer signs in; the grant is in the store");
    let auth = Auth::builder(store).customers(table).without_notifier().build()?;
    let signed_in = auth.generate_customer_token(SignIn::new("bobloblaw@example.com", "b0bl0bl@w")).await?;
    println!("   signed in until {}", signed_in.expires_at());
    println!("   the token is customer {}", auth.verify_customer(signed_in.token()).await?.customer_id());

    println!("4. The customer signs out");
    auth.revoke_customer_token(signed_in.token()).await?;
    if let Err(error) = auth.verify_customer(signed_in.token()).await {
        println!("   refused: {error}");
    }
    Ok(())
}
