//! Where the storefront answers otherwise than the documentation, and why. An exception that is no longer one is a failure,
//! and so is one that names nothing.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::{
    data::{Entry, entries},
    looks::difference,
    pairs::{send_changed, unlike},
    provoked::NEW,
    site::Site,
    support::{Answer, RONI, RONIS_PASSWORD},
};

struct Exception {
    file: &'static str,
    name: &'static str,
    because: Because,
    /// Checks what is answered instead.
    instead: fn(&Site, &Entry, &Answer),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Because {
    /// By its number among the deliberate departures from Commerce.
    Departure(u8),
    Reason(&'static str),
}

use Because::{Departure, Reason};

const TWO_CLASSES: Because =
    Reason("new_password has two classes of characters, and the default policy asks for three");
const TOKENS_ALIKE: Because =
    Reason("nobody is told what a token was that is no good, so that it need not be kept");
const RESETS_ALIKE: Because = Reason(
    "a wrong token, an ended one and one of nobody are told alike: who has an account is no stranger's business",
);
const EXCEPTIONS: &[Exception] = &[
    Exception {
        file: "changeCustomerPassword",
        name: "change the password",
        because: Reason("2.4.8 has deprecated Customer.id, and answers null"),
        instead: |_, pair, answer| {
            let mut documented = pair.response.as_ref().unwrap().body.clone();
            documented["data"]["changeCustomerPassword"]["id"] = Value::Null;
            assert_eq!(difference(&documented, &answer.json(), &[]), None);
        },
    },
    Exception {
        file: "updateCustomer",
        name: "first name and address",
        because: Reason("the example has no password, without which 2.4.8 changes no address"),
        instead: |site, pair, answer| {
            let message = "Provide the current \"password\" to change \"email\".";
            graphql(answer, 200, "graphql-input", message);
            let with_password = format!("robloblaw@example.com\" password: \"{RONIS_PASSWORD}");
            as_documented(pair, &send_changed(site, pair, "robloblaw@example.com", &with_password));
        },
    },
    Exception {
        file: "rest-customer-token",
        name: "token, store code default",
        because: Reason(
            "the documentation gives customer@example.com another password elsewhere, which the demo has",
        ),
        instead: |site, pair, _| {
            as_documented(pair, &send_changed(site, pair, "customer_password", "password"));
        },
    },
    Exception {
        file: "rest-customers-me",
        name: "the caller",
        because: Reason("the example is of a Commerce that had no consent to assistance to show"),
        instead: |_, pair, answer| {
            let mut answered = answer.json();
            let attributes = answered["extension_attributes"].as_object_mut().unwrap();
            assert_eq!(attributes.remove("assistance_allowed"), Some(json!(2)));
            let documented = &pair.response.as_ref().unwrap().body;
            assert_eq!(difference(documented, &answered, &pair.volatile), None);
        },
    },
    Exception {
        file: "resetPassword",
        name: "set a new password",
        because: TWO_CLASSES,
        instead: |site, pair, answer| {
            graphql(answer, 200, "graphql-input", FEW_CLASSES);
            as_documented(pair, &send_changed(site, pair, "new_password", "New_password"));
        },
    },
    Exception {
        file: "rest-customers-resetPassword",
        name: "set a new password",
        because: TWO_CLASSES,
        instead: |site, pair, answer| {
            rest(answer, 400, &json!({ "message": FEW_CLASSES_TEMPLATE, "parameters": ["3"] }));
            as_documented(pair, &send_changed(site, pair, "new_password", "New_password"));
        },
    },
    Exception {
        file: "customer",
        name: "locked account",
        because: Reason("failed sign-ins, which may be a stranger's, do not lock out who is signed in"),
        instead: |site, error, answer| {
            assert_eq!(answer.data("/customer/email"), RONI);
            // Whom the shop itself has shut out is told.
            let token = site.server.customer_token("customer@example.com", "password");
            site.meddle("UPDATE customers SET status = 'disabled' WHERE email = 'customer@example.com'");
            let answer = site.ask(Some(&token), "{ customer { email } }");
            graphql(&answer, error.error_status(), "graphql-authentication", error.error_message());
        },
    },
    Exception { file: "customer", name: "token expired", because: TOKENS_ALIKE, instead: no_token },
    Exception { file: "customer", name: "token revoked", because: TOKENS_ALIKE, instead: no_token },
    Exception {
        file: "requestPasswordResetEmail",
        name: "unknown address or internal failure",
        because: Departure(1),
        instead: |_, _, answer| assert_eq!(answer.data("/requestPasswordResetEmail"), true),
    },
    Exception {
        file: "requestPasswordResetEmail",
        name: "locked account",
        because: Departure(1),
        instead: |_, _, answer| assert_eq!(answer.data("/requestPasswordResetEmail"), true),
    },
    Exception {
        file: "rest-customers-password",
        name: "unknown address",
        because: Departure(1),
        instead: |_, _, answer| rest(answer, 200, &json!(true)),
    },
    Exception {
        file: "rest-customers-password",
        name: "too many requests",
        because: Reason(
            "a limit that is reached is a 429 with Retry-After, and there is no address to contact",
        ),
        instead: |_, _, answer| {
            let message = "We received too many requests. Please wait and try again later.";
            rest(answer, 429, &json!({ "message": message }));
            assert_eq!(answer.header("retry-after"), Some("3600"));
        },
    },
    Exception {
        file: "resetPassword",
        name: "unknown address or internal failure",
        because: RESETS_ALIKE,
        instead: mismatched,
    },
    Exception { file: "resetPassword", name: "expired token", because: RESETS_ALIKE, instead: mismatched },
    Exception {
        file: "rest-customers-resetPassword",
        name: "expired token",
        because: RESETS_ALIKE,
        instead: |_, _, answer| rest(answer, 400, &json!({ "message": MISMATCHED })),
    },
    Exception {
        file: "resetPassword",
        name: "locked account",
        because: Reason(
            "nobody guesses a reset token: a reset is how a locked customer gets in again, here as by REST",
        ),
        instead: |site, _, answer| {
            assert_eq!(answer.data("/resetPassword"), true);
            site.server.customer_token(RONI, NEW);
        },
    },
];

const MISMATCHED: &str = "The password token is mismatched. Reset and try again.";
const FEW_CLASSES: &str = "Minimum of different classes of characters in password is 3. Classes of characters: Lower Case, \
                           Upper Case, Digits, Special Characters.";
const FEW_CLASSES_TEMPLATE: &str = "Minimum of different classes of characters in password is %1. Classes of characters: \
                                    Lower Case, Upper Case, Digits, Special Characters.";

fn no_token(_: &Site, _: &Entry, answer: &Answer) {
    graphql(answer, 401, "graphql-authentication", "Composite reader could not read a token");
    assert!(answer.json().get("data").is_none());
}

fn mismatched(_: &Site, _: &Entry, answer: &Answer) {
    graphql(answer, 200, "graphql-input", MISMATCHED);
}

fn graphql(answer: &Answer, status: u16, category: &str, message: &str) {
    assert_eq!(answer.refusal(), (status, category.to_owned(), message.to_owned()));
}

fn rest(answer: &Answer, status: u16, body: &Value) {
    assert_eq!((answer.status, &answer.json()), (status, body));
}

fn as_documented(pair: &Entry, answer: &Answer) {
    assert_eq!(unlike(pair, answer), None);
}

/// Checks that an entry is answered as documented, or as its exception says.
pub fn judge(site: &Site, entry: &Entry, answer: &Answer, difference: Option<String>) {
    let exception = EXCEPTIONS.iter().find(|exception| entry.is_of(exception.file, exception.name));
    match (exception, difference) {
        (None, None) => {}
        (None, Some(difference)) => panic!("{}: {}: {difference}", entry.file, entry.name),
        (Some(Exception { because, .. }), None) => {
            panic!("{}: {}: no longer an exception, for {because:?}", entry.file, entry.name)
        }
        (Some(exception), Some(_)) => (exception.instead)(site, entry, answer),
    }
}

#[test]
fn an_exception_is_of_an_entry() {
    let (entries, mut seen) = (entries(), HashSet::new());
    for Exception { file, name, .. } in EXCEPTIONS {
        assert!(entries.iter().any(|entry| entry.is_of(file, name)), "{file}: {name}");
        assert!(seen.insert((file, name)), "{file}: {name} twice");
    }
}

#[test]
fn departures_are_those_of_the_data() {
    for entry in entries() {
        let exception = EXCEPTIONS.iter().find(|exception| entry.is_of(exception.file, exception.name));
        let departure = match exception {
            Some(Exception { because: Departure(number), .. }) => Some(*number),
            _ => None,
        };
        assert_eq!(departure, entry.departure, "{}: {}", entry.file, entry.name);
    }
}
