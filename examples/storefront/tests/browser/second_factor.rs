//! An admin user's second factor.

use std::time::Duration;

use commerce_auth_test_support::authenticator::Authenticator;
use serde_json::json;
use time::OffsetDateTime;
use tokio::time::sleep;

use crate::{
    browser::Browser,
    in_browser_with,
    screens::fits,
    storefront::{ADMIN, ENROLLED, SECRET, Storefront},
};

const REQUIRED: &[&str] = &["--admin-2fa", "required"];

/// A code that was not used, once there is one.
async fn code(authenticator: &Authenticator) -> String {
    loop {
        match authenticator.unused_code(OffsetDateTime::now_utc()) {
            Some(code) => return code,
            None => sleep(Duration::from_secs(1)).await,
        }
    }
}

/// Signs the admin user in who has an authenticator.
async fn sign_in(storefront: &Storefront, browser: &Browser, authenticator: &Authenticator) {
    browser.go(&format!("{}/admin", storefront.url)).await;
    browser.sign_in(ENROLLED).await;
    browser.reads("#message", "enter the code that your authenticator shows").await;
    browser.write("#otp", &code(authenticator).await).await;
    browser.click("#sign-in-submit").await;
    browser.see("#desk").await;
}

#[tokio::test]
async fn an_admin_user_signs_in_with_a_code() {
    in_browser_with(REQUIRED, async |storefront, browser| {
        browser.go(&format!("{}/admin", storefront.url)).await;
        browser.sign_in(ENROLLED).await;
        browser.see("#otp").await;
        assert_eq!(browser.kept().await, json!([]), "a password alone signs nobody in");
        browser.write("#otp", "000000").await;
        browser.click("#sign-in-submit").await;
        browser.reads("#message", "Invalid code.").await;

        let authenticator = Authenticator::new(SECRET);
        browser.write("#otp", &code(&authenticator).await).await;
        browser.click("#sign-in-submit").await;
        browser.focus_reads("Support desk").await;
        assert_eq!(browser.kept().await, json!(["admin_token"]));
        browser.reads("#factor", "Recovery codes left: 0.").await;

        // As the sign-in is fresh, no code is asked for again.
        browser.click("#new-codes").await;
        browser.see("#recovery-codes li:nth-child(10)").await;
        browser.click("#recovery-done").await;
        browser.reads("#factor", "Recovery codes left: 10.").await;
        browser.gone("#recovery-codes li").await;
    })
    .await;
}

#[tokio::test]
async fn an_authenticator_is_set_up_by_the_mailed_link() {
    in_browser_with(REQUIRED, async |storefront, browser| {
        browser.go(&format!("{}/admin", storefront.url)).await;
        browser.sign_in(ADMIN).await;
        browser.reads("#message", "Please check your email.").await;

        let mail = storefront.mail("#enrol=").await;
        let link = mail.split_whitespace().find(|word| word.contains("#enrol=")).unwrap();
        let (page, _) = link.split_once("#enrol=").unwrap();
        browser.open_tab(link).await;
        browser.see("#enrol").await;
        assert_eq!(browser.url().await, page, "the token has left the address bar");
        let width = "return document.getElementById('enrol-qr').naturalWidth";
        crate::browser::until("the picture", async || {
            (browser.ask(width).await.as_u64()? > 100).then_some(())
        })
        .await;
        let secret = browser.see("#enrol-secret").await.text().await.unwrap();
        let authenticator = Authenticator::new(&secret);
        browser.write("#enrol-otp", "000000").await;
        browser.click("#enrol-submit").await;
        browser.reads("#message", "Invalid code.").await;
        browser.write("#enrol-otp", &code(&authenticator).await).await;
        browser.click("#enrol-submit").await;
        browser.see("#recovery-codes li:nth-child(10)").await;
        fits(browser, "admin-recovery-codes").await;
        let recovery = browser.see("#recovery-codes li").await.text().await.unwrap();
        browser.click("#recovery-done").await;

        browser.sign_in(ADMIN).await;
        browser.write("#otp", &recovery).await;
        browser.click("#sign-in-submit").await;
        browser.reads("#factor", "Recovery codes left: 9.").await;
        assert_eq!(browser.complaints().await.iter().filter(|it| it.contains("Content Security")).count(), 0);

        // The link works once.
        browser.open_tab(link).await;
        browser.reads("#message", "Invalid two-factor authorization token").await;
        browser.gone("#enrol").await;
    })
    .await;
}

#[tokio::test]
async fn a_locked_account_is_unlocked_by_the_mailed_link() {
    let arguments = &["--admin-2fa", "optional", "--trusted-proxy", "127.0.0.1"];
    in_browser_with(arguments, async |storefront, browser| {
        storefront.lock_admin(ADMIN);
        browser.go(&format!("{}/admin", storefront.url)).await;
        browser.sign_in(ADMIN).await;
        browser.reads("#message", "The account sign-in was incorrect").await;

        let mail = storefront.mail("#unlock=").await;
        let link = mail.split_whitespace().find(|word| word.contains("#unlock=")).unwrap();
        let (page, _) = link.split_once("#unlock=").unwrap();
        browser.open_tab(link).await;
        browser.focus_reads("Unlock your account").await;
        assert_eq!(browser.url().await, page, "the token has left the address bar");
        browser.write("#unlock-username", "somebody").await;
        browser.click("#unlock-submit").await;
        browser.reads("#message", "the unlock link is invalid").await;
        browser.write("#unlock-username", ADMIN.name).await;
        browser.click("#unlock-submit").await;
        browser.reads("#message", "Your account is unlocked.").await;
        assert_eq!(browser.kept().await, json!([]), "the link signs nobody in");
        browser.sign_in(ADMIN).await;
        browser.see("#desk").await;

        // The link works once, and leaves a tab that is signed in as it is.
        browser.go(link).await;
        browser.write("#unlock-username", ADMIN.name).await;
        browser.click("#unlock-submit").await;
        browser.reads("#message", "the unlock link is invalid").await;
        assert_eq!(browser.kept().await, json!(["admin_token"]));
    })
    .await;
}

#[tokio::test]
async fn a_sign_in_that_is_not_fresh_steps_up() {
    const NEW: &str = "An0therPassw0rd";
    in_browser_with(&["--admin-2fa", "required", "--fresh-for", "5"], async |storefront, browser| {
        let authenticator = Authenticator::new(SECRET);
        sign_in(storefront, browser, &authenticator).await;
        sleep(Duration::from_secs(6)).await;

        browser.click("#new-codes").await;
        browser.see("#step-up").await;
        browser.write("#step-up-otp", "000000").await;
        browser.click("#step-up-submit").await;
        browser.reads("#step-up-message", "Invalid code.").await;
        fits(browser, "admin-step-up").await;
        browser.write("#step-up-otp", &code(&authenticator).await).await;
        browser.click("#step-up-submit").await;
        // The act that was asked for continues by itself.
        browser.see("#recovery-codes li:nth-child(10)").await;
        browser.click("#recovery-done").await;

        sleep(Duration::from_secs(6)).await;
        browser.write("#current-password", ENROLLED.password).await;
        browser.write("#new-password", NEW).await;
        browser.click("#change-submit").await;
        browser.see("#step-up").await;
        browser.click("#step-up-cancel").await;
        browser.gone("#step-up").await;
        browser.click("#change-submit").await;
        browser.see("#step-up").await;
        browser.write("#step-up-otp", &code(&authenticator).await).await;
        browser.click("#step-up-submit").await;
        browser.reads("#message", "Your password is changed").await;
        browser.see("#desk").await;
    })
    .await;
}

#[tokio::test]
async fn without_an_authenticator_a_new_sign_in_is_fresh() {
    in_browser_with(&["--admin-2fa", "optional", "--fresh-for", "5"], async |storefront, browser| {
        browser.go(&format!("{}/admin", storefront.url)).await;
        browser.sign_in(ADMIN).await;
        browser.reads("#factor", "You have no authenticator").await;
        browser.gone("#new-codes").await;
        sleep(Duration::from_secs(6)).await;
        browser.click("#new-factor").await;
        browser.see("#step-up").await;
        browser.write("#step-up-otp", "000000").await;
        browser.click("#step-up-submit").await;
        browser.reads("#message", "Please sign in again").await;
        browser.sign_in(ADMIN).await;
        browser.click("#new-factor").await;
        browser.see("#enrol").await;
    })
    .await;
}
