//! The proof of work that is asked for before a sign-in and a password reset.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{ADMIN, ADMINS_PASSWORD, Answer, BOB, BOBS_PASSWORD, Place, Server};

const ASKED: &str = "ReCaptcha validation failed, please try again";

fn minute() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 60
}

/// As `pages/challenge.js` finds one.
fn prove(form: &str, account: &str, minute: u64) -> String {
    let solves =
        |number: &u64| Sha256::digest(format!("{form} {account} {minute} {number}")).starts_with(&[0, 0]);
    (0..).find(solves).unwrap().to_string()
}

fn post(server: &Server, path: &str, proof: Option<&str>, body: &Value) -> Answer {
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(proof.map(|proof| ("x-recaptcha", proof)));
    server.post(path, &headers, &body.to_string())
}

fn sign_in(server: &Server, proof: Option<&str>) -> Answer {
    let query = "mutation($email: String!, $password: String!) \
                 { generateCustomerToken(email: $email, password: $password) { token } }";
    let variables = json!({ "email": BOB, "password": BOBS_PASSWORD });
    post(server, "/graphql", proof, &json!({ "query": query, "variables": variables }))
}

#[test]
fn a_sign_in_needs_the_work_of_this_minute_or_the_last() {
    let server = Place::new().start_with(&["--demo", "--challenge", "always"]);
    let refused = |proof: Option<&str>| {
        let expected = (200, "graphql-input".to_owned(), ASKED.to_owned());
        assert_eq!(sign_in(&server, proof).refusal(), expected, "{proof:?}");
    };
    refused(None);
    refused(Some("no number"));
    let now = minute();
    let right = prove("customer_login", BOB, now);
    // A number that solves it is no part of another one.
    refused(Some(&format!("{right}0")));
    for stale in [now - 2, now + 2] {
        refused(Some(&prove("customer_login", BOB, stale)));
    }
    refused(Some(&prove("customer_login", "somebody@example.com", now)));
    refused(Some(&prove("customer_forgot_password", BOB, now)));
    // More refusals than wrong passwords are allowed: none of them counted.
    sign_in(&server, Some(&right)).data("/generateCustomerToken/token");
    let now = minute();
    let answer = sign_in(&server, Some(&prove("customer_login", BOB, now - 1)));
    if minute() == now {
        answer.data("/generateCustomerToken/token");
    }
}

#[test]
fn admin_users_and_resets_are_asked_too() {
    let server = Place::new().start_with(&["--demo", "--challenge", "always"]);
    let admin = json!({ "username": ADMIN, "password": ADMINS_PASSWORD });
    let path = "/rest/V1/integration/admin/token";
    let refused = post(&server, path, None, &admin);
    assert_eq!((refused.status, refused.json()["message"].as_str()), (400, Some(ASKED)));
    let proof = prove("user_login", ADMIN, minute());
    assert_eq!(post(&server, path, Some(&proof), &admin).status, 200);

    let reset = json!({ "query": format!("mutation {{ requestPasswordResetEmail(email: \"{BOB}\") }}") });
    assert_eq!(post(&server, "/graphql", None, &reset).refusal().2, ASKED);
    let proof = prove("customer_forgot_password", BOB, minute());
    let answer = post(&server, "/graphql", Some(&proof), &reset);
    assert_eq!(answer.data("/requestPasswordResetEmail"), true);
}

#[test]
fn without_pressure_nothing_is_asked() {
    let server = Place::new().demo();
    sign_in(&server, None).data("/generateCustomerToken/token");
}
