//! A signed-in customer changes the password: what ends with it, what stays, and every possible
//! refusal.
//!
//! `cargo run --example change_password`

mod demo;

use std::time::Duration;

use commerce_auth::{
    Error, SignIn, Website,
    account::AccountStatus,
    audit::Refusal,
    error::{Field, InputError, PolicyViolation, SignInError, TokenError},
    token::Bearer,
};
use demo::{BOB, DemoShop, PASSWORD, REASON, WRONG, refused, step};

const NEW: &str = "N3w-passw0rd";

#[tokio::main]
async fn main() -> demo::Result {
    let shop = DemoShop::open().await?;
    let auth = &shop.auth;
    let phone = shop.customer_token(PASSWORD).await?;
    let change = |current: &str, new: &str| auth.change_password(&phone, current.to_owned(), new.to_owned());
    let (wrong, why) = (|| Error::SignIn(SignInError::WrongPassword), Refusal::WrongCredential);

    step("1. Refused with a reason: a new password that the policy does not take");
    refused("none", change(PASSWORD, ""), Error::Input(InputError::Required(Field::NewPassword))).await?;
    let weak = [
        ("too short", "N3w-pas", PolicyViolation::TooShort(8)),
        ("too long", &"N3w-passw0rd".repeat(30), PolicyViolation::TooLong(256)),
        ("a space at the edge", " N3w-passw0rd", PolicyViolation::EdgeSpace),
        ("two classes", "newpassw0rd", PolicyViolation::TooFewClasses(3)),
        ("the address", BOB, PolicyViolation::SameAsEmail),
    ];
    for (what, new, told) in weak {
        shop.refused_because(what, change(PASSWORD, new), told.into(), Refusal::PasswordPolicy).await?;
    }

    step("2. Refused: the current password");
    refused("none", change("", NEW), Error::Input(InputError::Required(Field::CurrentPassword))).await?;
    refused("over 1,024 bytes", change(&"x".repeat(1025), NEW), Error::Input(InputError::PasswordTooLong))
        .await?;
    shop.refused_because("wrong", change(WRONG, NEW), wrong(), why).await?;

    step("3. Refused: who asks");
    let (denied, invalid) =
        (|| Error::Token(TokenError::NotAuthorized), || Error::Token(TokenError::Invalid));
    let admin = shop.admin_token().await?;
    let assisting = auth.generate_customer_token_as_admin(&admin, BOB, REASON).await?;
    let call = auth.change_password(assisting.token(), PASSWORD, NEW);
    shop.refused_because("an admin user, assisting", call, denied(), Refusal::Assisting).await?;
    refused("an admin user", auth.change_password(&admin, PASSWORD, NEW), denied()).await?;
    let outlet: Website = "outlet".parse()?;
    let call = auth.change_password(Bearer::from(&phone).website(outlet), PASSWORD, NEW);
    refused("the customer, on another website", call, denied()).await?;
    refused("nobody", auth.change_password("0123456789", PASSWORD, NEW), invalid()).await?;

    step("4. The password is changed: the token presented stays, everything else from before has ended");
    let laptop = shop.customer_token(PASSWORD).await?;
    let (reset_token, code) = (shop.reset_token().await?, shop.one_time_code().await?);
    change(PASSWORD, NEW).await?;
    shop.read_mail();
    shop.live("the phone, which asked", &phone).await?;
    shop.ended("the laptop", &laptop).await?;
    shop.ended("the admin user, assisting", assisting.token()).await?;
    let sign_in = |credential: &str| auth.generate_customer_token(SignIn::new(BOB, credential));
    let refusal = || Error::SignIn(SignInError::Refused);
    shop.refused_because("the reset token", sign_in(&reset_token), refusal(), why).await?;
    shop.refused_because("the one-time code", sign_in(&code), refusal(), why).await?;
    shop.refused_because("the old password", sign_in(PASSWORD), refusal(), why).await?;
    shop.live("the new password", sign_in(NEW).await?.token()).await?;

    step("5. Six wrong current passwords lock for half an hour: a stolen token does not allow guessing");
    for n in 1..=6 {
        refused(&format!("wrong password {n}"), change(WRONG, PASSWORD), wrong()).await?;
    }
    let locked = change(NEW, PASSWORD);
    shop.refused_because("the right one", locked, Error::SignIn(SignInError::Locked), Refusal::BudgetSpent)
        .await?;
    let confirm = auth.confirm_password(&phone, NEW);
    shop.refused_because("to confirm it", confirm, Error::SignIn(SignInError::Locked), Refusal::BudgetSpent)
        .await?;
    shop.live("a sign-in has a budget of its own", sign_in(NEW).await?.token()).await?;
    shop.later(Duration::from_secs(30 * 60));
    change(NEW, PASSWORD).await?;
    println!("   changed");
    shop.read_mail();

    step(
        "6. Refused: the account is no longer what it was, and the host has not said so with customer_changed",
    );
    shop.edit_customer(|row| row.status = AccountStatus::Disabled).await?;
    let call = change(PASSWORD, NEW);
    shop.refused_because("a disabled account", call, wrong(), Refusal::AccountDisabled).await?;
    shop.restore().await?;
    shop.edit_customer(|row| row.password_hash = None).await?;
    shop.refused_because("an account without a password", change(PASSWORD, NEW), wrong(), why).await?;
    shop.customers.delete(&shop.customer).await?;
    let call = change(PASSWORD, NEW);
    shop.refused_because("a customer who is gone", call, invalid(), Refusal::UnknownAccount).await
}
