//! Commerce's REST routes.

use axum::body::Body;
use commerce_auth::account::{AccountStatus, CustomerRecord, Permission};
use http::Request;
use serde_json::{Value, json};
use support::{
    ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, REASON, WRONG,
    site::{Site, site},
};

const NEW: &str = "N3w-password";
const SIGN_IN: &str = "/V1/integration/customer/token";
const REFUSED: &str = "The account sign-in was incorrect or your account is disabled temporarily. Please wait and try again later.";

async fn admin_token(site: &Site) -> String {
    let body = json!({"username": ADMIN, "password": ADMIN_PASSWORD});
    let answer = site.rest(None, "POST", "/V1/integration/admin/token", body).await;
    assert_eq!(answer.status, 200);
    answer.json().as_str().unwrap().to_owned()
}

fn not_authorized(resource: &str) -> Value {
    json!({
        "message": "The consumer isn't authorized to access %resources.",
        "parameters": {"resources": resource},
    })
}

#[tokio::test]
async fn a_customer_signs_in_and_out() {
    let site = site();
    let body = json!({"username": EMAIL, "password": PASSWORD});
    let answer = site.rest(None, "POST", SIGN_IN, body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let token = answer.json().as_str().unwrap().to_owned();
    assert_eq!(site.rest(Some(&token), "GET", "/V1/customers/me", Value::Null).await.text, "1");

    let revoke = "/V1/integration/customer/revoke-customer-token";
    let answer = site.rest(Some(&token), "POST", revoke, Value::Null).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!(true)));
    // The holder of an ended token is a guest, who can still read public data.
    for (path, status) in [("/V1/customers/me", 401), ("/V1/greeting", 200)] {
        assert_eq!(site.rest(Some(&token), "GET", path, Value::Null).await.status, status);
    }
    for token in [Some(token.as_str()), None] {
        let answer = site.rest(token, "POST", revoke, Value::Null).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (401, not_authorized("self")));
    }
}

#[tokio::test]
async fn a_refused_sign_in_says_what_commerce_says() {
    let site = site();
    let required = |field: &str| {
        json!({
            "message": r#""%fieldName" is required. Enter and try again."#,
            "parameters": {"fieldName": field},
        })
    };
    let both = json!({
        "message": "One or more input exceptions have occurred.",
        "errors": [required("username"), required("password")],
    });
    for (body, status, answered) in [
        (json!({}), 400, both.clone()),
        (json!({"username": null, "password": null}), 400, both.clone()),
        (json!({"username": "", "password": ""}), 400, both),
        (json!({"username": EMAIL}), 400, required("password")),
        (json!({"username": "", "password": PASSWORD}), 400, required("username")),
        (json!({"username": EMAIL, "password": WRONG}), 401, json!({"message": REFUSED})),
        (json!({"username": "nobody@example.com", "password": PASSWORD}), 401, json!({"message": REFUSED})),
        (json!({"username": "no address", "password": PASSWORD}), 401, json!({"message": REFUSED})),
        (json!({"username": "0", "password": "0"}), 401, json!({"message": REFUSED})),
    ] {
        let answer = site.rest(None, "POST", SIGN_IN, body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (status, answered), "{body}");
    }
    site.shop.set_customer(|row| row.status = AccountStatus::Unconfirmed);
    let right = json!({"username": EMAIL, "password": PASSWORD});
    let answer = site.rest(None, "POST", SIGN_IN, right).await;
    let message = json!({"message": "This account isn't confirmed. Verify and try again."});
    assert_eq!((answer.status.as_u16(), answer.json()), (401, message));

    for (username, password) in [(ADMIN, WRONG), ("nobody", WRONG), ("no\u{200b}body", WRONG)] {
        let body = json!({"username": username, "password": password});
        let answer = site.rest(None, "POST", "/V1/integration/admin/token", body).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (401, json!({"message": REFUSED})), "{username}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_what_it_should_be_is_a_clear_4xx() {
    let site = site();
    let long = json!({"username": EMAIL, "password": "x".repeat(20_000)}).to_string();
    let decoding = "Decoding error: the request body is not valid JSON.";
    for (content_type, body, status, message) in [
        ("application/json", r#"{"password": "Canary-1" "#, 400, decoding),
        (
            "text/plain",
            r#"{"username": "a", "password": "b"}"#,
            415,
            "The content type must be application/json.",
        ),
        ("application/xml", "<login/>", 415, "The content type must be application/json."),
        ("application/json", &long, 413, "The request body is too large."),
    ] {
        let request = Request::post(format!("/rest{SIGN_IN}")).header("content-type", content_type);
        let answer = site.send(request.body(Body::from(body.to_owned())).unwrap()).await;
        assert_eq!(answer.status, status, "{body:.60}");
        assert_eq!(answer.json(), json!({"message": message}), "{body:.60}");
    }
    assert_eq!(site.shop.auth.hashing_stats().begun, 0);
}

#[tokio::test]
async fn an_admin_user_generates_a_code() {
    let site = site();
    let admin = admin_token(&site).await;
    let route = "/V1/customer/1/otp";
    let answer = site.rest(Some(&admin), "POST", route, json!({"reason": REASON})).await;
    let json = answer.json();
    let code = json["otp"].as_str().unwrap();
    assert!(answer.status == 200 && code.len() == 32 && code.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let body = json!({"username": EMAIL, "password": code});
    let token = site.rest(None, "POST", SIGN_IN, body).await.json().as_str().unwrap().to_owned();
    let who = site.shop.auth.verify_customer(&token).await.unwrap();
    assert_eq!(who.reason(), Some(REASON));
    // A blank reason is replaced by the shop's default.
    for body in [json!({}), json!({"reason": null}), json!({"reason": " "})] {
        assert_eq!(site.rest(Some(&admin), "POST", route, body).await.status, 200);
    }
    let admins_only = not_authorized("Magento_LoginAsCustomer::login");
    for token in [None, Some(site.customer_token().await), Some("0".repeat(32))] {
        let answer = site.rest(token.as_deref(), "POST", route, json!({})).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (401, admins_only.clone()));
    }
    let answer = site.rest(Some(&admin), "POST", "/V1/customer/42/otp", json!({})).await;
    let message = json!({"message": "Customer with this ID no longer exists."});
    assert_eq!((answer.status.as_u16(), answer.json()), (404, message));
    site.shop.set_customer(|row| row.allows_assistance = false);
    let answer = site.rest(Some(&admin), "POST", route, json!({})).await;
    let message = json!({"message": "Login as Customer assistance is disabled for this Customer."});
    assert_eq!((answer.status.as_u16(), answer.json()), (401, message));
    site.shop.set_admin(|row| row.permissions = vec![Permission::AllowShoppingAssistance]);
    let answer = site.rest(Some(&admin), "POST", route, json!({})).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (401, admins_only));
    site.shop.set_admin(|row| row.permissions = vec![Permission::Login]);
    let answer = site.rest(Some(&admin), "POST", route, json!({})).await;
    let message = json!({"message": "Allow remote shopping assistance is disabled."});
    assert_eq!((answer.status.as_u16(), answer.json()), (401, message));
}

#[tokio::test]
async fn a_password_is_changed_and_reset() {
    let site = site();
    let token = site.customer_token().await;
    let change = |current: &str, new: &str| json!({"currentPassword": current, "newPassword": new});
    let me = "/V1/customers/me/password";
    let short = json!({
        "message": "The password needs at least %1 characters. Create a new password and try again.",
        "parameters": ["8"],
    });
    let classes = json!({
        "message": "Minimum of different classes of characters in password is %1. Classes of characters: Lower Case, Upper Case, Digits, Special Characters.",
        "parameters": ["3"],
    });
    let common = json!({"message": "The password is too common. Create a new password and try again."});
    let wrong =
        json!({"message": "The password doesn't match this account. Verify the password and try again."});
    for (token, body, status, answered) in [
        (None, change(PASSWORD, NEW), 401, not_authorized("self")),
        (Some("0".repeat(32)), change(PASSWORD, NEW), 401, not_authorized("self")),
        (Some(token.clone()), change(PASSWORD, "Sh0rt"), 400, short),
        (Some(token.clone()), change(PASSWORD, "onlylowercase"), 400, classes),
        (Some(token.clone()), change(PASSWORD, "Password1"), 400, common),
        (Some(token.clone()), change(WRONG, NEW), 401, wrong),
        (Some(token.clone()), change(PASSWORD, NEW), 200, json!(true)),
    ] {
        let answer = site.rest(token.as_deref(), "PUT", me, body).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (status, answered));
    }
    let ask = json!({"email": EMAIL, "template": "email_reset", "websiteId": 1});
    let answer = site.rest(None, "PUT", "/V1/customers/password", ask).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!(true)));
    site.shop.outbox.take();
    // No account has this address, and the answer does not reveal that.
    let ask = json!({"email": "nobody@example.com", "template": "email_reminder"});
    let answer = site.rest(None, "PUT", "/V1/customers/password", ask).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!(true)));
    assert!(site.shop.outbox.take().is_empty());

    let ask = json!({"email": EMAIL, "template": "email_reset", "websiteId": null});
    site.rest(None, "PUT", "/V1/customers/password", ask).await;
    let token = site.shop.outbox.reset_token().unwrap();
    let reset = |token: &str| json!({"email": EMAIL, "resetToken": token, "newPassword": PASSWORD});
    let mismatched = json!({"message": "The password token is mismatched. Reset and try again."});
    for (token, status, answered) in
        [(WRONG, 400, mismatched.clone()), (&token, 200, json!(true)), (&token, 400, mismatched)]
    {
        let answer = site.rest(None, "POST", "/V1/customers/resetPassword", reset(token)).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (status, answered));
    }
    assert!(site.shop.sign_in(PASSWORD).await.is_ok());
}

#[tokio::test]
async fn a_reset_names_its_template_and_website() {
    let site = site();
    for (body, status, message, parameters) in [
        (
            json!({"email": EMAIL, "template": "x"}),
            400,
            r#"Invalid value of "%value" provided for the %fieldName field. Possible values: %template1 or %template2."#,
            json!({"value": "x", "fieldName": "template", "template1": "email_reminder", "template2": "email_reset"}),
        ),
        (
            json!({"email": EMAIL, "template": "email_reset", "websiteId": 9}),
            404,
            "No such entity with %fieldName = %fieldValue",
            json!({"fieldName": "websiteId", "fieldValue": 9}),
        ),
        (
            json!({"email": EMAIL}),
            400,
            r#""%fieldName" is required. Enter and try again."#,
            json!({"fieldName": "template"}),
        ),
    ] {
        let answer = site.rest(None, "PUT", "/V1/customers/password", body).await;
        let answered = json!({"message": message, "parameters": parameters});
        assert_eq!((answer.status.as_u16(), answer.json()), (status, answered));
    }
    assert!(site.shop.outbox.take().is_empty());
    // Beyond the limit the status is 429, with a time.
    let ask = json!({"email": EMAIL, "template": "email_reset"});
    for _ in 0..5 {
        assert_eq!(site.rest(None, "PUT", "/V1/customers/password", ask.clone()).await.status, 200);
    }
    let answer = site.rest(None, "PUT", "/V1/customers/password", ask).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, Some("3600")));
}

#[tokio::test]
async fn a_path_may_name_the_store() {
    let site = site();
    let website = "outlet".parse().unwrap();
    site.shop
        .customers
        .upsert(
            CustomerRecord::new(2, EMAIL)
                .with_website(website)
                .with_password(site.shop.auth.hash_new_password(EMAIL, NEW).await.unwrap()),
        )
        .unwrap();
    let body = |password: &str| json!({"username": EMAIL, "password": password});
    assert_eq!(site.rest(None, "POST", &format!("/fr{SIGN_IN}"), body(PASSWORD)).await.status, 401);
    let answer = site.rest(None, "POST", &format!("/fr{SIGN_IN}"), body(NEW)).await;
    let token = answer.json().as_str().unwrap().to_owned();
    for (path, answered) in [
        ("/fr/V1/customers/me", Ok("2")),
        ("/V1/customers/me", Err(401)),
        ("/default/V1/customers/me", Err(401)),
        ("/default/V1/greeting", Ok("guest")),
        ("/nowhere/V1/greeting", Err(404)),
    ] {
        let answer = site.rest(Some(&token), "GET", path, Value::Null).await;
        match answered {
            Ok(text) => assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, text), "{path}"),
            Err(status) => assert_eq!(answer.status, status, "{path}"),
        }
    }
    let answer = site.rest(None, "POST", &format!("/default{SIGN_IN}"), body(PASSWORD)).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn what_no_route_has_is_a_404() {
    let site = site();
    let none = json!({"message": "Request does not match any route."});
    for (method, path) in [
        ("GET", "/V1/nowhere"),
        ("GET", "/fr/V1/nowhere"),
        ("GET", SIGN_IN),
        ("DELETE", "/default/V1/integration/customer/token"),
        ("POST", "/V1/customer/1"),
        ("GET", ""),
    ] {
        let answer = site.rest(None, method, path, Value::Null).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (404, none.clone()), "{method} {path}");
    }
}
