//! Acts of customers on their accounts.

use fantoccini::key::Key;
use serde_json::json;

use crate::{
    in_browser, in_browser_with,
    storefront::{ADMIN, ASSISTED, Account, CUSTOMER},
};

#[tokio::test]
async fn a_wrong_password_is_said_aloud() {
    in_browser(async |storefront, browser| {
        browser.go(&storefront.url).await;
        browser.sign_in(Account { password: "not it", ..CUSTOMER }).await;
        browser.reads("#message[aria-live]", "The account sign-in was incorrect").await;
        assert_eq!(browser.kept().await, json!([]));

        browser.sign_in(CUSTOMER).await;
        browser.reads("#customer-email", CUSTOMER.name).await;
        browser.gone("#message:not(:empty)").await;
    })
    .await;
}

#[tokio::test]
async fn a_known_device_is_a_cookie_that_signs_nobody_in() {
    in_browser(async |storefront, browser| {
        browser.go(&storefront.url).await;
        browser.sign_in(CUSTOMER).await;
        browser.see("#account").await;
        let (first, http_only) = browser.cookie("device").await.unwrap();
        assert!(http_only);
        assert_eq!(browser.ask("return document.cookie").await, "", "no script reads it");

        browser.open_tab(&storefront.url).await;
        browser.see("#sign-in").await;
        browser.sign_in(CUSTOMER).await;
        browser.see("#account").await;
        assert_eq!(browser.cookie("device").await.unwrap().0, first, "the device is known");

        browser.go(&format!("{}/admin", storefront.url)).await;
        browser.sign_in(ADMIN).await;
        browser.see("#desk").await;
        assert_eq!(browser.cookie("device").await.unwrap().0, first);
        assert_ne!(browser.cookie("admin_device").await.unwrap().0, first);
    })
    .await;
}

#[tokio::test]
async fn a_proof_of_work_is_done_by_the_page() {
    in_browser_with(&["--admin-2fa", "optional", "--challenge", "always"], async |storefront, browser| {
        browser.go(&storefront.url).await;
        browser.sign_in(Account { password: "not it", ..CUSTOMER }).await;
        browser.reads("#message[aria-live]", "The account sign-in was incorrect").await;
        browser.sign_in(CUSTOMER).await;
        browser.reads("#customer-email", CUSTOMER.name).await;

        browser.go(&format!("{}/admin", storefront.url)).await;
        browser.sign_in(ADMIN).await;
        browser.see("#desk").await;
    })
    .await;
}

#[tokio::test]
async fn the_keyboard_is_enough() {
    in_browser(async |storefront, browser| {
        browser.go(&storefront.url).await;
        browser.focus_reads("Sign in").await;
        browser.tab_to("email").await;
        browser.types(CUSTOMER.name).await;
        browser.tab_to("password").await;
        browser.types(CUSTOMER.password).await;
        browser.press(Key::Enter).await;

        browser.see("#account").await;
        browser.focus_reads("My account").await;
        browser.tab_to("consent").await;
        browser.press(Key::Space).await;
        browser.reads("#message", "Our staff may assist you now").await;

        browser.go(&storefront.url).await;
        browser.focus_reads("My account").await;
        browser.see("#consent:checked").await;
        browser.tab_to("sign-out").await;
        browser.press(Key::Enter).await;
        browser.reads("#message", "You are signed out").await;
        browser.focus_reads("Sign in").await;
    })
    .await;
}

#[tokio::test]
async fn a_device_is_signed_out_from_the_list() {
    in_browser(async |storefront, browser| {
        browser.go(&storefront.url).await;
        let other = browser.tab().await;
        browser.sign_in(CUSTOMER).await;
        browser.see("#account").await;

        let this = browser.open_tab(&storefront.url).await;
        browser.see("#sign-in").await;
        browser.sign_in(CUSTOMER).await;
        browser.reads("#devices li[data-current=true]", "this device").await;
        browser.click("#devices li[data-current=false] button").await;
        browser.reads("#message", "Signed out: Chrome on Linux").await;
        browser.gone("#devices li[data-current=false]").await;
        browser.focus_reads("Signed-in devices").await;

        browser.turn_to(&other).await;
        browser.click("#refresh").await;
        browser.reads("#message", "You are no longer signed in").await;
        browser.see("#sign-in").await;
        assert_eq!(browser.kept().await, json!([]));

        browser.turn_to(&this).await;
        browser.click("#refresh").await;
        browser.reads("#message", "Up to date").await;
    })
    .await;
}

#[tokio::test]
async fn a_forgotten_password_is_set_by_the_mailed_link() {
    const NEW: &str = "A-new-passw0rd";
    in_browser(async |storefront, browser| {
        browser.go(&storefront.url).await;
        browser.write("#email", ASSISTED.name).await;
        browser.click("#forgot-link").await;
        assert_eq!(browser.value("#forgot-email").await, ASSISTED.name);
        browser.click("#forgot-submit").await;
        browser.reads("#message", "If there is an account").await;

        let mail = storefront.mail("#reset=").await;
        let link = mail.split_whitespace().find(|word| word.contains("#reset=")).unwrap();
        let (page, token) = link.split_once("#reset=").unwrap();
        browser.open_tab(link).await;
        browser.see("#reset").await;
        assert_eq!(browser.value("#reset-token").await, token);
        assert_eq!(browser.url().await, page, "the token has left the address bar");

        browser.write("#reset-email", ASSISTED.name).await;
        browser.write("#new-password", "short").await;
        browser.click("#reset-submit").await;
        browser.reads("#message", "The password needs at least 8 characters").await;
        browser.write("#new-password", NEW).await;
        browser.click("#reset-submit").await;
        browser.reads("#message", "Your password is changed").await;

        browser.sign_in(ASSISTED).await;
        browser.reads("#message", "The account sign-in was incorrect").await;
        browser.sign_in(Account { password: NEW, ..ASSISTED }).await;
        browser.reads("#customer-email", ASSISTED.name).await;
    })
    .await;
}

#[tokio::test]
async fn a_shop_that_cannot_answer_is_asked_again() {
    in_browser(async |storefront, browser| {
        browser.go(&storefront.url).await;
        browser.sign_in(CUSTOMER).await;
        browser.see("#account").await;

        browser.offline(true).await;
        browser.click("#refresh").await;
        browser.reads("#message", "The shop cannot be reached").await;
        browser.see("#account").await;
        assert_eq!(browser.kept().await, json!(["customer_token"]));

        browser.offline(false).await;
        browser.click("#try-again").await;
        browser.reads("#message", "Up to date").await;
        browser.gone("#try-again").await;
    })
    .await;
}
