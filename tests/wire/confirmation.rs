//! An e-mail address is confirmed by GraphQL and REST, with the clients' own documents and
//! Commerce's messages.

use std::sync::Arc;

use axum::body::Body;
use commerce_auth::{
    CustomerId, CustomerStore,
    account::{AccountStatus, CustomerRecord},
    store::memory::MemoryStore,
};
use http::Request;
use serde_json::{Value, json};
use support::{
    EMAIL, PASSWORD, Shop, WRONG, fast,
    site::{Answer, Site, site},
};
use tokio::task::JoinSet;

use crate::captured::captured;

/// As the storefront components of Adobe send them.
const CONFIRM: &str = "mutation CONFIRM($email: String!, $confirmation_key: String!) { confirmEmail(input: \
                       { email: $email, confirmation_key: $confirmation_key }) { customer { id } } }";
const RESEND: &str = "mutation RESEND($email: String!) { resendConfirmationEmail(email: $email) }";
/// As a client sends it whose types are generated from the schema.
const TYPED: &str = "mutation confirm($input: ConfirmEmailInput!) { confirmEmail(input: $input) { customer { id __typename } } }";
const INVALID: &str = "The confirmation token is invalid. Verify the token and try again.";
const ACTIVE: &str = "The account is already active.";
/// A well-formed key that was never mailed.
const NO_KEY: &str = "cr0717abzoagxty1xjn4lj13kim36r6x";

/// Returns a site with which customer 1 has registered.
fn unconfirmed() -> Site {
    let site = site();
    site.shop.set_customer(|row| row.status = AccountStatus::Unconfirmed);
    site
}

async fn status(site: &Site) -> AccountStatus {
    site.shop.customers.find_by_id(&CustomerId::from(1)).await.unwrap().unwrap().status
}

/// Sends a request from the source with this number.
async fn ask_from(site: &Site, number: usize, query: &str, variables: Value) -> Answer {
    let body = json!({ "query": query, "variables": variables }).to_string();
    let request = Request::post("/graphql").header("content-type", "application/json");
    let peer = format!("198.51.{}.{}:4711", number / 250, number % 250);
    site.send_from(&peer, request.body(Body::from(body)).unwrap()).await
}

async fn ask(site: &Site, query: &str, variables: Value) -> Answer {
    ask_from(site, 0, query, variables).await
}

async fn confirm(site: &Site, email: &str, key: &str) -> Answer {
    ask(site, CONFIRM, json!({ "email": email, "confirmation_key": key })).await
}

/// Returns the key that is mailed to the customer.
async fn mailed(site: &Site) -> String {
    let answer = ask(site, RESEND, json!({ "email": EMAIL })).await;
    assert_eq!(answer.json(), json!({ "data": { "resendConfirmationEmail": true } }));
    site.shop.outbox.confirmation_token().expect("a mail to the customer")
}

fn input(message: &str) -> (String, String, u16) {
    (message.into(), "graphql-input".into(), 200)
}

#[tokio::test]
async fn the_clients_documents_confirm_an_address() {
    let site = unconfirmed();
    let key = mailed(&site).await;
    assert!(site.shop.sign_in(PASSWORD).await.is_err());
    let answer = confirm(&site, EMAIL, &key).await;
    assert_eq!(answer.json(), json!({ "data": { "confirmEmail": { "customer": { "id": "1" } } } }));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(site.shop.sign_in(PASSWORD).await.is_ok());
    assert_eq!(confirm(&site, EMAIL, &key).await.graphql_error(), input(ACTIVE));

    let site = unconfirmed();
    let key = mailed(&site).await;
    // As phones and copying change an address.
    let sent = json!({ "input": { "email": format!(" {EMAIL}\u{200b}"), "confirmation_key": key } });
    let customer = json!({ "id": "1", "__typename": "Customer" });
    assert_eq!(
        ask(&site, TYPED, sent).await.json(),
        json!({ "data": { "confirmEmail": { "customer": customer } } })
    );
}

#[tokio::test]
async fn every_refusal_is_in_commerces_words() {
    let site = unconfirmed();
    for email in ["", " ", "no address", "a@b@example.com"] {
        assert_eq!(confirm(&site, email, NO_KEY).await.graphql_error(), input("Email is invalid"), "{email}");
        let resent = ask(&site, RESEND, json!({ "email": email })).await;
        assert_eq!(resent.graphql_error(), input("Email address is not valid"), "{email}");
    }
    let long = "x".repeat(2_000);
    for (number, key) in ["", WRONG, NO_KEY, &long].into_iter().enumerate() {
        let variables = json!({ "email": EMAIL, "confirmation_key": key });
        let answer = ask_from(&site, number, CONFIRM, variables).await;
        assert_eq!(answer.graphql_error(), input(INVALID), "{key:.40}");
    }
    let without = r#"mutation { confirmEmail(input: { email: "a@example.com" }) { customer { id } } }"#;
    let answer = site.graphql(None, without).await;
    assert!(answer.text.contains("confirmation_key"), "{}", answer.text);
}

/// The password of a new account, which Commerce does not ask for.
#[tokio::test]
async fn a_password_that_is_sent_must_be_the_accounts() {
    let site = unconfirmed();
    let key = mailed(&site).await;
    let with = async |password: Value| {
        let input = json!({ "email": EMAIL, "confirmation_key": key, "password": password });
        ask(&site, TYPED, json!({ "input": input })).await
    };
    let wrong = ("Invalid login or password.".into(), "graphql-authentication".into(), 401);
    assert_eq!(with(json!(WRONG)).await.graphql_error(), wrong);
    assert_eq!(with(json!("")).await.graphql_error(), input("Specify the \"password\" value."));
    assert_eq!(status(&site).await, AccountStatus::Unconfirmed);
    assert_eq!(with(json!(PASSWORD)).await.status, 200);
    assert_eq!(status(&site).await, AccountStatus::Active);
}

#[tokio::test]
async fn nobody_is_told_who_has_an_account() {
    let site = site();
    let statuses = [AccountStatus::Active, AccountStatus::Unconfirmed, AccountStatus::Disabled];
    let mut emails = vec!["nobody@example.com".to_owned()];
    for (number, status) in (2_i64..).zip(statuses) {
        let email = format!("customer{number}@example.com");
        let row = CustomerRecord::new(CustomerId::from(number), email.clone()).with_status(status);
        site.shop.customers.upsert(row).unwrap();
        emails.push(email);
    }
    for (number, email) in (1..).zip(&emails) {
        let wrong = json!({ "email": email, "confirmation_key": NO_KEY });
        let answer = ask_from(&site, number, CONFIRM, wrong).await;
        let expected = json!({
            "data": { "confirmEmail": null },
            "errors": [{
                "message": INVALID,
                "locations": [{ "line": 1, "column": 65 }],
                "path": ["confirmEmail"],
                "extensions": { "category": "graphql-input" },
            }],
        });
        assert_eq!((answer.status.as_u16(), answer.json()), (200, expected), "{email}");
        for _ in 0..5 {
            let answer = ask_from(&site, number, RESEND, json!({ "email": email })).await;
            assert_eq!(answer.text, r#"{"data":{"resendConfirmationEmail":true}}"#, "{email}");
        }
        let answer = ask_from(&site, number, RESEND, json!({ "email": email })).await;
        let limit = "We received too many requests. Please wait and try again later.";
        assert_eq!(
            answer.graphql_error(),
            (limit.into(), "graphql-too-many-requests".into(), 429),
            "{email}"
        );
        assert_eq!(answer.header("retry-after"), Some("3600"), "{email}");
    }
    let mailed = site.shop.outbox.take();
    assert!(mailed.iter().all(|mail| mail.email == "customer3@example.com"), "{mailed:?}");
    assert_eq!(mailed.len(), 5, "{mailed:?}");
}

#[tokio::test]
async fn wrong_keys_are_limited_for_each_source() {
    let site = unconfirmed();
    let key = mailed(&site).await;
    for _ in 0..6 {
        assert_eq!(confirm(&site, EMAIL, NO_KEY).await.graphql_error(), input(INVALID));
    }
    assert_eq!(confirm(&site, EMAIL, &key).await.status, 429);
    let right = json!({ "email": EMAIL, "confirmation_key": key });
    assert_eq!(ask_from(&site, 1, CONFIRM, right).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_with_one_key_one_confirms() {
    let mut config = fast();
    config.hashing.queue = 512;
    let site = Arc::new(Site::of(Shop::open(MemoryStore::new(), config, |builder| builder)));
    site.shop.set_customer(|row| row.status = AccountStatus::Unconfirmed);
    // The hash of the password holds all callers between the check of the key and its end.
    let input = json!({ "email": EMAIL, "confirmation_key": mailed(&site).await, "password": PASSWORD });
    let variables = json!({ "input": input });
    let mut asked = JoinSet::new();
    for number in 1..=100 {
        let (site, variables) = (Arc::clone(&site), variables.clone());
        asked.spawn(async move { ask_from(&site, number, TYPED, variables).await });
    }
    let (mut confirmed, mut refused) = (0, 0);
    while let Some(answer) = asked.join_next().await {
        let answer = answer.unwrap();
        if answer.json().get("errors").is_none() {
            confirmed += 1;
            continue;
        }
        let (message, _, status) = answer.graphql_error();
        assert!([ACTIVE, INVALID].contains(&message.as_str()) && status == 200, "{answer:?}");
        refused += 1;
    }
    assert_eq!((confirmed, refused), (1, 99));
}

#[tokio::test]
async fn a_customer_activates_the_own_account_by_rest() {
    const ROUTE: &str = "/V1/customers/me/activate";
    let site = site();
    let (token, admin) = (site.customer_token().await, site.shop.admin_token().await);
    let assistant = site.shop.assisting(&admin, 0).await.unwrap();
    site.shop.set_customer(|row| row.status = AccountStatus::Unconfirmed);
    let key = mailed(&site).await;
    let right = json!({ "confirmationKey": key });
    let not_authorized = json!({
        "message": "The consumer isn't authorized to access %resources.",
        "parameters": { "resources": "self" },
    });
    for token in [None, Some(NO_KEY), Some(admin.as_str()), Some(assistant.as_str())] {
        let answer = site.rest(token, "PUT", ROUTE, right.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (401, not_authorized.clone()), "{token:?}");
    }
    let required = json!({
        "message": r#""%fieldName" is required. Enter and try again."#,
        "parameters": { "fieldName": "confirmationKey" },
    });
    let invalid = json!({ "message": INVALID });
    for (body, status, answered) in [
        (json!({}), 400, required.clone()),
        (json!({ "confirmationKey": "" }), 400, required),
        (json!({ "confirmationKey": NO_KEY }), 400, invalid.clone()),
        (json!({ "confirmation_key": WRONG }), 400, invalid),
        (right.clone(), 200, json!(1)),
    ] {
        let answer = site.rest(Some(&token), "PUT", ROUTE, body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (status, answered), "{body}");
    }
    assert_eq!(status(&site).await, AccountStatus::Active);
    assert_eq!(site.rest(Some(&token), "GET", "/V1/customers/me", Value::Null).await.status, 401, "it ended");
    let token = site.customer_token().await;
    let again = site.rest(Some(&token), "PUT", ROUTE, right).await;
    assert_eq!((again.status.as_u16(), again.json()), (400, json!({ "message": ACTIVE })));
}

fn link(customer: &str, token: &str) -> String {
    format!("/V1/customers/{customer}/password/resetLinkToken/{token}")
}

#[tokio::test]
async fn a_reset_link_is_looked_at_and_not_spent() {
    let site = site();
    let token = site.shop.reset_token().await;
    let paths = [
        link("1", &token),
        format!("/default{}/", link("1", &token)),
        format!("/default{}?a=b", link("1", &token)),
    ];
    for path in &paths {
        let answer = site.rest(None, "GET", path, Value::Null).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!(true)), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let body = json!({ "email": EMAIL, "resetToken": token, "newPassword": "N3w-password" });
    assert_eq!(site.rest(None, "POST", "/V1/customers/resetPassword", body).await.status, 200);
    let mismatched = json!({ "message": "The password token is mismatched. Reset and try again." });
    for (customer, token) in
        [("1", token.as_str()), ("1", NO_KEY), ("42", NO_KEY), ("42", &token), ("1", "%20")]
    {
        let answer = site.rest(None, "GET", &link(customer, token), Value::Null).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (400, mismatched.clone()), "{customer} {token}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    }
    for path in [link("1", ""), link("", NO_KEY), link("%FF", NO_KEY), link("1", "%FF"), link("1", "a/b")] {
        assert_eq!(site.rest(None, "GET", &path, Value::Null).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn looks_at_reset_links_are_limited() {
    let site = site();
    let token = site.shop.reset_token().await;
    for _ in 0..6 {
        assert_eq!(site.rest(None, "GET", &link("1", NO_KEY), Value::Null).await.status, 400);
    }
    let answer = site.rest(None, "GET", &link("1", &token), Value::Null).await;
    assert_eq!(answer.status, 429);
    assert!(answer.header("retry-after").is_some());
}

#[tokio::test]
async fn every_address_is_available() {
    const ROUTE: &str = "/V1/customers/isEmailAvailable";
    let site = site();
    for body in [
        json!({ "customerEmail": EMAIL }),
        json!({ "customer_email": "nobody@example.com", "websiteId": 1 }),
        json!({ "customerEmail": EMAIL, "websiteId": "99" }),
        json!({ "customerEmail": "no address", "websiteId": null }),
        json!({ "customerEmail": "" }),
        json!({ "customerEmail": 7 }),
    ] {
        let answer = site.rest(None, "POST", ROUTE, body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "true"), "{body}");
    }
    let required = json!({
        "message": r#""%fieldName" is required. Enter and try again."#,
        "parameters": { "fieldName": "customerEmail" },
    });
    for body in [json!({}), json!({ "customerEmail": null, "websiteId": 1 })] {
        let answer = site.rest(None, "POST", ROUTE, body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (400, required.clone()), "{body}");
    }
    for body in [json!({ "customerEmail": [EMAIL] }), json!({ "customerEmail": EMAIL, "websiteId": "main" })]
    {
        assert_eq!(site.rest(None, "POST", ROUTE, body.clone()).await.status, 400, "{body}");
    }
}

#[tokio::test]
async fn no_key_is_in_the_log_of_the_crate() {
    let site = unconfirmed();
    let reset = site.shop.reset_token().await;
    let (log, key) = captured(async {
        let key = mailed(&site).await;
        confirm(&site, EMAIL, &key).await;
        confirm(&site, EMAIL, &key).await;
        site.rest(None, "GET", &link("1", &reset), Value::Null).await;
        site.rest(None, "GET", &link("1", &key), Value::Null).await;
        key
    })
    .await;
    for secret in [key, reset] {
        assert!(!log.contains(&secret), "{log}");
    }
}
