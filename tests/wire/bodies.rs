//! REST bodies as Commerce reads them: by either field name, as either scalar type, and only the
//! fields of the route.

use axum::{Json, Router, body::Body, routing::post};
use commerce_auth::http::rest;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use support::{
    EMAIL, PASSWORD,
    site::{Answer, Site, site},
};
use tower::ServiceExt;

const SIGN_IN: &str = "/V1/integration/customer/token";
const OWN_PASSWORD: &str = "/V1/customers/me/password";
const RESET_REQUEST: &str = "/V1/customers/password";
const RESET: &str = "/V1/customers/resetPassword";
const NEW: &str = "N3w-password";

/// Sends a body as text, because `json!` could not express, for example, a field twice.
async fn send(site: &Site, token: Option<&str>, method: &str, path: &str, body: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(format!("/rest{path}"));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.header("content-type", "application/json");
    site.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

async fn sign_in(site: &Site, body: &str) -> Answer {
    send(site, None, "POST", SIGN_IN, body).await
}

fn told(answer: &Answer) -> (u16, Value) {
    (answer.status.as_u16(), answer.json())
}

fn wrong_type(field: &str, expected: &str) -> (u16, Value) {
    let message = r#"Invalid type for "%fieldName". Expected type: "%type"."#;
    (400, json!({"message": message, "parameters": {"fieldName": field, "type": expected}}))
}

fn twice(field: &str) -> (u16, Value) {
    let message = r#""%fieldName" is given more than once."#;
    (400, json!({"message": message, "parameters": {"fieldName": field}}))
}

fn required(fields: &[&str]) -> (u16, Value) {
    let required = |field: &&str| json!({"message": r#""%fieldName" is required. Enter and try again."#, "parameters": {"fieldName": field}});
    let errors: Vec<Value> = fields.iter().map(required).collect();
    let body = match &errors[..] {
        [one] => one.clone(),
        _ => json!({"message": "One or more input exceptions have occurred.", "errors": errors}),
    };
    (400, body)
}

#[tokio::test]
async fn a_field_that_no_route_takes_is_ignored() {
    let site = site();
    for more in [
        r#""remember": true"#,
        r#""captcha_form_id": "user_login", "id": 1"#,
        r#""customer": {"email": ["x"], "deep": [[[{"a": [null]}]]]}"#,
        r#""x": 1, "x": 2"#,
        r#""Username": "other", "PASSWORD": "other""#,
        r#""x": 1e300, "y": -0.5, "z": 123456789012345678901234567890"#,
    ] {
        let body = format!(r#"{{"username": "{EMAIL}", {more}, "password": "{PASSWORD}"}}"#);
        assert_eq!(sign_in(&site, &body).await.status, 200, "{more}");
    }
}

/// Nesting uses no stack: ignored fields are skipped, and the route's own fields take no lists.
#[tokio::test]
async fn a_nested_value_is_harmless() {
    let site = site();
    for depth in [1, 100, 127, 128, 129, 1000, 7000] {
        let list = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let body = format!(r#"{{"username": "{EMAIL}", "x": {list}, "password": "{PASSWORD}"}}"#);
        assert_eq!(sign_in(&site, &body).await.status, 200, "{depth}");
        let body = format!(r#"{{"username": "{EMAIL}", "password": {list}}}"#);
        assert_eq!(told(&sign_in(&site, &body).await), wrong_type("password", "string"), "{depth}");
        assert_eq!(sign_in(&site, &list).await.status, 400, "{depth}");
    }
}

#[tokio::test]
async fn a_field_has_a_camel_case_and_a_snake_case_name() {
    let site = site();
    let token = site.customer_token().await;
    let change = format!(r#"{{"current_password": "{PASSWORD}", "new_password": "{NEW}"}}"#);
    assert_eq!(told(&send(&site, Some(&token), "PUT", OWN_PASSWORD, &change).await), (200, json!(true)));
    let change = format!(r#"{{"currentPassword": "{NEW}", "new_password": "{NEW}2"}}"#);
    assert_eq!(told(&send(&site, Some(&token), "PUT", OWN_PASSWORD, &change).await), (200, json!(true)));

    site.shop.outbox.take();
    let ask = format!(r#"{{"email": "{EMAIL}", "template": "email_reset", "website_id": 2}}"#);
    assert_eq!(told(&send(&site, None, "PUT", RESET_REQUEST, &ask).await), (200, json!(true)));
    assert!(site.shop.outbox.take().is_empty(), "the account is on website 1");
    let ask = format!(r#"{{"email": "{EMAIL}", "template": "email_reset", "website_id": 1}}"#);
    assert_eq!(told(&send(&site, None, "PUT", RESET_REQUEST, &ask).await), (200, json!(true)));
    let reset = site.shop.outbox.reset_token().unwrap();
    let body = format!(r#"{{"email": "{EMAIL}", "reset_token": "{reset}", "new_password": "{NEW}"}}"#);
    assert_eq!(told(&send(&site, None, "POST", RESET, &body).await), (200, json!(true)));
    // Errors name the field as Commerce declares it.
    let body = format!(r#"{{"email": "{EMAIL}", "reset_token": "", "new_password": true}}"#);
    assert_eq!(told(&send(&site, None, "POST", RESET, &body).await), wrong_type("newPassword", "string"));
}

#[tokio::test]
async fn a_field_that_is_given_twice_is_refused() {
    let site = site();
    let token = site.customer_token().await;
    for (method, path, body, field) in [
        ("POST", SIGN_IN, r#"{"username": "a", "password": "Canary-1", "password": "b"}"#, "password"),
        ("POST", SIGN_IN, r#"{"username": "a", "username": "a", "password": "Canary-1"}"#, "username"),
        ("POST", SIGN_IN, r#"{"username": "a", "username": null, "password": "Canary-1"}"#, "username"),
        ("PUT", RESET_REQUEST, r#"{"email": "a", "websiteId": 1, "website_id": 1}"#, "websiteId"),
        ("PUT", RESET_REQUEST, r#"{"email": "a", "websiteId": 1, "website_id": null}"#, "websiteId"),
        (
            "PUT",
            OWN_PASSWORD,
            r#"{"current_password": "Canary-1", "currentPassword": "b"}"#,
            "currentPassword",
        ),
        ("POST", RESET, r#"{"reset_token": "Canary-1", "reset_token": "Canary-1"}"#, "resetToken"),
    ] {
        assert_eq!(told(&send(&site, Some(&token), method, path, body).await), twice(field), "{body}");
    }
    let stats = site.shop.auth.hashing_stats();
    assert_eq!(stats.begun, 1, "the sign-in before");
}

#[tokio::test]
async fn a_number_is_taken_for_its_text_and_a_text_for_its_number() {
    let site = site();
    for (id, website) in [
        (r#""1""#, Some("base")),
        (r#"" 2 ""#, Some("outlet")),
        ("1.0", Some("base")),
        ("2", Some("outlet")),
        ("null", Some("base")),
        (r#""9""#, None),
    ] {
        let body = format!(r#"{{"email": "{EMAIL}", "template": "email_reset", "websiteId": {id}}}"#);
        let answer = send(&site, None, "PUT", RESET_REQUEST, &body).await;
        assert_eq!(answer.status, if website.is_some() { 200 } else { 404 }, "{id}");
        site.shop.outbox.take();
    }
    for id in
        [r#""""#, r#""x""#, r#""1x""#, "1.5", "-1", "4294967296", "true", "[1]", r#"{"id": 1}"#, "1e300"]
    {
        let body = format!(r#"{{"email": "{EMAIL}", "template": "email_reset", "websiteId": {id}}}"#);
        let answer = send(&site, None, "PUT", RESET_REQUEST, &body).await;
        assert_eq!(told(&answer), wrong_type("websiteId", "int"), "{id}");
    }
    for value in ["true", "false", "[]", r#"["a"]"#, "{}", r#"{"Canary-1": 1}"#, "1e300"] {
        let body = format!(r#"{{"username": {value}, "password": "Canary-1"}}"#);
        assert_eq!(told(&sign_in(&site, &body).await), wrong_type("username", "string"), "{value}");
        let body = format!(r#"{{"username": "a", "password": {value}}}"#);
        assert_eq!(told(&sign_in(&site, &body).await), wrong_type("password", "string"), "{value}");
    }
    let admin = site.shop.admin_token().await;
    let otp = "/V1/customer/1/otp";
    assert_eq!(send(&site, Some(&admin), "POST", otp, r#"{"reason": 4711}"#).await.status, 200);
    let refused = send(&site, Some(&admin), "POST", otp, r#"{"reason": ["Canary-1"]}"#).await;
    assert_eq!(told(&refused), wrong_type("reason", "string"));
}

/// A password that consists of digits, which some clients send as a number.
#[tokio::test]
async fn a_password_may_be_a_number() {
    let mut config = support::fast();
    config.password_policy.min_classes = 1;
    let site =
        Site::of(support::Shop::open(commerce_auth::store::memory::MemoryStore::new(), config, |builder| {
            builder
        }));
    let token = site.customer_token().await;
    let change = format!(r#"{{"currentPassword": "{PASSWORD}", "newPassword": 8291640375}}"#);
    assert_eq!(told(&send(&site, Some(&token), "PUT", OWN_PASSWORD, &change).await), (200, json!(true)));
    for password in ["8291640375", r#""8291640375""#] {
        let body = format!(r#"{{"username": "{EMAIL}", "password": {password}}}"#);
        assert_eq!(sign_in(&site, &body).await.status, 200, "{password}");
    }
    let body = r#"{"username": 4711, "password": 8291640375}"#;
    assert_eq!(sign_in(&site, body).await.status, 401, "nobody has this name");
}

#[tokio::test]
async fn an_empty_list_is_no_body() {
    let site = site();
    let (customer, admin) = (site.customer_token().await, site.shop.admin_token().await);
    let revoke = "/V1/integration/customer/revoke-customer-token";
    for body in ["", " \n", "[]", " [ ] ", "{}", "null"] {
        let answer = send(&site, Some(&admin), "POST", "/V1/customer/1/otp", body).await;
        assert_eq!(answer.status, 200, "{body:?}");
        assert_eq!(told(&sign_in(&site, body).await), required(&["username", "password"]), "{body:?}");
    }
    // An empty body needs no content type.
    let request = Request::post("/rest/V1/customer/1/otp").header("authorization", format!("Bearer {admin}"));
    assert_eq!(site.send(request.body(Body::empty()).unwrap()).await.status, 200);
    assert_eq!(send(&site, Some(&customer), "POST", revoke, "[]").await.status, 200);
    let object =
        "The request body must be a JSON object with the fields of the route, each once and of its type.";
    for body in [r#"["a", "Canary-1"]"#, "[null]", "[[]]", r#""Canary-1""#, "1", "true"] {
        assert_eq!(told(&sign_in(&site, body).await), (400, json!({ "message": object })), "{body}");
    }
    for body in ["{", "{]", "{}x", "nul", "{}{}", "\u{feff}{}", "{'a': 1}"] {
        let message = "Decoding error: the request body is not valid JSON.";
        assert_eq!(told(&sign_in(&site, body).await), (400, json!({ "message": message })), "{body}");
    }
}

#[tokio::test]
async fn the_type_of_a_body_is_json() {
    let site = site();
    let body = json!({"username": EMAIL, "password": PASSWORD}).to_string();
    for (content_type, status) in [
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("application/json;", 200),
        ("application/vnd.api+json", 200),
        ("text/json", 415),
        ("application/jsonp", 415),
        ("application/x-www-form-urlencoded", 415),
        ("json", 415),
        ("", 415),
    ] {
        let request = Request::post(format!("/rest{SIGN_IN}")).header("content-type", content_type);
        let answer = site.send(request.body(Body::from(body.clone())).unwrap()).await;
        assert_eq!(answer.status, status, "{content_type}");
    }
}

/// A host's own route declares its body with serde.
#[tokio::test]
async fn a_host_reads_bodies_of_its_own() {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Subscription {
        #[serde(alias = "website_id")]
        website_id: Option<u32>,
    }
    let shown = |rest::Body(body): rest::Body<Subscription>| async move { Json(body.website_id) };
    let listed = |rest::Body(body): rest::Body<Vec<u32>>| async move { Json(body.len()) };
    let router: Router = Router::new().route("/one", post(shown)).route("/list", post(listed));
    let message =
        "The request body must be a JSON object with the fields of the route, each once and of its type.";
    let names = |message: &str| json!({ "message": message, "parameters": { "fieldName": "websiteId" } });
    for (path, body, status, answered) in [
        ("/one", r#"{"websiteId": 1, "x": 2}"#, StatusCode::OK, json!(1)),
        ("/one", r#"{"website_id": 1}"#, StatusCode::OK, json!(1)),
        ("/one", "", StatusCode::OK, Value::Null),
        ("/one", "[]", StatusCode::OK, Value::Null),
        ("/list", "[]", StatusCode::OK, json!(0)),
        ("/list", "[1, 2]", StatusCode::OK, json!(2)),
        (
            "/one",
            r#"{"website_id": 1, "websiteId": 1}"#,
            StatusCode::BAD_REQUEST,
            names(r#""%fieldName" is given more than once."#),
        ),
        (
            "/one",
            r#"{"websiteId": "Canary-1"}"#,
            StatusCode::BAD_REQUEST,
            names(r#"Invalid value for "%fieldName"."#),
        ),
        ("/list", "", StatusCode::BAD_REQUEST, json!({ "message": message })),
    ] {
        let request = Request::post(path).header("content-type", "application/json");
        let response = router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let answered_status = response.status();
        let bytes = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
        assert_eq!(
            (answered_status, serde_json::from_slice::<Value>(&bytes).unwrap()),
            (status, answered),
            "{path} {body}"
        );
    }
}

/// No answer repeats sent values, or the name of a field that the client invented.
#[tokio::test]
async fn an_error_names_the_routes_field_alone() {
    let site = site();
    for body in [
        r#"{"Canary-1": "Canary-1", "username": true}"#,
        r#"{"username": ["Canary-1"], "Canary-1": 1, "Canary-1": 2}"#,
        r#"{"username": "Canary-1", "username": "Canary-1"}"#,
        r#"{"username": {"Canary-1": "Canary-1"}"#,
        r#"["Canary-1"]"#,
    ] {
        let answer = sign_in(&site, body).await;
        assert!(answer.status == 400 && !answer.text.contains("Canary"), "{body}: {}", answer.text);
    }
}
