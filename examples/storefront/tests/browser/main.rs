//! The pages, as people use them: a headless Chromium driven through chromedriver, against the server itself.
//!
//! Where `chromium`, `chromedriver` or `npm` (for axe-core) is missing, the tests say so loudly and pass; with
//! `COMMERCE_AUTH_REQUIRE_SERVERS=1` they fail. With `COMMERCE_AUTH_SCREENSHOTS=FOLDER`, `screens` keeps what it sees.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod assistance;
mod axe;
mod browser;
mod confirmation;
mod devices;
mod keyboard;
mod screens;
mod second_factor;
mod shop;
mod storefront;
mod times;

use std::panic::{AssertUnwindSafe, resume_unwind};

use browser::Browser;
use futures_util::FutureExt;
use storefront::Storefront;

/// Runs a test with a new server and a new browser, and ends both whatever the result is. Admin users sign in by password.
async fn in_browser(test: impl AsyncFnOnce(&Storefront, &Browser)) {
    in_browser_with(&["--admin-2fa", "optional"], test).await;
}

/// The same with a server that is told so.
async fn in_browser_with(arguments: &[&str], test: impl AsyncFnOnce(&Storefront, &Browser)) {
    let Some(browser) = Browser::start().await else { return };
    let outcome = AssertUnwindSafe(async {
        let storefront = Storefront::start(arguments);
        test(&storefront, &browser).await;
    })
    .catch_unwind()
    .await;
    browser.close().await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}
