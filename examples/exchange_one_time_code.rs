//! A one-time code is exchanged by itself, with the customer's address and the code, although the
//! password is locked. Then its separate budget, and every possible refusal.
//!
//! `cargo run --example exchange_one_time_code`

mod demo;

use std::{net::IpAddr, time::Duration};

use commerce_auth::{
    AuthConfig, Error, SignIn, Website,
    account::AccountStatus,
    audit::Refusal,
    credential::Credential,
    error::{Field, InputError, SignInError},
};
use demo::{BOB, DemoShop, NOBODY, PASSWORD, WRONG, refused, step};

#[tokio::main]
async fn main() -> demo::Result {
    let shop = DemoShop::open().await?;
    let auth = &shop.auth;
    let exchange = |email, code: &str, from: [u8; 4]| {
        auth.exchange_one_time_code(SignIn::new(email, code).origin(IpAddr::from(from)))
    };
    let (desk, home, elsewhere) = ([192, 0, 2, 1], [192, 0, 2, 2], [203, 0, 113, 9]);

    step(
        "1. An admin user generated a code for the customer; it is exchanged for a token of fifteen minutes",
    );
    let signed_in = exchange(BOB, &shop.one_time_code().await?, desk).await?;
    println!("   exchanged {:?}, until {}", signed_in.obtained(), signed_in.expires_at());
    shop.live("the token", signed_in.token()).await?;

    step(
        "2. Six wrong passwords lock the customer's password, and do not stop an exchange: nobody guesses a code",
    );
    let told = || Error::SignIn(SignInError::Refused);
    let sign_in =
        |password| auth.generate_customer_token(SignIn::new(BOB, password).origin(IpAddr::from(desk)));
    for n in 1..=6 {
        refused(&format!("wrong password {n}"), sign_in(WRONG), told()).await?;
    }
    shop.refused_because("the right password", sign_in(PASSWORD), told(), Refusal::BudgetSpent).await?;
    let code = shop.one_time_code().await?;
    let signed_in = exchange(BOB, &code, desk).await?;
    shop.live("exchanged from the same source", signed_in.token()).await?;

    step("3. The code is presented again: refused, and what it bought ends");
    shop.refused_because("the spent code", exchange(BOB, &code, desk), told(), Refusal::SpentCode).await?;
    shop.ended("the token it bought", signed_in.token()).await?;

    step("4. Only a code is one: a password or a reset token is not, and the reset token is not spent");
    let why = Refusal::WrongCredential;
    shop.refused_because("the password", exchange(BOB, PASSWORD, desk), told(), why).await?;
    let reset_token = shop.reset_token().await?;
    shop.refused_because("a reset token", exchange(BOB, &reset_token, desk), told(), why).await?;
    shop.customer_token(reset_token.as_str()).await?;
    println!("   the reset token, as a password: signed in");

    step("5. Refused with a reason: the caller can mend these");
    refused("no address", exchange("", &code, desk), Error::Input(InputError::Required(Field::Email)))
        .await?;
    refused("no code", exchange(BOB, "", desk), Error::Input(InputError::Required(Field::Otp))).await?;
    refused("a malformed address", exchange("bobloblaw", &code, desk), Error::Input(InputError::Email))
        .await?;
    refused("a long code", exchange(BOB, &"0".repeat(1025), desk), Error::Input(InputError::PasswordTooLong))
        .await?;
    let code = shop.one_time_code().await?;
    shop.edit_customer(|row| row.status = AccountStatus::Unconfirmed).await?;
    let (call, why) = (exchange(BOB, &code, desk), Refusal::AccountUnconfirmed);
    shop.refused_because(
        "an unconfirmed customer, a right code",
        call,
        Error::SignIn(SignInError::NotConfirmed),
        why,
    )
    .await?;
    shop.restore().await?;

    step("6. Refused: one answer, whatever the reason");
    let code = shop.one_time_code().await?;
    let (call, why) = (exchange(NOBODY, &code, home), Refusal::UnknownAccount);
    shop.refused_because("an unknown address", call, told(), why).await?;
    let outlet: Website = "outlet".parse()?;
    let call = auth.exchange_one_time_code(SignIn::new(BOB, Credential::from(code.as_str())).website(outlet));
    shop.refused_because("another website", call, told(), Refusal::UnknownAccount).await?;
    shop.edit_customer(|row| row.status = AccountStatus::Disabled).await?;
    let why = Refusal::AccountDisabled;
    shop.refused_because("a disabled customer", exchange(BOB, &code, home), told(), why).await?;
    shop.restore().await?;
    let code = shop.one_time_code().await?;
    shop.edit_customer(|row| row.allows_assistance = false).await?;
    shop.refused_because("consent withdrawn", exchange(BOB, &code, home), told(), Refusal::NoConsent).await?;
    shop.restore().await?;
    let code = shop.one_time_code().await?;
    shop.edit_admin(|row| row.status = AccountStatus::Disabled).await?;
    let why = Refusal::AdminDisabled;
    shop.refused_because("the admin user disabled", exchange(BOB, &code, home), told(), why).await?;
    shop.restore().await?;
    let code = shop.one_time_code().await?;
    shop.later(Duration::from_secs(30));
    let why = Refusal::WrongCredential;
    shop.refused_because("an expired code", exchange(BOB, &code, home), told(), why).await?;

    step("7. It has a budget of its own: six failures from one source, then half an hour");
    for n in 1..=6 {
        refused(&format!("wrong code {n}"), exchange(BOB, WRONG, elsewhere), told()).await?;
    }
    let code = shop.one_time_code().await?;
    let (call, why) = (exchange(BOB, &code, elsewhere), Refusal::BudgetSpent);
    shop.refused_because("a right code, there", call, Error::SignIn(SignInError::TooManyRequests), why)
        .await?;
    shop.live("the same code, at the desk", exchange(BOB, &code, desk).await?.token()).await?;
    shop.later(Duration::from_secs(30 * 60));
    let signed_in = exchange(BOB, &shop.one_time_code().await?, elsewhere).await?;
    shop.live("another, there", signed_in.token()).await?;

    step("8. A shop may take codes by exchange only");
    let mut config = AuthConfig::commerce();
    config.steps.one_time_code = false;
    let narrowed = shop.restarted(config)?;
    let code = shop.one_time_code().await?;
    let call = narrowed.auth.generate_customer_token(SignIn::new(BOB, code.as_str()));
    let why = Refusal::WrongCredential;
    narrowed.refused_because("a code, as a password", call, told(), why).await?;
    let signed_in = narrowed.auth.exchange_one_time_code(SignIn::new(BOB, code.as_str())).await?;
    narrowed.live("the same code, exchanged", signed_in.token()).await
}
