//! Every page on a desktop and on a phone: none scrolls sideways, and none is refused anything by its own policy.

use std::{env, fs, path::PathBuf};

use serde_json::{Value, json};

use crate::{
    assistance,
    browser::Browser,
    in_browser,
    storefront::{ADMIN, ASSISTED},
};

const FOLDER: &str = "COMMERCE_AUTH_SCREENSHOTS";
const SIZES: [(&str, u64, u64); 2] = [("desktop", 1024, 640), ("phone", 360, 640)];

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
        browser.reads("#audit", "code mint").await;
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

async fn fits(browser: &Browser, name: &str) {
    for (size, width, height) in SIZES {
        resize(browser, width, height).await;
        let widest = number(browser, "return document.documentElement.scrollWidth").await;
        assert!(widest <= width, "{name} is {widest} wide on a {size}");
        let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { continue };
        // As tall as the page is, to have all of it.
        let tall = number(browser, "return document.documentElement.scrollHeight").await;
        resize(browser, width, tall).await;
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}-{size}.png")), browser.screenshot().await).unwrap();
    }
    browser.chromium("Emulation.clearDeviceMetricsOverride", json!({})).await;
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
