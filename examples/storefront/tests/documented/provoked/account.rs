//! A customer's account: made, read and changed.

use serde_json::Value;

use super::{NO_ADDRESS, Provoked, Provoker, WRONG, lock_out, unconfirm, without_a_good_token};
use crate::{
    site::Site,
    support::{BOB, RONI, RONIS_PASSWORD},
};

const CUSTOMER: &str = "{ customer { email } }";

pub(super) const PROVOKERS: &[Provoker] = &[
    ("createCustomerV2", "address taken", |site| create(site, &format!(r#"email: "{RONI}", {NAMES}"#))),
    ("createCustomerV2", "malformed address", |site| Provoked {
        sent: NO_ADDRESS.into(),
        ..create(site, &format!(r#"email: "{NO_ADDRESS}", {NAMES}"#))
    }),
    ("createCustomerV2", "no address", |site| Provoked { sent: "email".into(), ..create(site, NAMES) }),
    ("createCustomerV2", "unknown field", |site| {
        let input = format!(r#"email: "new@example.com", xxx: "", {NAMES}"#);
        Provoked { sent: "xxx".into(), ..create(site, &input) }
    }),
    ("createCustomerV2", "empty first name", |site| {
        create(
            site,
            r#"email: "new@example.com", firstname: "", lastname: "Loblaw", password: "N3w-password""#,
        )
    }),
    ("customer", "locked account", |site| {
        let token = site.roni();
        lock_out(site);
        site.ask(Some(&token), CUSTOMER).into()
    }),
    ("customer", "unconfirmed account", |site| {
        let token = site.roni();
        unconfirm(site);
        site.ask(Some(&token), CUSTOMER).into()
    }),
    ("isEmailAvailable", "malformed address", |site| available(site, &format!("(email: \"{NO_ADDRESS}\")"))),
    ("isEmailAvailable", "no address", |site| Provoked { sent: "email".into(), ..available(site, "") }),
    ("isEmailAvailable", "empty address", |site| available(site, r#"(email: "")"#)),
    ("updateCustomerV2", "guest", |site| update(site, None, r#"firstname: "Robert""#)),
    ("updateCustomerV2", "empty input", |site| update(site, Some(&site.roni()), "")),
    ("updateCustomerEmail", "guest", |site| change_email(site, None, "new@example.com", RONIS_PASSWORD)),
    ("updateCustomerEmail", "wrong password", |site| {
        change_email(site, Some(&site.roni()), "new@example.com", WRONG)
    }),
    ("updateCustomerEmail", "address taken", |site| {
        change_email(site, Some(&site.roni()), BOB, RONIS_PASSWORD)
    }),
    ("rest-customers-me", "guest", |site| {
        without_a_good_token(site, "GET", "/rest/V1/customers/me", &Value::Null)
    }),
];

const NAMES: &str = r#"firstname: "Bob", lastname: "Loblaw", password: "N3w-password""#;

fn create(site: &Site, input: &str) -> Provoked {
    let query = format!("mutation {{ createCustomerV2(input: {{ {input} }}) {{ customer {{ email }} }} }}");
    site.ask(None, &query).into()
}

fn available(site: &Site, arguments: &str) -> Provoked {
    site.ask(None, &format!("{{ isEmailAvailable{arguments} {{ is_email_available }} }}")).into()
}

fn update(site: &Site, token: Option<&str>, input: &str) -> Provoked {
    let query = format!("mutation {{ updateCustomerV2(input: {{ {input} }}) {{ customer {{ email }} }} }}");
    site.ask(token, &query).into()
}

fn change_email(site: &Site, token: Option<&str>, email: &str, password: &str) -> Provoked {
    let query = format!(
        r#"mutation {{ updateCustomerEmail(email: "{email}", password: "{password}") {{ customer {{ email }} }} }}"#
    );
    site.ask(token, &query).into()
}
