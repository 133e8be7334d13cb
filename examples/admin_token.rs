//! An admin user signs in, is looked at live at every use, and signs out; locks; and every refusal there is.
//!
//! `cargo run --example admin_token`

mod demo;

use std::{net::IpAddr, time::Duration};

use commerce_auth::{
    AccountStatus, AdminChange, AdminSignIn, Error, Field, Permission, PolicyViolation, audit::Refusal,
};
use demo::{ADMIN, ADMIN_PASSWORD, DemoShop, PASSWORD, WRONG, refused, step};

#[tokio::main]
async fn main() -> demo::Result {
    let shop = DemoShop::open().await?;
    let auth = &shop.auth;
    let sign_in = |name: &str, password: &str, from: [u8; 4]| {
        auth.generate_admin_token(AdminSignIn::new(name, password).from(IpAddr::from(from)))
    };
    let office = [192, 0, 2, 1];

    step("1. User name and password buy a token for four hours");
    let signed_in = sign_in(ADMIN, ADMIN_PASSWORD, office).await?;
    // A real shop never prints a token: whoever reads it is the admin user.
    println!("   signed in: {}, until {}", signed_in.token().expose(), signed_in.expires_at());
    let token = signed_in.token();

    step("2. The token says who it is, and what the admin user may do at this moment");
    for permissions in [vec![Permission::Login], Permission::ALL.to_vec()] {
        shop.edit_admin(|row| row.permissions = permissions).await?;
        let who = auth.verify_admin(token).await?;
        let may = Permission::ALL.map(|permission| (permission, who.has_permission(permission)));
        println!("   the token is admin user {}: {may:?}", who.admin_id());
    }

    step("3. Refused: one answer, whatever the reason");
    let told = || Error::SignInRefused;
    let unknown = sign_in("somebody", ADMIN_PASSWORD, office);
    shop.refused_because("an unknown name", unknown, told(), Refusal::UnknownAccount).await?;
    let wrong = sign_in(ADMIN, WRONG, office);
    shop.refused_because("a wrong password", wrong, told(), Refusal::WrongCredential).await?;
    shop.edit_admin(|row| row.status = AccountStatus::Disabled).await?;
    let disabled = sign_in(ADMIN, ADMIN_PASSWORD, office);
    shop.refused_because("a disabled account", disabled, told(), Refusal::AdminDisabled).await?;
    shop.edit_admin(|row| row.status = AccountStatus::Active).await?;

    step("4. Refused with a reason: the caller can mend these");
    refused("no name", sign_in("", WRONG, office), Error::Required(Field::Username)).await?;
    refused("no password", sign_in(ADMIN, "", office), Error::Required(Field::Password)).await?;
    refused("a control character", sign_in("admin\n", WRONG, office), Error::InvalidUsername).await?;
    let long = "x".repeat(1025);
    refused("a long password", sign_in(ADMIN, &long, office), Error::PasswordTooLong).await?;
    let weak = auth.hash_new_admin_password(ADMIN, ADMIN);
    refused("a new password that is the name", weak, PolicyViolation::SameAsUsername.into()).await?;

    step("5. A token is of one kind");
    let customers = shop.customer_token(PASSWORD).await?;
    refused("a customer's token", auth.verify_admin(&customers), Error::NotAuthorized).await?;
    refused("an admin user's as a customer's", auth.verify_customer(token), Error::NotAuthorized).await?;
    refused("no token at all", auth.verify_admin("0123456789"), Error::InvalidToken).await?;

    step("6. Six failures from one source lock it for half an hour; another source signs in");
    let elsewhere = [203, 0, 113, 9];
    for n in 1..=6 {
        refused(&format!("wrong password {n}"), sign_in(ADMIN, WRONG, elsewhere), told()).await?;
    }
    let locked = sign_in(ADMIN, ADMIN_PASSWORD, elsewhere);
    shop.refused_because("the right password, there", locked, told(), Refusal::BudgetSpent).await?;
    sign_in(ADMIN, ADMIN_PASSWORD, office).await?;
    println!("   the right password, from the office: signed in");
    auth.unlock_admin(ADMIN).await?;
    sign_in(ADMIN, ADMIN_PASSWORD, elsewhere).await?;
    println!("   after unlock_admin, the right password, there: signed in");

    step("7. The account is disabled: the next use is refused. The crate reads the row live");
    shop.edit_admin(|row| row.status = AccountStatus::Disabled).await?;
    let used = auth.verify_admin(token);
    shop.refused_because("the token", used, Error::InvalidToken, Refusal::AdminDisabled).await?;
    shop.edit_admin(|row| row.status = AccountStatus::Active).await?;
    auth.verify_admin(token).await?;
    println!("   the account is active again, and so is the token");

    step("8. The host says so with admin_changed: nothing revives with the account");
    shop.edit_admin(|row| row.status = AccountStatus::Disabled).await?;
    auth.admin_changed(&shop.admin, AdminChange::Disabled).await?;
    shop.edit_admin(|row| row.status = AccountStatus::Active).await?;
    refused("the token, the account active again", auth.verify_admin(token), Error::InvalidToken).await?;

    step("9. A new password: the host stores it and says so, and the tokens of the old one end");
    let token = shop.admin_token().await?;
    let hash = auth.hash_new_admin_password(ADMIN, "An0ther-passw0rd").await?;
    shop.edit_admin(|row| row.password_hash = Some(hash)).await?;
    auth.admin_changed(&shop.admin, AdminChange::PasswordChanged).await?;
    refused("the token", auth.verify_admin(&token), Error::InvalidToken).await?;

    step("10. The admin user signs out");
    let signed_in = sign_in(ADMIN, "An0ther-passw0rd", office).await?;
    auth.revoke_admin_token(signed_in.token()).await?;
    println!("   signed out");
    refused("the token", auth.verify_admin(signed_in.token()), Error::InvalidToken).await?;
    refused("once more", auth.revoke_admin_token(signed_in.token()), Error::InvalidToken).await?;

    step("11. After four hours the token has expired");
    let signed_in = sign_in(ADMIN, "An0ther-passw0rd", office).await?;
    shop.later(Duration::from_secs(4 * 60 * 60));
    let used = auth.verify_admin(signed_in.token());
    shop.refused_because("the token", used, Error::InvalidToken, Refusal::TokenExpired).await
}
