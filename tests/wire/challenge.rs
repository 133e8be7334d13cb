//! The header `X-ReCaptcha`, from a request to the host's verifier, by GraphQL and REST.

use async_trait::async_trait;
use axum::body::Body;
use commerce_auth::{
    challenge::{Challenge, ChallengeAnswer, ChallengeResponse, Pressure},
    error::StoreError,
    store::memory::MemoryStore,
};
use http::{HeaderName, Request, StatusCode};
use serde_json::{Value, json};
use support::{
    ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, Shop, fast,
    site::{Answer, Site},
};

use crate::captured::captured;

const RIGHT: &str = "C4nary-right";
const MESSAGE: &str = "ReCaptcha validation failed, please try again";
const HEADER: HeaderName = HeaderName::from_static("x-recaptcha");

#[derive(Debug)]
struct Always;

#[async_trait]
impl Challenge for Always {
    async fn verify(&self, answer: &ChallengeAnswer<'_>) -> Result<bool, StoreError> {
        // The over-long header begins with the right text, too.
        Ok(answer.response.starts_with(RIGHT))
    }

    fn is_asked(&self, _: &Pressure) -> bool {
        true
    }
}

fn site() -> Site {
    Site::of(Shop::open(MemoryStore::new(), fast(), |builder| builder.challenge(Always)))
}

async fn send(site: &Site, method: &str, path: &str, headers: &[&str], body: &Value) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    for header in headers {
        request = request.header(HEADER, *header);
    }
    site.send(request.body(Body::from(body.to_string())).unwrap()).await
}

/// Returns headers without a right response: none, a wrong one, an over-long one, and two.
fn not_right() -> Vec<Vec<String>> {
    let too_long = format!("{RIGHT}{}", "a".repeat(ChallengeResponse::MAX_BYTES));
    vec![vec![], vec![String::new()], vec!["wrong".into()], vec![too_long], vec![RIGHT.into(), RIGHT.into()]]
}

#[tokio::test]
async fn graphql_hands_the_header_to_the_verifier() {
    let site = site();
    let code = site.shop.code().await;
    let token = site.shop.reset_token().await;
    let mutations = [
        format!(r#"generateCustomerToken(email: "{EMAIL}", password: "{PASSWORD}") {{ token }}"#),
        format!(r#"exchangeOtpForCustomerToken(email: "{EMAIL}", otp: "{code}") {{ token }}"#),
        format!(r#"requestPasswordResetEmail(email: "{EMAIL}")"#),
        format!(r#"resendConfirmationEmail(email: "{EMAIL}")"#),
        format!(
            r#"resetPassword(email: "{EMAIL}", resetPasswordToken: "{token}", newPassword: "An0ther-One")"#
        ),
    ];
    for mutation in mutations {
        let body = json!({ "query": format!("mutation {{ {mutation} }}") });
        for headers in not_right() {
            let headers: Vec<_> = headers.iter().map(String::as_str).collect();
            let refused = send(&site, "POST", "/graphql", &headers, &body).await;
            let expected = (MESSAGE.into(), "graphql-input".into(), 200);
            assert_eq!(refused.graphql_error(), expected, "{mutation} with {} headers", headers.len());
        }
        let answer = send(&site, "POST", "/graphql", &[RIGHT], &body).await;
        assert!(answer.json().get("errors").is_none(), "{mutation}: {answer:?}");
    }
}

#[tokio::test]
async fn rest_hands_the_header_to_the_verifier() {
    let site = site();
    let token = site.shop.reset_token().await;
    let admin = json!({ "username": ADMIN, "password": ADMIN_PASSWORD });
    let mut with_code = admin.clone();
    with_code["otp"] = "123456".into();
    for (method, path, body, status) in [
        ("POST", "integration/customer/token", json!({ "username": EMAIL, "password": PASSWORD }), 200),
        ("POST", "integration/admin/token", admin, 200),
        // No admin user has an authenticator here.
        ("POST", "tfa/provider/google/authenticate", with_code, 400),
        ("PUT", "customers/password", json!({ "email": EMAIL, "template": "email_reset" }), 200),
        (
            "POST",
            "customers/resetPassword",
            json!({ "email": EMAIL, "resetToken": token, "newPassword": "An0ther-One" }),
            200,
        ),
    ] {
        let path = format!("/rest/V1/{path}");
        for headers in not_right() {
            let headers: Vec<_> = headers.iter().map(String::as_str).collect();
            let refused = send(&site, method, &path, &headers, &body).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{path} with {} headers", headers.len());
            assert_eq!(refused.json()["message"], MESSAGE, "{path}");
        }
        let answer = send(&site, method, &path, &[RIGHT], &body).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(!answer.text.contains(MESSAGE), "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn a_shop_without_a_challenge_ignores_the_header() {
    let site = support::site::site();
    let body = json!({ "username": EMAIL, "password": PASSWORD });
    for headers in not_right() {
        let headers: Vec<_> = headers.iter().map(String::as_str).collect();
        let answer = send(&site, "POST", "/rest/V1/integration/customer/token", &headers, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
}

#[tokio::test]
async fn no_log_and_no_debug_shows_the_header() {
    let site = site();
    let body = json!({ "username": EMAIL, "password": PASSWORD });
    let (log, answers) = captured(async {
        [
            send(&site, "POST", "/rest/V1/integration/customer/token", &[RIGHT], &body).await,
            send(&site, "GET", "/rest/V1/caller", &[RIGHT], &json!({})).await,
        ]
    })
    .await;
    assert!(answers[1].text.starts_with("Caller"), "{:?}", answers[1]);
    for text in [log, answers[0].text.clone(), answers[1].text.clone()] {
        assert!(!text.contains("C4nary"), "{text}");
    }
}
