//! Log lines for the operator about answers for which the service is at fault.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_graphql::Request;
use commerce_auth::{
    Error, ErrorKind,
    error::StoreError,
    graphql::{self, Admission},
    http::Caller,
};
use http::HeaderMap;
use serde_json::{Value, json};
use support::{
    EMAIL, Shop, fast,
    hooked::Hooked,
    site::{Site, schema, site},
};
use tracing::{Instrument, info_span};

use crate::captured::captured;

/// This text is sent with every request, and must not be logged.
const CANARY: &str = "Canary-7f3a9c";

/// Returns a site whose store is down from now on, and a customer's token.
async fn down() -> (Site<Hooked>, String) {
    let down = Arc::new(AtomicBool::new(false));
    let is_down = Arc::clone(&down);
    let store = Hooked::new(move |_| match is_down.load(Ordering::SeqCst) {
        false => Ok(()),
        true => Err(StoreError::new(io::Error::new(io::ErrorKind::ConnectionReset, "the socket is closed"))),
    });
    let site = Site::of(Shop::open(store, fast(), |builder| builder));
    let token = site.customer_token().await;
    down.store(true, Ordering::SeqCst);
    (site, token)
}

fn assert_told_once(log: &str, level: &str, cause: &str) {
    assert_eq!(log.lines().count(), 1, "one event: {log}");
    for part in [level, "request{id=4711}", cause] {
        assert!(log.contains(part), "{part} in {log}");
    }
    assert!(!log.contains(CANARY), "{log}");
}

/// Runs in the span of a request.
async fn asked<T>(work: impl Future<Output = T>) -> (String, T) {
    captured(async { work.instrument(info_span!("request", id = 4711)).await }).await
}

const CAUSE: &str = "Please wait and try again later.: storage backend request failed: the socket is closed";

#[tokio::test]
async fn a_store_that_is_down_is_told_once() {
    let (site, token) = down().await;
    let sign_in = json!({"username": EMAIL, "password": CANARY});
    let change = json!({"currentPassword": CANARY, "newPassword": CANARY});
    let ask = json!({"email": EMAIL, "template": "email_reset"});
    let reset = json!({"email": EMAIL, "resetToken": CANARY, "newPassword": CANARY});
    for (token, method, path, body) in [
        (None, "POST", "/V1/integration/customer/token", sign_in),
        (None, "PUT", "/V1/customers/password", ask),
        (None, "POST", "/V1/customers/resetPassword", reset),
        (Some(&token), "PUT", "/V1/customers/me/password", change),
        // By an extractor, and by an extractor that also accepts guests.
        (Some(&token), "GET", "/V1/customers/me", Value::Null),
        (Some(&token), "GET", "/V1/greeting", Value::Null),
    ] {
        let (log, answer) = asked(site.rest(token.map(String::as_str), method, path, body)).await;
        assert_eq!((answer.status.as_u16(), answer.cause), (503, Some(ErrorKind::Unavailable)), "{path}");
        assert_told_once(&log, "ERROR", CAUSE);
        assert!(!answer.text.contains("socket"), "the client is not told: {}", answer.text);
    }
    let sign_in = format!(
        r#"mutation {{ generateCustomerToken(email: "{EMAIL}", password: "{CANARY}") {{ token }} }}"#
    );
    // In a resolver, and before any resolver runs.
    for (token, query) in [(None, sign_in.as_str()), (Some(token.as_str()), "{ shopName }")] {
        let (log, answer) = asked(site.graphql(token, query)).await;
        assert_eq!((answer.status.as_u16(), answer.cause), (503, Some(ErrorKind::Unavailable)), "{query}");
        assert_told_once(&log, "ERROR", CAUSE);
        assert!(!answer.text.contains("socket"), "the client is not told: {}", answer.text);
    }
}

/// As an adapter for another framework does.
#[tokio::test]
async fn a_host_without_axum_is_told_once() {
    let (site, token) = down().await;
    let sign_in = format!(
        r#"mutation {{ generateCustomerToken(email: "{EMAIL}", password: "{CANARY}") {{ token }} }}"#
    );
    let mut headers = HeaderMap::new();
    for query in [sign_in.as_str(), "{ shopName }"] {
        let caller = Caller::from_headers(site.shop.auth.clone(), &headers).unwrap();
        let (log, response) = asked(async {
            match Admission::default().admit(Request::new(query), caller).await {
                Ok(admitted) => schema().execute(admitted.into_request()).await,
                Err(refused) => *refused,
            }
        })
        .await;
        assert_eq!(graphql::status(&response), 503);
        assert_told_once(&log, "ERROR", CAUSE);
        headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
}

#[tokio::test]
async fn overload_and_the_hosts_own_mistakes_are_told() {
    let (log, _) = asked(async { graphql::error(Error::Overloaded) }).await;
    assert_told_once(&log, "WARN", "The service is busy");
    // A shop without a notifier mounts the mutation that needs one.
    let shop = Shop::open(commerce_auth::store::memory::MemoryStore::new(), fast(), |builder| {
        builder.without_notifier()
    });
    let site = Site::of(shop);
    let ask = format!(r#"mutation {{ requestPasswordResetEmail(email: "{EMAIL}") }}"#);
    let (log, answer) = asked(site.graphql(None, &ask)).await;
    assert_eq!(answer.status, 500);
    assert_told_once(&log, "ERROR", "The notifier is not configured.");
    // The answer is one of Commerce's own, which hides that a keyring is missing.
    let body = json!({"tfaToken": CANARY});
    let (log, answer) = asked(site.rest(None, "POST", "/V1/tfa/provider/google/configure", body)).await;
    assert_eq!(answer.status, 400);
    assert_told_once(&log, "ERROR", "The keyring is not configured.");
}

#[tokio::test]
async fn a_router_without_the_layer_is_told_of() {
    use axum::{Router, body::Body, routing::get};
    use tower::ServiceExt;

    let router: Router = Router::new().route("/", get(|_: Caller| async { "in" }));
    let request = http::Request::get("/").body(Body::empty()).unwrap();
    let (log, answer) = asked(router.oneshot(request)).await;
    assert_eq!(answer.unwrap().status(), 500);
    assert_told_once(&log, "ERROR", "AuthLayer");
}

/// Errors of clients are not errors of the service.
#[tokio::test]
async fn refusals_are_not_logged() {
    let site = site();
    let wrong = json!({"username": EMAIL, "password": CANARY});
    let sign_in = format!(
        r#"mutation {{ generateCustomerToken(email: "{EMAIL}", password: "{CANARY}") {{ token }} }}"#
    );
    let (log, ()) = asked(async {
        for _ in 0..8 {
            assert_eq!(
                site.rest(None, "POST", "/V1/integration/customer/token", wrong.clone()).await.status,
                401
            );
        }
        assert_eq!(site.graphql(None, &sign_in).await.status, 401);
        assert_eq!(site.graphql(Some(&"0".repeat(32)), "{ shopName }").await.status, 401);
        assert_eq!(site.rest(None, "GET", "/V1/customers/me", Value::Null).await.status, 401);
        assert_eq!(site.rest(None, "GET", "/V1/nothing", Value::Null).await.status, 404);
        assert_eq!(site.graphql(None, "{ nothing }").await.status, 200);
    })
    .await;
    assert_eq!(log, "");
}
