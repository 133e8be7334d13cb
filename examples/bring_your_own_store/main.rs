//! A host's own customer table, and a store of its own: what they look like, and how the store shows that it
//! keeps the rules.
//!
//! `cargo run --example bring_your_own_store`

mod customers;
mod store;

use std::error::Error;

use commerce_auth::{Auth, MemoryCustomers, SignIn};
use customers::{ShopCustomer, ShopTable};
use store::OwnStore;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("1. The host's registration page judges and hashes a new password through the crate");
    let registration = Auth::builder(OwnStore::default()).customers(MemoryCustomers::new()).build()?;
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

    println!("3. The customer signs in; the grant is in the host's own store");
    let auth = Auth::builder(OwnStore::default()).customers(table).build()?;
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
