//! The keyboard is enough to assist a customer, and to end it. The focus shows at every stop.

use fantoccini::key::Key;

use crate::{
    browser::Browser,
    in_browser,
    storefront::{ADMIN, ASSISTED, Account},
};

async fn sign_in(browser: &Browser, field: &str, account: Account) {
    browser.tab_to(field).await;
    browser.types(account.name).await;
    browser.tab_to("password").await;
    browser.types(account.password).await;
    browser.press(Key::Enter).await;
}

#[tokio::test]
async fn an_assistance_is_given_and_ended_by_keyboard() {
    in_browser(async |storefront, browser| {
        browser.go(&format!("{}/admin", storefront.url)).await;
        browser.focus_reads("Admin sign in").await;
        sign_in(browser, "username", ADMIN).await;
        browser.focus_reads("Support desk").await;
        browser.tab_to("find-email").await;
        browser.types(ASSISTED.name).await;
        browser.press(Key::Enter).await;
        browser.reads("#message", "1 customer").await;
        browser.tab_to_text("Assist").await;
        browser.press(Key::Enter).await;
        browser.focus_reads(&format!("Assist {}", ASSISTED.name)).await;
        browser.tab_to("reason").await;
        browser.types("Helps with an order").await;
        browser.tab_to("make-code").await;
        browser.press(Key::Enter).await;
        browser.focus_reads("One-time code").await;
        browser.tab_to("hand-over-submit").await;
        browser.turn_to_new_tab("the Enter key", browser.press(Key::Enter)).await;
        browser.see("#assist-confirm").await;
        browser.tab_to("assist-confirm").await;
        browser.press(Key::Enter).await;
        browser.reads("#banner", "Ada Marsh").await;

        browser.open_tab(&storefront.url).await;
        browser.focus_reads("Sign in").await;
        sign_in(browser, "email", ASSISTED).await;
        browser.focus_reads("My account").await;
        browser.tab_to_text("Details").await;
        browser.press(Key::Enter).await;
        browser.reads("#devices details", "Address: 127.0.0.1").await;
        browser.go(&storefront.url).await;
        browser.focus_reads("My account").await;
        browser.tab_to_text("End it").await;
        browser.press(Key::Enter).await;
        browser.reads("#message", "The assistance has ended.").await;
        browser.focus_reads("Assistance").await;
        browser.tab_to_text("Sign out").await;
    })
    .await;
}
