//! Every page in its main states, on a desktop and on a phone, light and dark. No page scrolls sideways, axe-core finds
//! nothing, and no page violates its content security policy.

use std::{env, fs, path::PathBuf};

use serde_json::{Value, json};

use crate::{
    assistance, axe,
    browser::Browser,
    in_browser,
    storefront::{ADMIN, ASSISTED, Account, CLERK, CUSTOMER, ENROLLED},
};

const FOLDER: &str = "COMMERCE_AUTH_SCREENSHOTS";
const SIZES: [(&str, u64, u64); 2] = [("desktop", 1024, 640), ("phone", 360, 640)];
const SCHEMES: [(&str, &str); 2] = [("light", ""), ("dark", "-dark")];

#[tokio::test]
async fn the_pages_fit_a_desktop_and_a_phone() {
    in_browser(async |storefront, browser| {
        browser.go(&storefront.url).await;
        let customer = browser.tab().await;
        browser.see("#sign-in").await;
        fits(browser, "sign-in").await;
        browser.click("#forgot-link").await;
        fits(browser, "forgot").await;
        browser.click("#have-token").await;
        browser.reads("#password-rule", "At least 8 characters").await;
        fits(browser, "reset").await;
        browser.click("#reset .to-sign-in").await;
        browser.sign_in(ASSISTED).await;
        browser.see("#account").await;

        assistance::begin(storefront, browser, ADMIN, ASSISTED).await;
        let admin = browser.tab().await;
        browser.click("#make-code").await;
        browser.see("#hand-over").await;
        browser.reads("#audit", "one-time code made").await;
        fits(browser, "admin").await;

        browser.click_into_tab("#hand-over-submit").await;
        browser.see("#assist-confirm").await;
        fits(browser, "confirm").await;
        browser.click("#assist-confirm").await;
        browser.see("#banner").await;
        fits(browser, "assisted").await;

        browser.turn_to(&customer).await;
        browser.click("#refresh").await;
        browser.see("#assisted-note").await;
        browser.see("#assistance [data-state=open]").await;
        fits(browser, "account").await;

        browser.turn_to(&admin).await;
        browser.click("#new-factor").await;
        browser.see("#enrol").await;
        fits(browser, "enrol").await;

        browser.open_tab(&format!("{}/admin#unlock=0", storefront.url)).await;
        browser.see("#unlock").await;
        fits(browser, "unlock").await;

        browser.open_tab(&format!("{}/confirm", storefront.url)).await;
        browser.see("#confirm").await;
        fits(browser, "confirm-email").await;

        assert_eq!(browser.complaints().await, [""; 0], "the pages ask for something that they may not have");
    })
    .await;
}

#[tokio::test]
async fn empty_pages_and_errors_fit_too() {
    in_browser(async |storefront, browser| {
        browser.go(&storefront.url).await;
        browser.sign_in(Account { password: "not it", ..CUSTOMER }).await;
        browser.reads("#message", "The account sign-in was incorrect").await;
        fits(browser, "sign-in-refused").await;
        browser.sign_in(CUSTOMER).await;
        browser.reads("#assistance", "switch remote shopping assistance on above").await;
        fits(browser, "account-empty").await;
        browser.click("#devices summary").await;
        browser.reads("#devices details", "Address: 127.0.0.1").await;
        fits(browser, "account-details").await;
        browser.offline(true).await;
        browser.click("#refresh").await;
        browser.see("#try-again").await;
        fits(browser, "account-offline").await;
        browser.offline(false).await;

        browser.open_tab(&format!("{}/admin", storefront.url)).await;
        browser.see("#sign-in").await;
        fits(browser, "admin-sign-in").await;
        browser.sign_in(ENROLLED).await;
        browser.see("#otp").await;
        fits(browser, "admin-code").await;
        browser.go(&format!("{}/admin", storefront.url)).await;
        browser.sign_in(CLERK).await;
        browser.reads("#nothing-permitted", "ask whoever runs this shop").await;
        fits(browser, "admin-nothing-permitted").await;
        browser.click("#sign-out").await;
        browser.reads("#message", "You are signed out").await;

        browser.sign_in(ADMIN).await;
        browser.reads("#assisted", "To assist a customer, find the customer above").await;
        browser.write("#find-email", "nobody@").await;
        browser.click("#find-submit").await;
        browser.reads("#found", "Check the spelling").await;
        browser.write("#audit-actor", "nobody").await;
        browser.click("#audit-submit").await;
        browser.reads("#audit", "Empty a field above").await;
        browser.click("#audit-verify").await;
        browser.reads("#audit-verified", "in memory").await;
        fits(browser, "admin-empty").await;
        browser.write("#audit-subject", "nobody@example.com").await;
        browser.click("#audit-submit").await;
        browser.reads("#message", "No customer has this e-mail address").await;
        browser.write("#find-email", CUSTOMER.name).await;
        browser.click("#find-submit").await;
        browser.reads("#found", "Ask the customer to sign in").await;
        fits(browser, "admin-no-consent").await;

        // A one-time code that cannot be redeemed just now.
        browser.write("#find-email", ASSISTED.name).await;
        browser.click("#find-submit").await;
        browser.click("#found button").await;
        browser.write("#reason", "Helps with an order").await;
        browser.click("#make-code").await;
        browser.click_into_tab("#hand-over-submit").await;
        browser.see("#assist-confirm").await;
        browser.offline(true).await;
        browser.click("#assist-confirm").await;
        browser.see("#try-again").await;
        fits(browser, "confirm-offline").await;
    })
    .await;
}

/// Checks the page as it is now, in each size and scheme of colours.
pub(crate) async fn fits(browser: &Browser, name: &str) {
    for (scheme, suffix) in SCHEMES {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        browser.chromium("Emulation.setEmulatedMedia", features).await;
        for (size, width, height) in SIZES {
            fits_in(browser, &format!("{name}-{size}{suffix}"), width, height).await;
        }
    }
    browser.chromium("Emulation.setEmulatedMedia", json!({"features": []})).await;
    browser.chromium("Emulation.clearDeviceMetricsOverride", json!({})).await;
}

async fn fits_in(browser: &Browser, name: &str, width: u64, height: u64) {
    resize(browser, width, height).await;
    let widest = number(browser, "return document.documentElement.scrollWidth").await;
    assert!(widest <= width, "{name} is {widest} wide");
    axe::finds_nothing(browser, name).await;
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    // As tall as the page is, to have all of it.
    let tall = number(browser, "return document.documentElement.scrollHeight").await;
    resize(browser, width, tall).await;
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{name}.png")), browser.screenshot().await).unwrap();
}

async fn resize(browser: &Browser, width: u64, height: u64) {
    let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500});
    browser.chromium("Emulation.setDeviceMetricsOverride", metrics).await;
}

async fn number(browser: &Browser, script: &str) -> u64 {
    match browser.ask(script).await {
        Value::Number(number) => number.as_u64().unwrap(),
        other => panic!("{script} answers {other}"),
    }
}
