//! The mails to owners of accounts after a possible intrusion.

use commerce_auth_test_support::authenticator::Authenticator;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{
    letters::{check_raw, token},
    support::{ADMINS_PASSWORD, Answer, BOB, BOBS_PASSWORD, ENROLLED, Place, SECRET, Server, wait_until},
};

const ELSEWHERE: (&str, &str) = ("x-forwarded-for", "203.0.113.9");
const CUSTOMER_TOKEN: &str = "/rest/V1/integration/customer/token";
const NEW_ADDRESS: &str = "bob@example.org";

fn post(server: &Server, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let headers = [headers, &[("content-type", "application/json")]].concat();
    server.post(path, &headers, &body.to_string())
}

/// The mails of a subject, once there are so many.
fn mails_about(place: &Place, subject: &str, count: usize) -> Vec<String> {
    let line = format!("Subject: {subject}");
    wait_until(subject, || {
        let mails = place.mails().into_iter();
        let mails: Vec<_> = mails.filter(|mail| mail.lines().any(|other| other == line)).collect();
        (mails.len() >= count).then_some(mails)
    })
}

/// The only mail of a subject, which goes to this address and names where the request came from.
fn told(server: &Server, place: &Place, subject: &str, to: &str) {
    let mails = mails_about(place, subject, 1);
    let [mail] = &mails[..] else { panic!("{mails:?}") };
    check_raw(mail, server.url());
    assert!(mail.contains(&format!("To: {to}")), "{mail}");
    let prose = mail.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(prose.contains(&format!("from the address {}", ELSEWHERE.1)), "{mail}");
    let links = mail.lines().filter(|line| line.contains("://"));
    assert!(links.into_iter().all(|line| line.starts_with(server.url())), "{mail}");
}

#[test]
fn owners_are_mailed_what_happened_to_their_accounts() {
    let place = Place::new();
    let server = place.start_with(&["--demo", "--trusted-proxy", "127.0.0.1"]);
    let by = |password: &str| json!({ "username": BOB, "password": password });
    let own = server.customer_token(BOB, BOBS_PASSWORD);
    assert_eq!(post(&server, CUSTOMER_TOKEN, &[ELSEWHERE], &by(BOBS_PASSWORD)).status, 200);
    told(&server, &place, "A new device", BOB);

    let query = format!("mutation {{ requestPasswordResetEmail(email: \"{BOB}\") }}");
    server.graphql(None, &query, json!({})).data("/requestPasswordResetEmail");
    let mail = mails_about(&place, "Set a new password", 1).remove(0);
    let reset = token(&mail, &format!("{}/#reset=", server.url()));
    assert_eq!(post(&server, CUSTOMER_TOKEN, &[ELSEWHERE], &by(&reset)).status, 200);
    told(&server, &place, "A sign-in with the link in our mail", BOB);
    assert_eq!(post(&server, CUSTOMER_TOKEN, &[ELSEWHERE], &by(&reset)).status, 401);
    told(&server, &place, "A link was used twice", BOB);

    let query = "mutation($email: String!, $password: String!) \
                 { updateCustomerEmail(email: $email, password: $password) { customer { email } } }";
    let variables = json!({ "email": NEW_ADDRESS, "password": BOBS_PASSWORD });
    server.graphql(Some(&own), query, variables).data("/updateCustomerEmail");
    for mail in mails_about(&place, "Your e-mail address", 2) {
        check_raw(&mail, server.url());
        let [at_old, at_new] = [BOB, NEW_ADDRESS].map(|address| mail.contains(address));
        assert!(at_old != at_new, "no mail shows the other address: {mail}");
    }
}

#[test]
fn admin_users_are_mailed_what_happened_behind_their_passwords() {
    let place = Place::new();
    let server = place.start_with(&["--demo", "--trusted-proxy", "127.0.0.1"]);
    let to = format!("{ENROLLED} <admin-");
    let authenticator = Authenticator::new(SECRET);
    let code = || authenticator.unused_code(OffsetDateTime::now_utc()).unwrap();
    let sign_in = |code: &str| {
        let body = json!({ "username": ENROLLED, "password": ADMINS_PASSWORD, "otp": code });
        post(&server, "/rest/V1/tfa/provider/google/authenticate", &[ELSEWHERE], &body)
    };
    assert_eq!(server.authenticate(ENROLLED, ADMINS_PASSWORD, &code()).status, 200);
    let spent = code();
    assert_eq!(sign_in(&spent).status, 200);
    told(&server, &place, "A new device", &to);
    assert_ne!(sign_in(&spent).status, 200);
    told(&server, &place, "A code was used twice", &to);
    // No right code has letters.
    assert_ne!(sign_in("aaaaaa").status, 200);
    told(&server, &place, "A wrong code", &to);
}
