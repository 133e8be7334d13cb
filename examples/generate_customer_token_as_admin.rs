//! An admin user gets a token to assist a customer: what it contains, what it may not do, when it
//! ends, and every possible refusal.
//!
//! `cargo run --example generate_customer_token_as_admin`

mod demo;

use std::time::Duration;

use commerce_auth::{
    AuthConfig, Error, Website,
    account::{AccountStatus, AdminRecord, CustomerRecord, Permission},
    audit::Refusal,
    error::{AssistanceError, Field, InputError, SignInError, TokenError},
    flow::Keep,
    token::Bearer,
};
use demo::{BOB, DemoShop, NOBODY, PASSWORD, REASON, refused, step};

#[tokio::main]
async fn main() -> demo::Result {
    let shop = DemoShop::open().await?;
    let auth = &shop.auth;
    let outlet: Website = "outlet".parse()?;

    step("1. The admin user signs in, and asks for the customer's token by e-mail address, with a reason");
    let admin = shop.admin_token().await?;
    let ask = |email, reason| auth.generate_customer_token_as_admin(&admin, email, reason);
    let signed_in = ask(BOB, REASON).await?;
    println!("   token {}, until {}", signed_in.token().expose(), signed_in.expires_at());

    step("2. The token says for whom it is, who uses it and why; a blank reason becomes the shop's default");
    let token = signed_in.token();
    shop.live("the token", token).await?;
    shop.live("another", ask(BOB, " ").await?.token()).await?;

    step("3. What is the customer's own to do, it may not do");
    let (told, why) = (|| Error::Token(TokenError::NotAuthorized), Refusal::Assisting);
    let change = auth.change_password(token, PASSWORD, "N3w-passw0rd");
    shop.refused_because("change the password", change, told(), why).await?;
    let confirm = auth.confirm_password(token, PASSWORD);
    shop.refused_because("confirm the password", confirm, told(), why).await?;
    let consent = auth.set_remote_shopping_assistance(token, true);
    shop.refused_because("consent to assistance", consent, told(), why).await?;
    shop.refused_because("list the tokens", auth.list_customer_tokens(token), told(), why).await?;
    let all = auth.revoke_all_customer_tokens(token, Keep::Presented);
    shop.refused_because("revoke all tokens", all, told(), why).await?;
    let who = auth.verify_customer(token).await?;
    let one = auth.revoke_listed_customer_token(token, who.grant());
    shop.refused_because("revoke one of the list", one, told(), why).await?;
    let another = auth.generate_customer_token_as_admin(token, BOB, REASON);
    shop.refused_because("mint another token", another, told(), Refusal::NotAnAdmin).await?;
    let code = auth.generate_one_time_code(token, &shop.customer, REASON);
    shop.refused_because("generate a one-time code", code, told(), Refusal::NotAnAdmin).await?;
    refused("what the host guards with require_self", async { who.require_self() }, told()).await?;
    refused("anything on another website", auth.verify(Bearer::from(token).website(outlet.clone())), told())
        .await?;

    step("4. Refused: who asks. No customer is looked up");
    let customers = shop.customer_token(PASSWORD).await?;
    let call = auth.generate_customer_token_as_admin(&customers, BOB, REASON);
    shop.refused_because("a customer", call, Error::Token(TokenError::NotAuthorized), Refusal::NotAnAdmin)
        .await?;
    let call = auth.generate_customer_token_as_admin("0123456789", BOB, REASON);
    refused("nobody", call, Error::Token(TokenError::Invalid)).await?;
    let changes: [(_, fn(&mut AdminRecord), _, _); 3] = [
        (
            "an admin user without the permission Login",
            |row| row.permissions = vec![Permission::AllowShoppingAssistance],
            Error::Assistance(AssistanceError::Disabled),
            Refusal::NoPermission,
        ),
        (
            "an admin user without the permission AllowShoppingAssistance",
            |row| row.permissions = vec![Permission::Login],
            Error::Assistance(AssistanceError::NotPermitted),
            Refusal::NoPermission,
        ),
        (
            "a disabled admin user",
            |row| row.status = AccountStatus::Disabled,
            Error::Token(TokenError::Invalid),
            Refusal::AdminDisabled,
        ),
    ];
    for (what, change, told, why) in changes {
        shop.edit_admin(change).await?;
        shop.refused_because(what, ask(NOBODY, REASON), told, why).await?;
        shop.restore().await?;
    }

    step("5. Refused: whom. A permitted admin user is told what is the matter");
    refused("no address", ask("", REASON), Error::Input(InputError::Required(Field::CustomerEmail))).await?;
    refused("a malformed address", ask("bobloblaw", REASON), Error::Input(InputError::Email)).await?;
    let (told, why) = (|| Error::Assistance(AssistanceError::NoSuchEmail), Refusal::UnknownAccount);
    shop.refused_because("an unknown address", ask(NOBODY, REASON), told(), why).await?;
    let call = auth.generate_customer_token_as_admin(Bearer::from(&admin).website(outlet), BOB, REASON);
    shop.refused_because("a customer of another website", call, told(), why).await?;
    let changes: [(_, fn(&mut CustomerRecord), _, _); 3] = [
        (
            "a customer who does not consent",
            |row| row.allows_assistance = false,
            Error::Assistance(AssistanceError::NoConsent),
            Refusal::NoConsent,
        ),
        (
            "an unconfirmed customer",
            |row| row.status = AccountStatus::Unconfirmed,
            Error::SignIn(SignInError::NotConfirmed),
            Refusal::AccountUnconfirmed,
        ),
        (
            "a disabled customer",
            |row| row.status = AccountStatus::Disabled,
            Error::Assistance(AssistanceError::CustomerDisabled),
            Refusal::AccountDisabled,
        ),
    ];
    for (what, change, told, why) in changes {
        shop.edit_customer(change).await?;
        shop.refused_because(what, ask(BOB, REASON), told, why).await?;
        shop.restore().await?;
    }

    step("6. Refused: the shop's own rules");
    let strict = shop.restarted(AuthConfig::strict())?;
    let call = strict.auth.generate_customer_token_as_admin(&admin, BOB, " ");
    let told = Error::Input(InputError::Required(Field::Reason));
    strict.refused_because("a blank reason, by strict rules", call, told, Refusal::NoReason).await?;
    let mut config = AuthConfig::commerce();
    config.assistance = false;
    let off = shop.restarted(config)?;
    let call = off.auth.generate_customer_token_as_admin(&admin, BOB, REASON);
    let (told, why) = (Error::Assistance(AssistanceError::Disabled), Refusal::AssistanceOff);
    off.refused_because("assistance is switched off", call, told, why).await?;
    let used = off.auth.verify_customer(token);
    off.refused_because("and a token from before is used", used, Error::Token(TokenError::Invalid), why)
        .await?;

    step("7. The token ends: by itself, by time, and with the admin user's own");
    let told = || Error::Token(TokenError::Invalid);
    let (first, second) = (ask(BOB, REASON).await?, ask(BOB, REASON).await?);
    auth.revoke_customer_token(first.token()).await?;
    shop.ended("a token that was signed out", first.token()).await?;
    shop.live("the others", second.token()).await?;
    shop.later(Duration::from_secs(15 * 60));
    shop.ended("the token", second.token()).await?;
    let third = ask(BOB, REASON).await?;
    auth.revoke_admin_token(&admin).await?;
    println!("   the admin user signs out");
    shop.ended("a token for the customer", third.token()).await?;
    refused("a new one", ask(BOB, REASON), told()).await
}
