//! A customer's account: made, read and changed.

use serde_json::{Value, json};

use super::{NO_ADDRESS, Provoked, Provoker, WRONG, all_alike, lock_out, unconfirm, without_a_good_token};
use crate::{
    site::Site,
    support::{BOB, RONI, RONIS_PASSWORD},
};

const CUSTOMER: &str = "{ customer { email } }";

pub(super) const PROVOKERS: &[Provoker] = &[
    ("createCustomer", "address taken", |site| create(site, OLDER, &taken())),
    ("createCustomer", "malformed address", |site| malformed(create(site, OLDER, &no_address()))),
    ("createCustomer", "no address", |site| create(site, OLDER, NAMES)),
    ("createCustomer", "unknown field", |site| unknown(create(site, OLDER, &unknown_field()))),
    ("createCustomer", "empty first name", |site| {
        let answers = [NO_FIRST_NAME, EMPTY_FIRST_NAME].map(|input| create(site, OLDER, input).answer);
        all_alike(answers.into())
    }),
    ("createCustomer", "empty input", |site| create(site, OLDER, "")),
    ("createCustomerV2", "address taken", |site| create(site, NEWER, &taken())),
    ("createCustomerV2", "malformed address", |site| malformed(create(site, NEWER, &no_address()))),
    ("createCustomerV2", "no address", |site| Provoked {
        sent: "email".into(),
        ..create(site, NEWER, NAMES)
    }),
    ("createCustomerV2", "unknown field", |site| unknown(create(site, NEWER, &unknown_field()))),
    ("createCustomerV2", "empty first name", |site| create(site, NEWER, EMPTY_FIRST_NAME)),
    ("deleteCustomer", "guest", |site| site.ask(None, "mutation { deleteCustomer }").into()),
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
    ("updateCustomer", "guest", |site| update(site, None, "updateCustomer", r#"firstname: "Robert""#)),
    ("updateCustomer", "empty input", |site| update(site, Some(&site.roni()), "updateCustomer", "")),
    ("updateCustomer", "malformed address", |site| {
        malformed(update_address(site, NO_ADDRESS, RONIS_PASSWORD))
    }),
    ("updateCustomer", "address without the password", |site| {
        let input = r#"email: "new@example.com""#;
        update(site, Some(&site.roni()), "updateCustomer", input)
    }),
    ("updateCustomer", "address taken", |site| update_address(site, BOB, RONIS_PASSWORD)),
    ("updateCustomer", "wrong password", |site| update_address(site, "new@example.com", WRONG)),
    ("updateCustomerV2", "guest", |site| update(site, None, "updateCustomerV2", r#"firstname: "Robert""#)),
    ("updateCustomerV2", "empty input", |site| update(site, Some(&site.roni()), "updateCustomerV2", "")),
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
    ("rest-customers-me-update", "guest", |site| {
        let body = json!({ "customer": { "firstname": "Robert" } });
        without_a_good_token(site, "PUT", "/rest/V1/customers/me", &body)
    }),
    ("rest-customers-me-update", "no customer", |site| {
        site.rest_as(Some(&site.roni()), "PUT", "/rest/V1/customers/me", &json!({})).into()
    }),
];

const OLDER: &str = "createCustomer";
const NEWER: &str = "createCustomerV2";
const NAMES: &str = r#"firstname: "Bob", lastname: "Loblaw", password: "N3w-password""#;
const NO_FIRST_NAME: &str = r#"email: "new@example.com", lastname: "Loblaw", password: "N3w-password""#;
const EMPTY_FIRST_NAME: &str =
    r#"email: "new@example.com", firstname: "", lastname: "Loblaw", password: "N3w-password""#;

fn taken() -> String {
    format!(r#"email: "{RONI}", {NAMES}"#)
}

fn no_address() -> String {
    format!(r#"email: "{NO_ADDRESS}", {NAMES}"#)
}

fn unknown_field() -> String {
    format!(r#"email: "new@example.com", xxx: "", {NAMES}"#)
}

fn malformed(provoked: Provoked) -> Provoked {
    Provoked { sent: NO_ADDRESS.into(), ..provoked }
}

fn unknown(provoked: Provoked) -> Provoked {
    Provoked { sent: "xxx".into(), ..provoked }
}

fn create(site: &Site, operation: &str, input: &str) -> Provoked {
    let query = format!("mutation {{ {operation}(input: {{ {input} }}) {{ customer {{ email }} }} }}");
    site.ask(None, &query).into()
}

fn available(site: &Site, arguments: &str) -> Provoked {
    site.ask(None, &format!("{{ isEmailAvailable{arguments} {{ is_email_available }} }}")).into()
}

fn update(site: &Site, token: Option<&str>, operation: &str, input: &str) -> Provoked {
    let query = format!("mutation {{ {operation}(input: {{ {input} }}) {{ customer {{ email }} }} }}");
    site.ask(token, &query).into()
}

fn update_address(site: &Site, email: &str, password: &str) -> Provoked {
    let input = format!(r#"email: "{email}", password: "{password}""#);
    update(site, Some(&site.roni()), "updateCustomer", &input)
}

fn change_email(site: &Site, token: Option<&str>, email: &str, password: &str) -> Provoked {
    let query = format!(
        r#"mutation {{ updateCustomerEmail(email: "{email}", password: "{password}") {{ customer {{ email }} }} }}"#
    );
    site.ask(token, &query).into()
}
