//! Ending tokens: the one presented, one of the list, all but one, all, everybody's.
//!
//! `cargo run --example revoke_customer_token`

mod demo;

use std::{error::Error, net::IpAddr};

use commerce_auth::{Auth, BearerToken, CustomerChange, CustomerId, Keep, Origin, SignIn};
use demo::{BOB, DemoShop, PASSWORD, step};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let shop = DemoShop::open().await?;
    let auth = &shop.auth;

    step("1. The customer signs in on three devices");
    let phone = sign_in(auth, [192, 0, 2, 1], "Shop app/2.1").await?;
    let laptop = sign_in(auth, [198, 51, 100, 7], "Mozilla/5.0 (X11; Linux x86_64)").await?;
    let library = sign_in(auth, [203, 0, 113, 9], "Mozilla/5.0 (Windows NT 10.0)").await?;
    let devices = [("phone", &phone), ("laptop", &laptop), ("library", &library)];
    show(auth, &devices).await;

    step("2. The phone signs out: revokeCustomerToken ends the token presented, and only that");
    auth.revoke_customer_token(&phone).await?;
    show(auth, &devices).await;

    step("3. It signs out again: the token is no longer one");
    if let Err(error) = auth.revoke_customer_token(&phone).await {
        println!("   refused ({:?}): {error}", error.kind());
    }

    step(
        "4. On the laptop the customer sees her devices, never a token, and ends the one she forgot at the library",
    );
    for token in auth.list_customer_tokens(&laptop).await? {
        let source = token.origin.source.map(|source| source.to_string()).unwrap_or_default();
        let agent = token.origin.user_agent.unwrap_or_default();
        println!(
            "   {} {source} {agent}{}",
            token.grant.issued_at,
            if token.presented { " (this one)" } else { "" }
        );
        if !token.presented {
            auth.revoke_listed_customer_token(&laptop, &token.grant.digest).await?;
        }
    }
    show(auth, &devices).await;

    step("5. \"Sign out everywhere else\" keeps the token presented");
    let phone = sign_in(auth, [192, 0, 2, 1], "Shop app/2.1").await?;
    auth.revoke_all_customer_tokens(&phone, Keep::Presented).await?;
    show(auth, &[("phone", &phone), ("laptop", &laptop)]).await;

    step("6. A sign-in right after a revoke-all, in the same millisecond, gives a live token");
    auth.revoke_all_customer_tokens(&phone, Keep::Nothing).await?;
    let again = sign_in(auth, [192, 0, 2, 1], "Shop app/2.1").await?;
    show(auth, &[("before", &phone), ("after", &again)]).await;

    step("7. The host changes the customer's address and says so: every token and every mailed link ends");
    auth.customer_changed(&CustomerId::from(1), CustomerChange::EmailChanged).await?;
    show(auth, &[("phone", &again)]).await;

    step("8. The day a backup was restored: everybody's tokens end, in one write");
    let phone = sign_in(auth, [192, 0, 2, 1], "Shop app/2.1").await?;
    auth.revoke_everything().await?;
    show(auth, &[("phone", &phone)]).await;
    Ok(())
}

async fn sign_in(auth: &Auth, source: [u8; 4], agent: &str) -> Result<BearerToken, Box<dyn Error>> {
    let sign_in = SignIn::new(BOB, PASSWORD).from(Origin::from(IpAddr::from(source)).user_agent(agent));
    Ok(auth.generate_customer_token(sign_in).await?.token().clone())
}

async fn show(auth: &Auth, tokens: &[(&str, &BearerToken)]) {
    for (name, token) in tokens {
        match auth.verify_customer(*token).await {
            Ok(who) => println!("   {name}: live until {}", who.expires_at()),
            Err(error) => println!("   {name}: refused ({:?}): {error}", error.kind()),
        }
    }
}
