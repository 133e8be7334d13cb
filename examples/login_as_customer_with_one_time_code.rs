//! An admin user generates a one-time code and signs in as the customer with it. The code works
//! once, for thirty seconds, while all conditions of the assistance are met. Then the audit trail
//! of it.
//!
//! `cargo run --example login_as_customer_with_one_time_code`

mod demo;

use std::{net::IpAddr, time::Duration};

use commerce_auth::{
    AuthConfig, CustomerId, Error, Origin, SignIn,
    account::AccountStatus,
    audit::Refusal,
    error::{AssistanceError, Field, InputError, SecondFactorError, SignInError, TokenError},
    token::Obtained,
};
use demo::{BOB, DemoShop, NOBODY, PASSWORD, REASON, refused, step};

#[tokio::main]
async fn main() -> demo::Result {
    let shop = DemoShop::open().await?;
    let auth = &shop.auth;
    let origin = Origin::from(IpAddr::from([192, 0, 2, 1])).correlation_id("7f3a9c");
    let redeem =
        |email, code: &str| auth.generate_customer_token(SignIn::new(email, code).origin(origin.clone()));

    step("1. The admin user signs in with a second factor, and generates a code for the customer");
    let admin = shop.admin_token().await?;
    println!("   the admin user was authenticated by {:?}", auth.verify_admin(&admin).await?.amr());
    let generated = auth.generate_one_time_code(&admin, &shop.customer, REASON).await?;
    let code = generated.code().expose();
    // A real shop shows the code to the admin user alone.
    println!("   {code}, for customer {}, until {}", generated.customer_id(), generated.expires_at());
    if code.len() != 32 || !code.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("a code is 32 hexadecimal characters".into());
    }

    step("2. It is presented as the password, with the customer's address: the third credential");
    let signed_in = redeem(BOB, code).await?;
    if signed_in.obtained() != Obtained::OneTimeCode {
        return Err("the token was obtained in another way".into());
    }
    shop.live("the token", signed_in.token()).await?;
    shop.read_mail();
    let customers = shop.customer_token(PASSWORD).await?;
    for entry in auth.list_assistance(&customers).await? {
        println!("   the customer sees: admin user {}, since {}", entry.assistance.actor, entry.began_at);
    }

    step("3. The code is presented again: refused, and what it bought ends, as somebody else had the code");
    let (told, why) = (|| Error::SignIn(SignInError::Refused), Refusal::SpentCode);
    shop.refused_because("the spent code", redeem(BOB, code), told(), why).await?;
    shop.ended("the token it bought", signed_in.token()).await?;

    step(
        "4. The audit trail, as JSON lines: no secret, no address, and what is about to happen before it does",
    );
    for event in shop.audit_trail().await? {
        println!("   {}", serde_json::to_string(&event)?);
    }

    step(
        "5. Refused: everything is looked at again when the code is redeemed. One answer, whatever the reason",
    );
    let code = shop.one_time_code().await?;
    let why = Refusal::UnknownAccount;
    shop.refused_because("with another address", redeem(NOBODY, &code), told(), why).await?;
    redeem(BOB, &code).await?;
    println!("   the same code, with the customer's: signed in");
    let code = shop.one_time_code().await?;
    shop.later(Duration::from_secs(30));
    shop.refused_because("an expired code", redeem(BOB, &code), told(), Refusal::WrongCredential).await?;
    let code = shop.one_time_code().await?;
    let customers = shop.customer_token(PASSWORD).await?;
    auth.set_remote_shopping_assistance(&customers, false).await?;
    let why = Refusal::NoConsent;
    shop.refused_because("the customer withdrew consent", redeem(BOB, &code), told(), why).await?;
    shop.restore().await?;
    let code = shop.one_time_code().await?;
    shop.edit_admin(|row| row.permissions.clear()).await?;
    let why = Refusal::NoPermission;
    shop.refused_because("the admin user lost the permissions", redeem(BOB, &code), told(), why).await?;
    shop.restore().await?;
    let generated = auth.generate_one_time_code(&admin, &shop.customer, REASON).await?;
    auth.revoke_admin_token(&admin).await?;
    let (late, why) = (redeem(BOB, generated.code().expose()), Refusal::AdminSignedOut);
    shop.refused_because("the admin user signed out", late, told(), why).await?;
    let code = shop.one_time_code().await?;
    shop.edit_customer(|row| row.status = AccountStatus::Disabled).await?;
    let why = Refusal::AccountDisabled;
    shop.refused_because("the customer was disabled", redeem(BOB, &code), told(), why).await?;
    shop.restore().await?;

    step("6. Refused: no code is generated, and a permitted admin user is told what is the matter");
    let admin = shop.admin_token().await?;
    let generate = |customer| auth.generate_one_time_code(&admin, customer, REASON);
    let call = auth.generate_one_time_code(&customers, &shop.customer, REASON);
    shop.refused_because(
        "a customer asks",
        call,
        Error::Token(TokenError::NotAuthorized),
        Refusal::NotAnAdmin,
    )
    .await?;
    let call = auth.generate_one_time_code("0123456789", &shop.customer, REASON);
    refused("nobody asks", call, Error::Token(TokenError::Invalid)).await?;
    let (nobody, why) = (CustomerId::from(2), Refusal::UnknownAccount);
    shop.refused_because(
        "an unknown customer",
        generate(&nobody),
        Error::Assistance(AssistanceError::NoSuchCustomer),
        why,
    )
    .await?;
    shop.edit_customer(|row| row.allows_assistance = false).await?;
    let call = generate(&shop.customer);
    shop.refused_because(
        "no consent",
        call,
        Error::Assistance(AssistanceError::NoConsent),
        Refusal::NoConsent,
    )
    .await?;
    shop.edit_customer(|row| row.status = AccountStatus::Disabled).await?;
    let (call, why) = (generate(&shop.customer), Refusal::AccountDisabled);
    shop.refused_because(
        "a disabled customer",
        call,
        Error::Assistance(AssistanceError::CustomerDisabled),
        why,
    )
    .await?;
    shop.restore().await?;
    shop.edit_admin(|row| row.permissions.clear()).await?;
    let (call, why) = (generate(&shop.customer), Refusal::NoPermission);
    shop.refused_because("no permission", call, Error::Assistance(AssistanceError::Disabled), why).await?;
    shop.restore().await?;
    let strict = shop.restarted(AuthConfig::strict())?;
    let fresh = shop.admin_token().await?;
    let call = strict.auth.generate_one_time_code(&fresh, &shop.customer, "");
    let told = Error::Input(InputError::Required(Field::Reason));
    strict.refused_because("no reason, by strict rules", call, told, Refusal::NoReason).await?;
    shop.later(strict.auth.config().fresh_for);
    let call = strict.auth.generate_one_time_code(&fresh, &shop.customer, REASON);
    let told = Error::SecondFactor(SecondFactorError::StepUpRequired(strict.auth.config().fresh_for));
    strict.refused_because("a second factor used too long ago", call, told, Refusal::NotFresh).await?;
    let stepped_up = auth.step_up(&fresh, shop.code()?).await?;
    strict.auth.generate_one_time_code(stepped_up.token(), &shop.customer, REASON).await?;
    println!("   after step_up: a code");
    let mut config = AuthConfig::commerce();
    config.assistance = false;
    let off = shop.restarted(config)?;
    let call = off.auth.generate_one_time_code(&admin, &shop.customer, REASON);
    let told = Error::Assistance(AssistanceError::Disabled);
    off.refused_because("assistance switched off", call, told, Refusal::AssistanceOff).await
}
