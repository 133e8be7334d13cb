//! Names of devices.

use serde_json::{Value, json};

use crate::in_browser;

/// User agents and their names. The programs sent these user agents in 2025 and 2026.
const NAMES: [(&str, &str); 15] = [
    (
        "Firefox on Windows",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
    ),
    ("Firefox on Linux", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    (
        "Firefox on iPhone",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
         FxiOS/140.0 Mobile/15E148 Safari/605.1.15",
    ),
    (
        "Chrome on macOS",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 \
         Safari/537.36",
    ),
    (
        "Chrome on Android",
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile \
         Safari/537.36",
    ),
    (
        "Chrome on ChromeOS",
        "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 \
         Safari/537.36",
    ),
    (
        "Chrome on iPad",
        "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/138.0.7204.53 \
         Mobile/15E148 Safari/604.1",
    ),
    (
        "Edge on Windows",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 \
         Safari/537.36 Edg/138.0.0.0",
    ),
    (
        "Opera on Windows",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 \
         Safari/537.36 OPR/122.0.0.0",
    ),
    (
        "Samsung Internet on Android",
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 \
         Chrome/130.0.0.0 Mobile Safari/537.36",
    ),
    (
        "Safari on iPhone",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
         Version/18.5 Mobile/15E148 Safari/604.1",
    ),
    (
        "Safari on macOS",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 \
         Safari/605.1.15",
    ),
    ("The program curl", "curl/8.14.1"),
    ("An unknown device", "Mozilla/5.0 (compatible)"),
    ("A browser on Windows", "Mozilla/5.0 (Windows NT 10.0; Trident/7.0; rv:11.0) like Gecko"),
];

#[tokio::test]
async fn a_device_is_named_by_browser_and_system() {
    in_browser(async |storefront, browser| {
        browser.go(&storefront.url).await;
        let user_agents = json!(NAMES.map(|(_, user_agent)| user_agent));
        let script = format!(
            "return import(`${{location.origin}}/assets/devices.js`).then(({{ deviceName }}) => \
             [...{user_agents}, null].map(deviceName))"
        );
        let Value::Array(names) = browser.ask(&script).await else { panic!("no names") };
        assert_eq!(names.len(), NAMES.len() + 1);
        for (name, (expected, user_agent)) in names.iter().zip(NAMES) {
            assert_eq!(name, expected, "{user_agent}");
        }
        assert_eq!(names.last().unwrap(), "An unknown device", "one that told nothing");
    })
    .await;
}
