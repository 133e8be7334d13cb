//! The header `X-Device-Secret`: handed out at a first sign-in, presented at the next ones, by GraphQL and REST.

use axum::body::Body;
use http::{HeaderName, Request, StatusCode};
use serde_json::{Value, json};
use support::{
    ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, WRONG,
    site::{Answer, Site, site},
};

const HEADER: HeaderName = HeaderName::from_static("x-device-secret");

async fn send(site: &Site, path: &str, device: &[&str], body: &Value) -> Answer {
    let mut request = Request::builder().method("POST").uri(path).header("content-type", "application/json");
    for device in device {
        request = request.header(HEADER, *device);
    }
    site.send(request.body(Body::from(body.to_string())).unwrap()).await
}

fn graphql(password: &str) -> Value {
    let mutation = format!(r#"generateCustomerToken(email: "{EMAIL}", password: "{password}") {{ token }}"#);
    json!({ "query": format!("mutation {{ {mutation} }}") })
}

fn handed_out(answer: &Answer) -> Option<String> {
    answer.headers.get(HEADER).map(|secret| secret.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_first_sign_in_hands_a_secret_out_and_the_next_ones_do_not() {
    for (path, body) in [
        ("/graphql", graphql(PASSWORD)),
        ("/rest/V1/integration/customer/token", json!({ "username": EMAIL, "password": PASSWORD })),
        ("/rest/V1/integration/admin/token", json!({ "username": ADMIN, "password": ADMIN_PASSWORD })),
    ] {
        let site = site();
        let first = send(&site, path, &[], &body).await;
        assert_eq!(first.status, StatusCode::OK);
        let secret = handed_out(&first).expect("a new device");
        assert_eq!(secret.len(), 32);
        assert_eq!(handed_out(&send(&site, path, &[&secret], &body).await), None, "{path}: it is known");
        for unknown in [&["0123456789abcdef0123456789abcdef"][..], &["x"], &[""], &[&secret, &secret]] {
            let answer = send(&site, path, unknown, &body).await;
            assert!(handed_out(&answer).is_some_and(|other| other != secret), "{path}: {unknown:?}");
        }
    }
}

#[tokio::test]
async fn a_refusal_hands_nothing_out() {
    let site = site();
    assert_eq!(handed_out(&send(&site, "/graphql", &[], &graphql(WRONG)).await), None);
    let reset = json!({ "query": format!(r#"mutation {{ requestPasswordResetEmail(email: "{EMAIL}") }}"#) });
    assert_eq!(handed_out(&send(&site, "/graphql", &[], &reset).await), None);
}

/// Strangers try a customer's account by GraphQL and REST.
#[tokio::test]
async fn a_client_that_presents_its_secret_is_let_in_during_an_attack() {
    let site = site();
    let secret = handed_out(&send(&site, "/graphql", &[], &graphql(PASSWORD)).await).unwrap();
    for number in 0..102_u8 {
        let stranger = format!("10.0.0.{}:4711", number / 6);
        let request = Request::post("/graphql").header("content-type", "application/json");
        let request = request.body(Body::from(graphql(WRONG).to_string())).unwrap();
        site.send_from(&stranger, request).await;
    }
    let elsewhere = async |device: &[&str]| {
        let mut request = Request::post("/graphql").header("content-type", "application/json");
        for device in device {
            request = request.header(HEADER, *device);
        }
        let request = request.body(Body::from(graphql(PASSWORD).to_string())).unwrap();
        let answer = site.send_from("203.0.113.9:4711", request).await;
        answer.json().get("errors").is_none()
    };
    assert!(!elsewhere(&[]).await);
    assert!(elsewhere(&[&secret]).await);
}
