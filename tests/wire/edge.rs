//! The layer's effect on every request and every answer.

use std::{
    io,
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
};

use axum::{Router, body::Body, routing::get};
use commerce_auth::{CustomerIdentity, ErrorKind, error::StoreError, http::AuthLayer};
use http::Request;
use serde_json::{Value, json};
use support::{
    ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, Shop, WRONG, fast,
    hooked::Hooked,
    site::{Site, site},
};
use tower::ServiceExt;

#[tokio::test]
async fn an_answer_says_how_to_authenticate() {
    let site = site();
    let invalid = "0".repeat(32);
    for (token, challenge) in [(None, "Bearer"), (Some(invalid.as_str()), "Bearer error=\"invalid_token\"")] {
        let answer = site.rest(token, "GET", "/V1/customers/me", Value::Null).await;
        assert_eq!((answer.status.as_u16(), answer.header("www-authenticate")), (401, Some(challenge)));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let answer = site.graphql(token, "{ customer { id } }").await;
        let status = if token.is_some() { 401 } else { 403 };
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("www-authenticate"), token.map(|_| challenge));
    }
    let answer = site.rest(None, "GET", "/V1/greeting", Value::Null).await;
    assert_eq!((answer.header("www-authenticate"), answer.header("retry-after")), (None, None));
}

/// A client that is told that its token is invalid discards the token (RFC 6750 section 3.1).
#[tokio::test]
async fn a_good_token_is_not_called_invalid() {
    let site = site();
    let (customer, admin) = (site.customer_token().await, site.shop.admin_token().await);
    let change = json!({"currentPassword": WRONG, "newPassword": "N3w-password"});
    let sign_in = json!({"username": EMAIL, "password": WRONG});
    for (token, method, path, body) in [
        (&customer, "PUT", "/V1/customers/me/password", change),
        (&customer, "POST", "/V1/integration/customer/token", sign_in),
        (&customer, "GET", "/V1/admins/me", Value::Null),
        (&admin, "GET", "/V1/customers/me", Value::Null),
        (&customer, "POST", "/V1/customer/1/otp", json!({})),
    ] {
        let answer = site.rest(Some(token), method, path, body).await;
        let challenge = answer.header("www-authenticate");
        assert_eq!((answer.status.as_u16(), challenge), (401, Some("Bearer")), "{path}");
    }
    let query = format!(
        r#"mutation {{ changeCustomerPassword(currentPassword: "{WRONG}", newPassword: "N3w-password") {{ id }} }}"#
    );
    let answer = site.graphql(Some(&customer), &query).await;
    assert_eq!((answer.status.as_u16(), answer.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(answer.cause, Some(ErrorKind::Authentication));
    let ended = "0".repeat(32);
    for path in ["/V1/integration/customer/revoke-customer-token", "/V1/customer/1/otp"] {
        let answer = site.rest(Some(&ended), "POST", path, json!({})).await;
        assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"invalid_token\""), "{path}");
    }
}

#[tokio::test]
async fn a_malformed_header_is_a_400_for_both_kinds_of_client() {
    let site = site();
    let long = format!("Bearer {}", "a".repeat(2000));
    for headers in [&["Bearer a", "Bearer b"][..], &["Basic YQ==", "Bearer a"], &[&long]] {
        for (method, path) in [("GET", "/rest/V1/greeting"), ("POST", "/graphql")] {
            let mut request = Request::builder().method(method).uri(path);
            for value in headers {
                request = request.header("authorization", *value);
            }
            let answer = site.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, 400);
            assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"invalid_request\""));
            let json = answer.json();
            assert!(json["message"].is_string());
            assert_eq!(json["errors"][0]["extensions"]["category"], "graphql-input");
        }
    }
}

#[tokio::test]
async fn other_schemes_and_signed_out_storefronts_are_guests() {
    let site = site();
    for value in ["", "Bearer", "Bearer ", "Basic YQ==", "OAuth oauth_token=x"] {
        let request = Request::get("/rest/V1/greeting").header("authorization", value);
        assert_eq!(site.send(request.body(Body::empty()).unwrap()).await.text, "guest", "{value}");
        let request = Request::get("/graphql?query=%7BshopName%7D").header("authorization", value);
        assert_eq!(site.send(request.body(Body::empty()).unwrap()).await.status, 200, "{value}");
    }
}

#[tokio::test]
async fn identities_are_extracted_by_kind() {
    let site = site();
    let (customer, admin) = (site.customer_token().await, site.shop.admin_token().await);
    for (path, by_customer, by_admin) in [
        ("/V1/customers/me", Ok("1"), Err(401)),
        ("/V1/admins/me", Err(401), Ok("7")),
        ("/V1/greeting", Ok("1"), Ok("guest")),
    ] {
        for (token, expected) in [(&customer, by_customer), (&admin, by_admin)] {
            let answer = site.rest(Some(token), "GET", path, Value::Null).await;
            match expected {
                Ok(text) => assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, text)),
                Err(status) => assert_eq!(answer.status, status),
            }
        }
    }
}

#[tokio::test]
async fn failures_are_counted_by_the_clients_address() {
    let site = site();
    let sign_in = |password: &str, forwarded: &str| {
        let body = json!({"username": EMAIL, "password": password});
        Request::post("/rest/V1/integration/customer/token")
            .header("content-type", "application/json")
            .header("x-forwarded-for", forwarded)
            .body(Body::from(body.to_string()))
            .unwrap()
    };
    let proxy = "10.0.0.1:4711";
    for guess in 0..6 {
        // Entries that the client wrote itself, further left, have no effect.
        let forwarded = format!("203.0.113.{guess}, 198.51.100.7, 10.0.0.9");
        assert_eq!(site.send_from(proxy, sign_in(WRONG, &forwarded)).await.status, 401);
    }
    assert_eq!(
        site.send_from(proxy, sign_in(PASSWORD, "198.51.100.7")).await.status,
        401,
        "its budget is spent"
    );
    assert_eq!(site.send_from(proxy, sign_in(PASSWORD, "198.51.100.8")).await.status, 200);
    // Headers from an untrusted peer are ignored.
    assert_eq!(site.send_from("198.51.100.7:1", sign_in(PASSWORD, "198.51.100.8")).await.status, 401);
    assert_eq!(site.send_from("198.51.100.9:1", sign_in(PASSWORD, "198.51.100.7")).await.status, 200);
}

#[tokio::test]
async fn where_it_came_from_is_on_record() {
    let site = site();
    let request = Request::get("/rest/V1/caller")
        .header("user-agent", "Mozilla/5.0")
        .header("x-request-id", "7f3a9c")
        .header("authorization", "Bearer Canary-7f3a9c");
    let answer = site.send(request.body(Body::empty()).unwrap()).await;
    for shown in ["192.0.2.1", "Mozilla/5.0", "7f3a9c", "base"] {
        assert!(answer.text.contains(shown), "{shown} in {}", answer.text);
    }
    assert!(!answer.text.contains("Canary"));
}

#[tokio::test]
async fn headers_with_secrets_are_marked_as_sensitive() {
    let shop = support::shop();
    let shown = get(|headers: http::HeaderMap| async move { format!("{headers:?}") });
    let router = Router::new().route("/", shown).layer(AuthLayer::new(shop.auth.clone()).without_addresses());
    let request = Request::get("/").header("authorization", "Bearer Canary").header("x-recaptcha", "Canary");
    let request = request.body(Body::empty()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&body);
    assert!(
        text.contains("authorization") && text.contains("x-recaptcha") && !text.contains("Canary"),
        "{text}"
    );
}

/// The answer is never "denied", and the caller is never treated as a guest.
#[tokio::test]
async fn a_store_that_is_down_is_a_503() {
    let down = Arc::new(AtomicBool::new(false));
    let store = Hooked::new({
        let down = Arc::clone(&down);
        move |_| match down.load(Ordering::SeqCst) {
            false => Ok(()),
            true => Err(StoreError::new(io::Error::from(io::ErrorKind::ConnectionReset))),
        }
    });
    let site = Site::of(Shop::open(store, fast(), |builder| builder));
    let (customer, admin) = (site.customer_token().await, site.shop.admin_token().await);
    down.store(true, Ordering::SeqCst);
    let sign_in = json!({"username": EMAIL, "password": PASSWORD});
    let admin_sign_in = json!({"username": ADMIN, "password": ADMIN_PASSWORD});
    let ask = json!({"email": EMAIL, "template": "email_reset"});
    let mut answers = Vec::new();
    for (token, method, path, body) in [
        (None, "POST", "/V1/integration/customer/token", sign_in),
        (None, "POST", "/V1/integration/admin/token", admin_sign_in),
        (None, "PUT", "/V1/customers/password", ask),
        (Some(&admin), "POST", "/V1/customer/1/otp", json!({})),
        (Some(&customer), "POST", "/V1/integration/customer/revoke-customer-token", Value::Null),
        (Some(&customer), "GET", "/V1/customers/me", Value::Null),
        (Some(&customer), "GET", "/V1/greeting", Value::Null),
        (Some(&admin), "GET", "/V1/admins/me", Value::Null),
    ] {
        answers.push(site.rest(token.map(String::as_str), method, path, body).await);
    }
    let query = format!(
        r#"mutation {{ generateCustomerToken(email: "{EMAIL}", password: "{PASSWORD}") {{ token }} }}"#
    );
    answers.push(site.graphql(None, &query).await);
    answers.push(site.graphql(Some(&customer), "{ shopName }").await);
    for answer in answers {
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(answer.header("retry-after"), Some("5"));
        assert_eq!(answer.cause, Some(ErrorKind::Unavailable), "the host's log learns why");
        assert!(!answer.text.contains("ConnectionReset"), "{}", answer.text);
    }
    down.store(false, Ordering::SeqCst);
    assert_eq!(site.rest(Some(&customer), "GET", "/V1/customers/me", Value::Null).await.status, 200);
}

#[tokio::test]
async fn without_the_layer_nobody_is_anybody() {
    let router: Router = Router::new().route("/", get(|_: CustomerIdentity| async { "in" }));
    let request = Request::get("/").body(Body::empty()).unwrap();
    assert_eq!(router.oneshot(request).await.unwrap().status(), 500);
    // The same in a schema without admission.
    let response = support::site::schema().execute("{ customer { id } website }").await;
    assert_eq!(commerce_auth::graphql::status(&response), 500);
    assert!(response.errors.iter().all(|error| error.message.contains("not configured")), "{response:?}");
}
