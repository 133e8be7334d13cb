//! The customer's own consent to assistance: asked for, given, used, withdrawn, and given again.
//! Consent is read at every use: after a withdrawal the very next use is refused, and the audit
//! trail has the reason. Then the ledger: who assists and who has assisted.
//!
//! `cargo run --example remote_shopping_assistance`

mod demo;

use std::time::Duration;

use commerce_auth::{
    Error, SignIn, Website,
    audit::Refusal,
    error::{AssistanceError, SignInError, TokenError},
    token::Bearer,
};
use demo::{BOB, DemoShop, PASSWORD, REASON, refused, step};

#[tokio::main]
async fn main() -> demo::Result {
    let shop = DemoShop::open().await?;
    let auth = &shop.auth;
    shop.edit_customer(|row| row.allows_assistance = false).await?;
    let customer = shop.customer_token(PASSWORD).await?;
    let admin = shop.admin_token().await?;
    let assist = || auth.generate_customer_token_as_admin(&admin, BOB, REASON);

    step(
        "1. The customer calls for help and has not consented: the admin user is told so, and asks for consent",
    );
    let why = Refusal::NoConsent;
    shop.refused_because("the admin user", assist(), Error::Assistance(AssistanceError::NoConsent), why)
        .await?;

    step("2. The customer consents, and is told by mail");
    auth.set_remote_shopping_assistance(&customer, true).await?;
    shop.read_mail();

    step("3. The admin user assists, and has a one-time code for later");
    let signed_in = assist().await?;
    let token = signed_in.token();
    shop.live("the admin user", token).await?;
    let generated = auth.generate_one_time_code(&admin, &shop.customer, REASON).await?;
    let redeem = || auth.generate_customer_token(SignIn::new(BOB, generated.code().expose()));
    println!("   a code, until {}", generated.expires_at());

    step("4. The customer withdraws consent: refused from the very next use on, and no code is redeemed");
    auth.set_remote_shopping_assistance(&customer, false).await?;
    shop.read_mail();
    shop.ended("the admin user's token", token).await?;
    shop.refused_because("the code", redeem(), Error::SignIn(SignInError::Refused), why).await?;
    shop.refused_because("another token", assist(), Error::Assistance(AssistanceError::NoConsent), why)
        .await?;
    let another = auth.generate_one_time_code(&admin, &shop.customer, REASON);
    shop.refused_because("another code", another, Error::Assistance(AssistanceError::NoConsent), why).await?;
    shop.live("the customer's own token", &customer).await?;

    step("5. The customer consents again: what had ended stays ended; the code was spent by trying it");
    auth.set_remote_shopping_assistance(&customer, true).await?;
    shop.read_mail();
    shop.ended("the admin user's token", token).await?;
    shop.refused_because("the code", redeem(), Error::SignIn(SignInError::Refused), Refusal::SpentCode)
        .await?;

    step(
        "6. The customer sees who assists, who has, and why; and ends one. The shop sees who is assisted now",
    );
    let signed_in = assist().await?;
    for entry in auth.list_assistance(&customer).await? {
        let (assistance, until) = (&entry.assistance, entry.end.map(|end| (entry.ended_at, end)));
        println!("   admin user {}, because: {}; ended: {until:?}", assistance.actor, assistance.reason);
    }
    let now = auth.current_assistance(&admin).await?;
    let [entry] = &now[..] else { return Err(format!("one is assisted, not {now:?}").into()) };
    println!("   now: customer {} by admin user {}", entry.customer, entry.assistance.actor);
    if !auth.end_assistance(&customer, &entry.grant).await? {
        return Err("there is one to end".into());
    }
    shop.read_mail();
    shop.ended("the admin user's token", signed_in.token()).await?;
    let signed_in = assist().await?;
    shop.later(Duration::from_secs(15 * 60));
    shop.ended("another one", signed_in.token()).await?;
    // A host's timer does this: it closes expired assistance and notifies the customer.
    auth.purge(1000).await?;
    shop.read_mail();

    step("7. Refused: consent is the customer's own");
    let signed_in = assist().await?;
    let consent = auth.set_remote_shopping_assistance(signed_in.token(), true);
    shop.refused_because(
        "the admin user, assisting",
        consent,
        Error::Token(TokenError::NotAuthorized),
        Refusal::Assisting,
    )
    .await?;
    let consent = auth.set_remote_shopping_assistance(&admin, true);
    refused("the admin user", consent, Error::Token(TokenError::NotAuthorized)).await?;
    let outlet: Website = "outlet".parse()?;
    let consent = auth.set_remote_shopping_assistance(Bearer::from(&customer).website(outlet), true);
    refused("the customer, on another website", consent, Error::Token(TokenError::NotAuthorized)).await?;
    let consent = auth.set_remote_shopping_assistance("0123456789", true);
    refused("nobody", consent, Error::Token(TokenError::Invalid)).await?;
    shop.customers.delete(&shop.customer).await?;
    let consent = auth.set_remote_shopping_assistance(&customer, true);
    refused("a customer who is gone", consent, Error::Token(TokenError::Invalid)).await
}
