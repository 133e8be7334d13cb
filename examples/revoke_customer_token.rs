//! Ending tokens: the presented one, one of the list, all except one, all of a customer, and those
//! of all accounts.
//!
//! `cargo run --example revoke_customer_token`

mod demo;

use std::net::IpAddr;

use commerce_auth::{
    Auth, BearerToken, Error, Origin, SignIn,
    error::{SignInError, TokenError},
    flow::{CustomerChange, Keep},
};
use demo::{BOB, DemoShop, PASSWORD, refused, step};

#[tokio::main]
async fn main() -> demo::Result {
    let shop = DemoShop::open().await?;
    let auth = &shop.auth;

    step("1. The customer signs in on three devices");
    let phone = sign_in(auth, [192, 0, 2, 1], "Shop app/2.1").await?;
    let laptop = sign_in(auth, [198, 51, 100, 7], "Mozilla/5.0 (X11; Linux x86_64)").await?;
    let library = sign_in(auth, [203, 0, 113, 9], "Mozilla/5.0 (Windows NT 10.0)").await?;
    for (device, token) in [("the phone", &phone), ("the laptop", &laptop), ("the library", &library)] {
        shop.live(device, token).await?;
    }

    step("2. The phone signs out: revokeCustomerToken ends the token presented, and only that");
    auth.revoke_customer_token(&phone).await?;
    shop.ended("the phone", &phone).await?;
    shop.live("the laptop", &laptop).await?;
    shop.live("the library", &library).await?;

    step("3. It signs out again: the token is no longer one");
    refused("the phone", auth.revoke_customer_token(&phone), Error::Token(TokenError::Invalid)).await?;

    step("4. On the laptop the customer sees her devices, never a token, and ends the one she forgot");
    for listed in auth.list_customer_tokens(&laptop).await? {
        let source = listed.origin.source.map(|source| source.to_string()).unwrap_or_default();
        let agent = listed.origin.user_agent.unwrap_or_default();
        let this = if listed.presented { " (this one)" } else { "" };
        println!("   {} {source} {agent}{this}", listed.grant.issued_at());
        if !listed.presented && !auth.revoke_listed_customer_token(&laptop, &listed.grant.id).await? {
            return Err("a token of the list is the customer's".into());
        }
    }
    shop.ended("the library", &library).await?;
    shop.live("the laptop", &laptop).await?;

    step("5. \"Sign out everywhere else\" keeps the token presented");
    let phone = sign_in(auth, [192, 0, 2, 1], "Shop app/2.1").await?;
    auth.revoke_all_customer_tokens(&phone, Keep::Presented).await?;
    shop.live("the phone", &phone).await?;
    shop.ended("the laptop", &laptop).await?;

    step(
        "6. A sign-in right after a revoke-all, at the same instant by the shop's clock, gives a live token",
    );
    auth.revoke_all_customer_tokens(&phone, Keep::Nothing).await?;
    let again = sign_in(auth, [192, 0, 2, 1], "Shop app/2.1").await?;
    shop.ended("the phone, before", &phone).await?;
    shop.live("the phone, after", &again).await?;

    step("7. The host changes the customer's address and says so: every token and every mailed link ends");
    let reset_token = shop.reset_token().await?;
    shop.edit_customer(|row| row.email = "bob@example.com".into()).await?;
    let change = CustomerChange::EmailChanged { from: BOB.into() };
    auth.customer_changed(&shop.customer, change).await?;
    shop.ended("the phone", &again).await?;
    let by_link = auth.generate_customer_token(SignIn::new("bob@example.com", reset_token));
    refused("the mailed link", by_link, Error::SignIn(SignInError::Refused)).await?;
    shop.edit_customer(|row| row.email = BOB.into()).await?;

    step("8. The day a backup was restored: everybody's tokens end, in one write");
    let (phone, admin) = (shop.customer_token(PASSWORD).await?, shop.admin_token().await?);
    auth.revoke_everything().await?;
    shop.ended("the phone", &phone).await?;
    refused("the admin user", auth.verify_admin(&admin), Error::Token(TokenError::Invalid)).await
}

async fn sign_in(auth: &Auth, source: [u8; 4], agent: &str) -> demo::Result<BearerToken> {
    let sign_in = SignIn::new(BOB, PASSWORD).origin(Origin::from(IpAddr::from(source)).user_agent(agent));
    Ok(auth.generate_customer_token(sign_in).await?.token().clone())
}
