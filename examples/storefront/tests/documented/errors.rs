//! Each documented error, provoked, and how it is told.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::{
    data::{Entry, check_each, entries},
    exceptions,
    provoked::{Provoke, Provoked, provokers},
    site::Site,
};

#[test]
fn each_error_is_told_as_documented() {
    let mut errors = entries();
    errors.retain(|entry| entry.cause.is_some());
    assert_eq!(errors.len(), 110, "so many are documented");
    check_each(&errors, |error| {
        let provoke = provoker(error);
        let site = Site::demo();
        let provoked = provoke(&site);
        exceptions::judge(&site, error, &provoked.answer, unlike(error, &provoked));
    });
}

#[test]
fn what_is_provoked_is_documented() {
    let entries = entries();
    let mut seen = HashSet::new();
    for (file, name, _) in provokers() {
        assert!(
            entries.iter().any(|entry| entry.cause.is_some() && entry.is_of(file, name)),
            "{file}: {name}"
        );
        assert!(seen.insert((file, name)), "{file}: {name} twice");
    }
}

fn provoker(error: &Entry) -> Provoke {
    let mut provokers = provokers();
    let found = provokers.find(|(file, name, _)| error.is_of(file, name));
    let (.., provoke) = found.unwrap_or_else(|| panic!("nothing provokes it: {:?}", error.cause));
    provoke
}

/// How an error differs from the documented one.
fn unlike(error: &Entry, Provoked { answer, sent }: &Provoked) -> Option<String> {
    let body = answer.json();
    let documented = error.error_status();
    let differs = if answer.status != documented {
        Some(format!("status {documented}"))
    } else if error.file.starts_with("rest-") {
        unlike_rest(error, &body, sent)
    } else if error.schema_error {
        unlike_schema_error(&body, sent)
    } else {
        unlike_graphql(error, &body, sent)
    };
    differs.map(|documented| format!("{documented} is documented: {answer:?}"))
}

fn unlike_rest(error: &Entry, body: &Value, sent: &str) -> Option<String> {
    let message = error.error_message();
    if body["message"] != message {
        return Some(message.to_owned());
    }
    // Where it tells none, they are not looked at.
    for (key, documented) in [("parameters", &error.parameters), ("errors", &error.errors)] {
        let Some(documented) = documented else { continue };
        let documented = filled_in(documented, sent);
        let is_none = |value: &Value| value.is_null() || *value == json!([]);
        if body[key] != documented && !(is_none(&body[key]) && is_none(&documented)) {
            return Some(documented.to_string());
        }
    }
    None
}

fn unlike_graphql(error: &Entry, body: &Value, sent: &str) -> Option<String> {
    let message = filled_in(&error.error_message().into(), sent);
    let told = &body["errors"][0];
    if told["message"] != message || told["extensions"]["category"] != json!(error.category) {
        return Some(format!("{message} of {:?}", error.category));
    }
    let is_alone = body["errors"].as_array().is_some_and(|errors| errors.len() == 1);
    // Who has no good token gets no further than the door.
    let shape_is_right = if error.cause.as_ref().is_some_and(|cause| cause.contains("no data")) {
        body.get("data").is_none() && told.get("path").is_none()
    } else {
        body["data"] == json!({ &error.file: null }) && told["path"] == json!([&error.file])
    };
    (!is_alone || !shape_is_right).then(|| "another shape".to_owned())
}

/// GraphQL's refusal. Its message names the field.
fn unlike_schema_error(body: &Value, field: &str) -> Option<String> {
    let told = &body["errors"][0];
    let names_it = told["message"].as_str().is_some_and(|message| message.contains(field));
    let is_right = names_it && body.get("data").is_none() && told["extensions"]["category"].is_null();
    (!is_right).then(|| format!("an error that names {field:?}"))
}

/// The values that the documentation leaves to the request.
fn filled_in(documented: &Value, sent: &str) -> Value {
    match documented {
        Value::String(text) => {
            text.replace("<the value sent>", sent).replace("<the address sent>", sent).into()
        }
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (key.clone(), filled_in(value, sent))).collect()
        }
        _ => documented.clone(),
    }
}
