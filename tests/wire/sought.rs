//! No secret that a client sends reaches a log, async-graphql's own log included.

use std::sync::{Mutex, OnceLock};

use log::{LevelFilter, Log, Metadata, Record};
use serde_json::json;
use support::{EMAIL, PASSWORD, site::site};

/// The log output of all crates.
#[derive(Default)]
struct Kept(Mutex<String>);

impl Log for Kept {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = format!("{} {}\n", record.target(), record.args());
        self.0.lock().unwrap().push_str(&line);
    }

    fn flush(&self) {}
}

fn kept() -> &'static Kept {
    static KEPT: OnceLock<Kept> = OnceLock::new();
    let kept = KEPT.get_or_init(Kept::default);
    if log::set_logger(kept).is_ok() {
        log::set_max_level(LevelFilter::Trace);
    }
    kept
}

#[tokio::test]
async fn no_secret_is_logged() {
    let log = kept();
    let site = site();
    let canary = "Canary-5e3b1f";
    let inline = format!(
        r#"mutation {{
            generateCustomerToken(email: "logged@example.com", password: "{canary}") {{ token }}
            exchangeOtpForCustomerToken(email: "{EMAIL}", otp: "{canary}") {{ token }}
            resetPassword(email: "{EMAIL}", resetPasswordToken: "{canary}", newPassword: "{canary}")
        }}"#
    );
    site.graphql(None, &inline).await;
    let confirm = format!(
        r#"mutation {{ confirmEmail(input: {{
            email: "{EMAIL}", confirmation_key: "{canary}", password: "{canary}"
        }}) {{ customer {{ id }} }} }}"#
    );
    site.graphql(None, &confirm).await;
    let confirm = "mutation M($i: ConfirmEmailInput!) { confirmEmail(input: $i) { customer { id } } }";
    for key in [json!(canary), json!([canary])] {
        let input = json!({"email": EMAIL, "confirmation_key": key, "password": canary});
        let answer = site.graphql_with(None, &[], json!({"query": confirm, "variables": {"i": input}})).await;
        assert!(!answer.text.contains(canary), "{}", answer.text);
    }
    let token = site.customer_token().await;
    let change = format!(
        r#"mutation {{ changeCustomerPassword(currentPassword: "{canary}", newPassword: "{canary}1A") {{ id }} }}"#
    );
    site.graphql(Some(&token), &change).await;
    let query =
        "mutation M($p: String!) { generateCustomerToken(email: \"a@example.com\", password: $p) { token } }";
    for variable in [json!(canary), json!([canary]), json!({"p": canary})] {
        let body = json!({"query": query, "variables": {"p": variable}, "operationName": "M"});
        let answer = site.graphql_with(None, &[], body).await;
        assert!(!answer.text.contains(canary), "{}", answer.text);
    }
    for literal in [format!("[\"{canary}\"]"), format!("{{p: \"{canary}\"}}")] {
        let query = format!(
            r#"mutation {{ generateCustomerToken(email: "{EMAIL}", password: {literal}) {{ token }} }}"#
        );
        let answer = site.graphql(None, &query).await;
        assert!(!answer.text.contains(canary), "{}", answer.text);
    }
    for default in [format!("\"{canary}\""), format!("[\"{canary}\"]"), format!("{{a: \"{canary}\"}}")] {
        let query = format!(
            r#"mutation M($p: String! = {default}) {{ generateCustomerToken(email: "{EMAIL}", password: $p) {{ token }} }}"#
        );
        let answer = site.graphql(None, &query).await;
        let refused = "An operation that takes a credential has no texts for default values.";
        assert_eq!(answer.graphql_error(), (refused.into(), "graphql-input".into(), 400));
    }
    let harmless = format!(
        r#"mutation M($p: String!, $why: Boolean = true) {{
            generateCustomerToken(email: "{EMAIL}", password: $p) {{ token @include(if: $why) }}
        }}"#
    );
    let answer = site.graphql_with(None, &[], json!({"query": harmless, "variables": {"p": PASSWORD}})).await;
    assert_eq!(answer.status, 200);
    let signed_in = format!(
        r#"mutation {{ generateCustomerToken(email: "{EMAIL}", password: "{PASSWORD}") {{ token }} }}"#
    );
    let answer = site.graphql(None, &signed_in).await;
    let token_issued = answer.json()["data"]["generateCustomerToken"]["token"].as_str().unwrap().to_owned();

    let logged = log.0.lock().unwrap();
    assert!(logged.contains("logged@example.com"), "the log is read: {logged}");
    assert!(logged.contains("<secret>"));
    for secret in [canary, PASSWORD, &token, &token_issued] {
        assert!(!logged.contains(secret), "{secret} in {logged}");
    }
}
