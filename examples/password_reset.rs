//! A forgotten password: the request, which does not reveal whether an account exists, the mail,
//! and the new password. Then what ends with it, and every possible refusal.
//!
//! `cargo run --example password_reset`

mod demo;

use std::{net::IpAddr, time::Duration};

use commerce_auth::{
    AuthConfig, Error, SignIn,
    account::AccountStatus,
    audit::Refusal,
    error::{Field, InputError, PolicyViolation, SignInError},
    flow::{PasswordReset, PasswordResetRequest},
};
use demo::{BOB, DemoShop, NOBODY, PASSWORD, WRONG, refused, step};

const NEW: &str = "N3w-passw0rd";

#[tokio::main]
async fn main() -> demo::Result {
    let shop = DemoShop::open().await?;
    let auth = &shop.auth;
    let (home, elsewhere) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([203, 0, 113, 9]));
    let request =
        |email: &str| auth.request_password_reset(PasswordResetRequest::new(email).origin(elsewhere));
    let reset = |email: &str, token: &str, new: &str| {
        auth.reset_password(PasswordReset::new(email, token, new).origin(home))
    };

    step("1. Asked for: known and unknown addresses are answered alike, and only the known one gets a mail");
    for email in [BOB, NOBODY] {
        request(email).await?;
        println!("   asked for {email}: true");
        let trail = shop.audit_trail().await?;
        println!("      for the audit trail alone: {:?}", trail.last().map(|event| event.outcome));
    }
    let token = shop.read_mail().ok_or("the address is known")?;
    refused("no address", request(""), Error::Input(InputError::Required(Field::ResetEmail))).await?;
    refused("a malformed address", request("bobloblaw"), Error::Input(InputError::Email)).await?;

    step("2. A new password that the policy refuses does not burn the token");
    let weak: [(&str, &str, Error); 6] = [
        ("none", "", Error::Input(InputError::Required(Field::ResetPassword))),
        ("too short", "N3w-pas", PolicyViolation::TooShort(8).into()),
        ("too long", &"N3w-passw0rd".repeat(100), PolicyViolation::TooLong(256).into()),
        ("a space at the edge", "N3w-passw0rd ", PolicyViolation::EdgeSpace.into()),
        ("two classes", "newpassw0rd", PolicyViolation::TooFewClasses(3).into()),
        ("the address", BOB, PolicyViolation::SameAsEmail.into()),
    ];
    for (what, new, told) in weak {
        refused(what, reset(BOB, &token, new), told).await?;
    }

    step("3. The customer has a token, another mail, a code from the support desk, and a locked password");
    let signed_in = shop.customer_token(PASSWORD).await?;
    shop.live("the token", &signed_in).await?;
    let (other, code) = (shop.reset_token().await?, shop.one_time_code().await?);
    let sign_in = |credential: &str| auth.generate_customer_token(SignIn::new(BOB, credential).origin(home));
    for n in 1..=6 {
        refused(&format!("wrong password {n}"), sign_in(WRONG), Error::SignIn(SignInError::Refused)).await?;
    }
    let (call, told) = (sign_in(PASSWORD), || Error::SignIn(SignInError::Refused));
    shop.refused_because("the right password", call, told(), Refusal::BudgetSpent).await?;

    step("4. The new password is set, which a lock does not stop, and everything from before has ended");
    reset(BOB, &token, NEW).await?;
    shop.read_mail();
    shop.ended("the token", &signed_in).await?;
    let (mismatched, wrong) = (|| Error::SignIn(SignInError::ResetTokenMismatched), Refusal::WrongCredential);
    shop.refused_because("the other mail's token", reset(BOB, &other, NEW), mismatched(), wrong).await?;
    shop.refused_because("the code", sign_in(&code), told(), wrong).await?;
    shop.refused_because("the old password", sign_in(PASSWORD), told(), wrong).await?;
    let signed_in = sign_in(NEW).await?;
    shop.live("the lock is gone; the new password", signed_in.token()).await?;

    step("5. The spent token is presented again: refused, all tokens end, and the customer is told");
    let call = reset(BOB, &token, NEW);
    shop.refused_because("the spent token", call, mismatched(), Refusal::SpentCode).await?;
    shop.ended("the token by the new password", signed_in.token()).await?;
    shop.read_mail();

    step("6. Refused: one answer, whatever the reason");
    shop.refused_because("a wrong token", reset(BOB, WRONG, NEW), mismatched(), wrong).await?;
    let token = shop.reset_token().await?;
    let call = reset(NOBODY, &token, NEW);
    shop.refused_because("another address", call, mismatched(), Refusal::UnknownAccount).await?;
    shop.later(Duration::from_secs(2 * 60 * 60));
    shop.refused_because("an expired token", reset(BOB, &token, NEW), mismatched(), wrong).await?;
    refused("no address", reset("", &token, NEW), Error::Input(InputError::Required(Field::ResetEmail)))
        .await?;
    refused("a malformed address", reset("bobloblaw", &token, NEW), Error::Input(InputError::Email)).await?;
    refused("no token", reset(BOB, "", NEW), Error::Input(InputError::Required(Field::ResetToken))).await?;

    step("7. A disabled account: the request is answered as ever, no mail goes out, and no token is good");
    let token = shop.reset_token().await?;
    shop.edit_customer(|row| row.status = AccountStatus::Disabled).await?;
    let call = reset(BOB, &token, NEW);
    shop.refused_because("a token from before", call, mismatched(), Refusal::AccountDisabled).await?;
    request(BOB).await?;
    println!("   asked for another: true");
    if shop.read_mail().is_some() {
        return Err("a disabled account got a mail".into());
    }
    shop.restore().await?;

    step("8. An unconfirmed account may set a password, and stays unconfirmed");
    shop.edit_customer(|row| row.status = AccountStatus::Unconfirmed).await?;
    reset(BOB, &token, PASSWORD).await?;
    shop.read_mail();
    refused("the new password", sign_in(PASSWORD), Error::SignIn(SignInError::NotConfirmed)).await?;
    shop.restore().await?;

    step("9. Six wrong tokens from one source, and it waits for half an hour");
    let guess = |token: &str| auth.reset_password(PasswordReset::new(BOB, token, NEW).origin(elsewhere));
    for n in 1..=6 {
        refused(&format!("wrong token {n}"), guess(WRONG), mismatched()).await?;
    }
    let token = shop.reset_token().await?;
    let (told, why) = (|| Error::SignIn(SignInError::TooManyRequests), Refusal::BudgetSpent);
    shop.refused_because("a right token, there", guess(&token), told(), why).await?;
    reset(BOB, &token, NEW).await?;
    println!("   the same token, at home: a new password");
    shop.read_mail();

    step("10. Five requests an hour for an address, known or not; twenty from a source");
    shop.later(Duration::from_secs(60 * 60));
    for email in [BOB, NOBODY] {
        for _ in 0..AuthConfig::commerce().reset_account_budget.failures {
            request(email).await?;
        }
        shop.refused_because(&format!("one more for {email}"), request(email), told(), why).await?;
    }
    shop.later(Duration::from_secs(60 * 60));
    for n in 0..AuthConfig::commerce().reset_source_budget.failures {
        request(&format!("customer{n}@example.com")).await?;
    }
    shop.refused_because("one more from the source", request("customer@example.com"), told(), why).await?;
    auth.request_password_reset(PasswordResetRequest::new(BOB).origin(home)).await?;
    println!("   from home: true");
    Ok(())
}
