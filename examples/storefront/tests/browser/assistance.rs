//! An admin user assists a customer, as long as the customer will have it.

use serde_json::json;

use crate::{
    browser::Browser,
    in_browser,
    screens::fits,
    storefront::{ADMIN, ASSISTED, Account, CLERK, CUSTOMER, Storefront},
};

/// Signs an admin user in, in a new tab, and has them find a customer and give a reason.
pub(crate) async fn begin(storefront: &Storefront, browser: &Browser, admin: Account, customer: Account) {
    browser.open_tab(&format!("{}/admin", storefront.url)).await;
    browser.sign_in(admin).await;
    browser.write("#find-email", customer.name).await;
    browser.click("#find-submit").await;
    browser.click("#found button").await;
    browser.focus_reads(&format!("Assist {}", customer.name)).await;
    browser.write("#reason", "Helps with an order").await;
}

#[tokio::test]
async fn assistance_by_code_ends_when_consent_is_withdrawn() {
    in_browser(async |storefront, browser| {
        browser.go(&storefront.url).await;
        let customer = browser.tab().await;
        browser.sign_in(CUSTOMER).await;
        browser.see("#consent:not(:checked)").await;
        browser.click("#consent").await;
        browser.reads("#message", "Our staff may assist you now").await;

        begin(storefront, browser, ADMIN, CUSTOMER).await;
        let admin = browser.tab().await;
        browser.click("#make-code").await;
        browser.see("#hand-over").await;
        browser.reads("#code-seconds", " s").await;
        let code = browser.see("#code").await.text().await.unwrap();
        assert_eq!(code.len(), 32);

        let assistant = browser.click_into_tab("#hand-over-submit").await;
        browser.reads("#assist-email", CUSTOMER.name).await;
        assert_eq!(browser.url().await, format!("{}/assist", storefront.url));
        assert_eq!(browser.kept().await, json!([]), "nothing is redeemed before the click");
        browser.click("#assist-confirm").await;
        browser.reads("#banner", "You are being assisted by Ada Marsh: Helps with an order").await;
        browser.reads("#customer-email", CUSTOMER.name).await;
        browser.gone("#own").await;
        assert_eq!(browser.kept().await, json!(["customer_token"]));

        browser.turn_to(&admin).await;
        browser.gone("#hand-over").await;
        browser.click("#refresh").await;
        browser.reads("#assisted", CUSTOMER.name).await;
        browser.reads("#audit", "one-time code used").await;

        browser.turn_to(&customer).await;
        browser.click("#refresh").await;
        browser.reads("#assisted-note", "One of these is not you").await;
        browser.reads("#devices [data-kind=assistance]", "Ada Marsh: Helps with an order").await;
        browser.click("#consent").await;
        browser.reads("#message", "Nobody may assist you now").await;

        browser.turn_to(&assistant).await;
        browser.click("#refresh").await;
        browser.reads("#message", "The assistance has ended").await;
        browser.see("#sign-in").await;
        browser.gone("#banner:not(:empty)").await;
        assert_eq!(browser.kept().await, json!([]));
    })
    .await;
}

#[tokio::test]
async fn an_admin_user_logs_in_as_a_customer_at_once() {
    in_browser(async |storefront, browser| {
        begin(storefront, browser, ADMIN, ASSISTED).await;
        let admin = browser.tab().await;

        let shop = browser.click_into_tab("#login-as-customer").await;
        browser.reads("#banner", "You are being assisted by Ada Marsh: Helps with an order").await;
        browser.reads("#customer-email", ASSISTED.name).await;
        assert_eq!(browser.kept().await, json!(["customer_token"]), "the admin's token stays behind");
        assert_eq!(browser.url().await, format!("{}/", storefront.url));
        assert_eq!(browser.ask("return document.cookie").await, "");
        assert_eq!(browser.ask("return opener").await, json!(null));

        browser.turn_to(&admin).await;
        browser.reads("#assisted", ASSISTED.name).await;
        assert_eq!(browser.kept().await, json!(["admin_token"]));
        browser.click("#sign-out").await;
        browser.reads("#message", "You are signed out").await;
        assert_eq!(browser.kept().await, json!([]));

        // The assistance rested on the admin user's own token.
        browser.turn_to(&shop).await;
        browser.click("#refresh").await;
        browser.reads("#message", "The assistance has ended").await;
        assert_eq!(browser.kept().await, json!([]));
    })
    .await;
}

#[tokio::test]
async fn an_assistance_is_in_the_ledger_until_the_customer_ends_it() {
    in_browser(async |storefront, browser| {
        browser.go(&storefront.url).await;
        let customer = browser.tab().await;
        browser.sign_in(ASSISTED).await;
        browser.reads("#assistance", "Nobody has assisted you.").await;

        begin(storefront, browser, ADMIN, ASSISTED).await;
        let admin = browser.tab().await;
        let shop = browser.click_into_tab("#login-as-customer").await;
        browser.see("#banner:not(:empty)").await;
        browser.gone("#assistance").await;
        browser.turn_to(&admin).await;
        browser.reads("#assisted", ASSISTED.name).await;

        browser.turn_to(&customer).await;
        browser.click("#refresh").await;
        browser.reads("#assistance [data-state=open]", "By Ada Marsh: Helps with an order").await;
        browser.click("#assistance [data-state=open] button").await;
        browser.reads("#message", "The assistance has ended.").await;
        browser.reads("#assistance [data-state=ended]", "you ended it").await;
        fits(browser, "account-ended").await;
        browser.gone("#devices [data-kind=assistance]").await;
        browser.focus_reads("Assistance").await;

        browser.turn_to(&shop).await;
        browser.click("#refresh").await;
        browser.reads("#message", "The assistance has ended").await;
        browser.turn_to(&admin).await;
        browser.click("#refresh").await;
        browser.reads("#assisted", "Nobody is assisted now.").await;
    })
    .await;
}

#[tokio::test]
async fn the_trail_is_filtered_and_verified() {
    in_browser(async |storefront, browser| {
        begin(storefront, browser, ADMIN, ASSISTED).await;
        browser.click("#make-code").await;
        browser.reads("#audit", "one-time code made").await;
        browser.write("#audit-subject", ASSISTED.name).await;
        browser.write("#audit-actor", ADMIN.name).await;
        browser.click("#audit-submit").await;
        browser.gone("#audit li:not(:has(strong)), #audit .quiet:empty").await;
        browser.reads("#audit", &format!("{}, by {}", ASSISTED.name, ADMIN.name)).await;
        crate::browser::until("admin users are filtered out", async || {
            let text = browser.see("#audit").await.text().await.ok()?;
            (!text.contains("admin sign-in")).then_some(())
        })
        .await;
        browser.click("#audit-verify").await;
        browser.reads("#audit-verified", "in memory, and not signed").await;
    })
    .await;
}

#[tokio::test]
async fn without_consent_an_admin_user_is_refused() {
    in_browser(async |storefront, browser| {
        browser.go(&storefront.url).await;
        let customer = browser.tab().await;
        browser.sign_in(ASSISTED).await;
        browser.see("#consent:checked").await;
        begin(storefront, browser, ADMIN, ASSISTED).await;
        let admin = browser.tab().await;
        let tabs = browser.tabs().await.len();

        browser.turn_to(&customer).await;
        browser.click("#consent").await;
        browser.reads("#message", "Nobody may assist you now").await;
        browser.turn_to(&admin).await;
        browser.click("#make-code").await;
        browser.reads("#message", "Login as Customer assistance is disabled for this Customer.").await;
        browser.see("#desk").await;
        browser.click("#login-as-customer").await;
        browser.reads("#message", "Login as Customer assistance is disabled for this Customer.").await;
        browser.gone("#hand-over").await;
        assert_eq!(browser.tabs().await.len(), tabs, "the tab that was opened for it is closed");
    })
    .await;
}

#[tokio::test]
async fn an_admin_user_without_permissions_sees_nothing_of_customers() {
    in_browser(async |storefront, browser| {
        browser.go(&format!("{}/admin", storefront.url)).await;
        browser.sign_in(CLERK).await;
        browser.see("#nothing-permitted").await;
        for part in ["#customers", "#ledger", "#trail"] {
            browser.gone(part).await;
        }
        browser.see("#change-form").await;
        assert_eq!(browser.complaints().await, [""; 0], "the page asks for nothing that it may not have");
    })
    .await;
}
