//! An admin user sets up an authenticator, signs in with password and code, steps up, and signs
//! out. Then recovery codes, locks, and every possible refusal.
//!
//! `cargo run --example admin_token`

mod demo;

use std::{net::IpAddr, time::Duration};

use commerce_auth::{
    AdminSignIn, AuthConfig, Error, Origin,
    account::{AccountStatus, Permission},
    audit::Refusal,
    error::{Field, InputError, PolicyViolation, SecondFactorError, SignInError, TokenError},
    flow::AdminChange,
};
use demo::{ADMIN, ADMIN_PASSWORD, DemoShop, PASSWORD, REASON, WRONG, refused, step};

#[tokio::main]
async fn main() -> demo::Result {
    let mut shop = DemoShop::open().await?;
    let auth = shop.auth.clone();
    let by_password = |name: &str, password: &str, from: [u8; 4]| {
        auth.generate_admin_token(AdminSignIn::new(name, password).origin(IpAddr::from(from)))
    };
    let sign_in = |password: &str, code: String, from: [u8; 4]| {
        auth.generate_admin_token(AdminSignIn::new(ADMIN, password).otp(code).origin(IpAddr::from(from)))
    };
    let office = [192, 0, 2, 1];
    let origin = Origin::from(IpAddr::from(office));

    step("1. Without an authenticator there is no token: a mail says how to set one up");
    auth.remove_admin_factor(&shop.admin).await?;
    shop.read_admins_mail();
    let told = by_password(ADMIN, ADMIN_PASSWORD, office);
    shop.refused_because(
        "the right password",
        told,
        Error::SecondFactor(SecondFactorError::EnrolmentRequired),
        Refusal::NotEnrolled,
    )
    .await?;
    let enrolment = shop.read_admins_mail().ok_or("no mail with an enrolment token")?;

    step("2. The link shows a secret, as a QR code or to be typed; the first right code activates it");
    let setup = auth.set_up_admin_factor(enrolment.as_str(), &origin).await?;
    // A real shop shows the secret on one page, and never logs it.
    println!("   {}", setup.uri().expose());
    shop.scan(setup.secret());
    let early = sign_in(ADMIN_PASSWORD, shop.code()?, office);
    shop.refused_because(
        "a sign-in before",
        early,
        Error::SecondFactor(SecondFactorError::NotEnrolled),
        Refusal::NotEnrolled,
    )
    .await?;
    let wrong = auth.activate_admin_factor(enrolment.as_str(), "not it", &origin);
    refused("a wrong first code", wrong, Error::SecondFactor(SecondFactorError::InvalidCode)).await?;
    let recovery = auth.activate_admin_factor(enrolment.as_str(), shop.code()?, &origin).await?;
    println!("   activated; {} recovery codes, the first: {}", recovery.len(), recovery[0].expose());
    shop.read_admins_mail();
    let again = auth.activate_admin_factor(enrolment.as_str(), shop.code()?, &origin);
    refused("the link once more", again, Error::SecondFactor(SecondFactorError::InvalidEnrolmentToken))
        .await?;

    step("3. User name, password and code buy a token for four hours");
    let code = shop.code()?;
    let signed_in = sign_in(ADMIN_PASSWORD, code.clone(), office).await?;
    // A real shop never prints a token: everyone who reads it can act as the admin user.
    println!("   signed in: {}, until {}", signed_in.token().expose(), signed_in.expires_at());
    let token = signed_in.token();
    let who = auth.verify_admin(token).await?;
    println!("   authenticated at {} by {:?}", who.auth_time(), who.amr());

    step("4. A code works once, and so does a recovery code");
    let again = sign_in(ADMIN_PASSWORD, code, office);
    shop.refused_because(
        "the same code",
        again,
        Error::SecondFactor(SecondFactorError::InvalidCode),
        Refusal::SpentCode,
    )
    .await?;
    sign_in(ADMIN_PASSWORD, recovery[0].expose().to_owned(), office).await?;
    println!("   a recovery code: signed in");
    shop.read_admins_mail();
    let again = sign_in(ADMIN_PASSWORD, recovery[0].expose().to_owned(), office);
    shop.refused_because(
        "the same again",
        again,
        Error::SecondFactor(SecondFactorError::InvalidCode),
        Refusal::WrongCredential,
    )
    .await?;
    let none = by_password(ADMIN, ADMIN_PASSWORD, office);
    let (told, why) = (Error::SecondFactor(SecondFactorError::Required), Refusal::NoSecondFactor);
    shop.refused_because("the password alone", none, told, why).await?;

    step("5. Five wrong codes lock the authenticator for a quarter of an hour, whatever the source");
    auth.unlock_admin(ADMIN).await?;
    for n in 1..=5 {
        let wrong = sign_in(ADMIN_PASSWORD, format!("wrong {n}"), office);
        refused(&format!("wrong code {n}"), wrong, Error::SecondFactor(SecondFactorError::InvalidCode))
            .await?;
    }
    let locked = sign_in(ADMIN_PASSWORD, shop.code()?, [203, 0, 113, 9]);
    shop.refused_because("a right code", locked, Error::SignIn(SignInError::Refused), Refusal::BudgetSpent)
        .await?;
    shop.later(Duration::from_secs(15 * 60));
    sign_in(ADMIN_PASSWORD, shop.code()?, office).await?;
    println!("   the next right code: signed in");

    step("6. What matters most wants a fresh sign-in: the one above is a quarter of an hour old");
    let told =
        || Error::SecondFactor(SecondFactorError::StepUpRequired(auth.config().lifetimes.fresh_sign_in));
    let stale = auth.replace_recovery_codes(token);
    shop.refused_because("new recovery codes", stale, told(), Refusal::NotFresh).await?;
    let stale = auth.change_admin_password(token, ADMIN_PASSWORD, "An0ther-passw0rd");
    shop.refused_because("a new password", stale, told(), Refusal::NotFresh).await?;
    let strict = shop.restarted(AuthConfig::strict())?;
    let stale = strict.auth.generate_one_time_code(token, &shop.customer, REASON);
    strict.refused_because("assistance, by strict rules", stale, told(), Refusal::NotFresh).await?;
    let stepped_up = auth.step_up(token, shop.code()?).await?;
    refused("the token before", auth.verify_admin(token), Error::Token(TokenError::Invalid)).await?;
    let token = stepped_up.token();
    strict.auth.generate_one_time_code(token, &shop.customer, REASON).await?;
    let recovery = auth.replace_recovery_codes(token).await?;
    println!(
        "   after step_up, with the fresh token: a one-time code, and {} recovery codes",
        recovery.len()
    );
    shop.read_admins_mail();

    step("7. The token says who it is, and what the admin user may do at this moment");
    for permissions in [vec![Permission::Login], Permission::ALL.to_vec()] {
        shop.edit_admin(|row| row.permissions = permissions).await?;
        let who = auth.verify_admin(token).await?;
        let may = Permission::ALL.map(|permission| (permission, who.has_permission(permission)));
        println!("   the token is admin user {}: {may:?}", who.admin_id());
    }

    step("8. Refused: one answer, whatever the reason");
    let told = || Error::SignIn(SignInError::Refused);
    let unknown = by_password("somebody", ADMIN_PASSWORD, office);
    shop.refused_because("an unknown name", unknown, told(), Refusal::UnknownAccount).await?;
    let wrong = by_password(ADMIN, WRONG, office);
    shop.refused_because("a wrong password", wrong, told(), Refusal::WrongCredential).await?;
    shop.edit_admin(|row| row.status = AccountStatus::Disabled).await?;
    let disabled = by_password(ADMIN, ADMIN_PASSWORD, office);
    shop.refused_because("a disabled account", disabled, told(), Refusal::AdminDisabled).await?;
    shop.edit_admin(|row| row.status = AccountStatus::Active).await?;

    step("9. Refused with a reason: the caller can mend these");
    refused("no name", by_password("", WRONG, office), Error::Input(InputError::Required(Field::Username)))
        .await?;
    refused(
        "no password",
        by_password(ADMIN, "", office),
        Error::Input(InputError::Required(Field::Password)),
    )
    .await?;
    refused("a control character", by_password("admin\n", WRONG, office), Error::Input(InputError::Username))
        .await?;
    let long = "x".repeat(1025);
    refused("a long password", by_password(ADMIN, &long, office), Error::Input(InputError::PasswordTooLong))
        .await?;
    let weak = auth.hash_new_admin_password(ADMIN, ADMIN);
    refused("a new password that is the name", weak, PolicyViolation::SameAsUsername.into()).await?;

    step("10. A token is of one kind");
    let customers = shop.customer_token(PASSWORD).await?;
    refused("a customer's token", auth.verify_admin(&customers), Error::Token(TokenError::NotAuthorized))
        .await?;
    refused(
        "an admin user's as a customer's",
        auth.verify_customer(token),
        Error::Token(TokenError::NotAuthorized),
    )
    .await?;
    refused("no token at all", auth.verify_admin("0123456789"), Error::Token(TokenError::Invalid)).await?;

    step("11. Six failures from one source lock it for half an hour; another source signs in");
    let elsewhere = [203, 0, 113, 9];
    for n in 1..=6 {
        refused(&format!("wrong password {n}"), by_password(ADMIN, WRONG, elsewhere), told()).await?;
    }
    let locked = sign_in(ADMIN_PASSWORD, shop.code()?, elsewhere);
    shop.refused_because("the right password, there", locked, told(), Refusal::BudgetSpent).await?;
    sign_in(ADMIN_PASSWORD, shop.code()?, office).await?;
    println!("   the right password, from the office: signed in");
    auth.unlock_admin(ADMIN).await?;
    sign_in(ADMIN_PASSWORD, shop.code()?, elsewhere).await?;
    println!("   after unlock_admin, the right password, there: signed in");

    step("12. The account is disabled: the next use is refused. The crate reads the row live");
    shop.edit_admin(|row| row.status = AccountStatus::Disabled).await?;
    let used = auth.verify_admin(token);
    shop.refused_because("the token", used, Error::Token(TokenError::Invalid), Refusal::AdminDisabled)
        .await?;
    shop.edit_admin(|row| row.status = AccountStatus::Active).await?;
    auth.verify_admin(token).await?;
    println!("   the account is active again, and so is the token");

    step("13. The host says so with admin_changed: nothing revives with the account");
    shop.edit_admin(|row| row.status = AccountStatus::Disabled).await?;
    auth.admin_changed(&shop.admin, AdminChange::Disabled).await?;
    shop.edit_admin(|row| row.status = AccountStatus::Active).await?;
    refused(
        "the token, the account active again",
        auth.verify_admin(token),
        Error::Token(TokenError::Invalid),
    )
    .await?;

    step("14. A new password, set by the host, which says so: the tokens of the old one end");
    let token = shop.admin_token().await?;
    let hash = auth.hash_new_admin_password(ADMIN, "An0ther-passw0rd").await?;
    shop.edit_admin(|row| row.password_hash = Some(hash)).await?;
    auth.admin_changed(&shop.admin, AdminChange::PasswordChanged).await?;
    refused("the token", auth.verify_admin(&token), Error::Token(TokenError::Invalid)).await?;

    step("15. The admin user signs out");
    let signed_in = sign_in("An0ther-passw0rd", shop.code()?, office).await?;
    auth.revoke_admin_token(signed_in.token()).await?;
    println!("   signed out");
    refused("the token", auth.verify_admin(signed_in.token()), Error::Token(TokenError::Invalid)).await?;
    refused("once more", auth.revoke_admin_token(signed_in.token()), Error::Token(TokenError::Invalid))
        .await?;

    step("16. After four hours the token has expired");
    let signed_in = sign_in("An0ther-passw0rd", shop.code()?, office).await?;
    shop.later(Duration::from_secs(4 * 60 * 60));
    let used = auth.verify_admin(signed_in.token());
    refused("the token", used, Error::Token(TokenError::Invalid)).await
}
