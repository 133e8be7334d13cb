//! Times of the pages.

use serde_json::json;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339, macros::format_description};

use crate::{
    in_browser,
    storefront::{ADMIN, CUSTOMER},
};

#[tokio::test]
async fn times_are_in_the_readers_zone() {
    in_browser(async |storefront, browser| {
        browser.chromium("Emulation.setTimezoneOverride", json!({"timezoneId": "Asia/Tokyo"})).await;
        browser.go(&storefront.url).await;
        browser.sign_in(CUSTOMER).await;
        let time = browser.see("#devices time").await;
        let exact = time.attr("datetime").await.unwrap().unwrap();
        let tokyo =
            OffsetDateTime::parse(&exact, &Rfc3339).unwrap().to_offset(UtcOffset::from_hms(9, 0, 0).unwrap());
        let format = format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute]");
        assert_eq!(time.text().await.unwrap(), tokyo.format(format).unwrap());
        browser.reads("#time-zone", "Times are in your time zone, Asia/Tokyo.").await;

        // Staff sees the seconds of events.
        browser.go(&format!("{}/admin", storefront.url)).await;
        browser.sign_in(ADMIN).await;
        let time = browser.see("#audit time").await;
        assert_eq!(time.text().await.unwrap().matches(':').count(), 2);
        browser.reads("#time-zone", "Asia/Tokyo").await;
    })
    .await;
}
