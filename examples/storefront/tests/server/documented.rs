//! The documented examples of the host's own operations, verbatim: request in, response out. Those of the crate's are tested
//! beside the crate.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::support::{ADMIN, Answer, BOB, BOBS_PASSWORD, Place, RONI, RONIS_PASSWORD, Server};

/// The documented pairs of an operation that this shop answers.
fn pairs(operation: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/wire/documented");
    let text = fs::read_to_string(folder.join(operation).with_extension("json")).unwrap();
    let entries: Vec<Value> = serde_json::from_str(&text).unwrap();
    let ours = |entry: &Value| entry.get("request").is_some() && entry["in_scope"] != false;
    let pairs: Vec<Value> = entries.into_iter().filter(ours).collect();
    assert!(!pairs.is_empty(), "{operation}");
    pairs
}

/// Sends the request as it is documented, with a token in the place of the documentation's.
fn send(server: &Server, request: &Value, token: &str) -> Answer {
    let headers: Vec<(String, String)> = request["headers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| {
            let value =
                value.as_str().unwrap().replace("<customer-token>", token).replace("<admin-token>", token);
            (name.to_lowercase(), value)
        })
        .collect();
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let path = request["path"].as_str().unwrap();
    match request["method"].as_str().unwrap() {
        "GET" => server.get(path, &headers),
        _ => server.post(path, &headers, &json!({ "query": request["query"] }).to_string()),
    }
}

fn is_as_documented(server: &Server, pair: &Value, token: &str) {
    let answer = send(server, &pair["request"], token);
    let (mut answered, mut documented) = (answer.json(), pair["response"]["body"].clone());
    assert_eq!(answer.status, pair["response"]["status"], "{}: {answer:?}", pair["name"]);
    for pointer in pair["volatile"].as_array().unwrap() {
        for body in [&mut answered, &mut documented] {
            *body.pointer_mut(pointer.as_str().unwrap()).unwrap_or(&mut Value::Null) = Value::Null;
        }
    }
    // A shop that offers assistance says so, here as in Commerce.
    if let Some(attributes) = answered.pointer_mut("/extension_attributes").and_then(Value::as_object_mut) {
        attributes.remove("assistance_allowed");
    }
    assert_eq!(answered, documented, "{}", pair["name"]);
}

/// Makes of a demo customer the documentation's, with an address; answers a token.
fn rename(server: &Server, firstname: &str) -> String {
    let token = server.customer_token(RONI, RONIS_PASSWORD);
    let query = "mutation($firstname: String!, $password: String!) { \
                 updateCustomerV2(input: { firstname: $firstname, lastname: \"Doe\" }) { customer { email } } \
                 updateCustomerEmail(email: \"jdoe@example.com\", password: $password) { customer { email } } }";
    let variables = json!({ "firstname": firstname, "password": RONIS_PASSWORD });
    server.graphql(Some(&token), query, variables).data("/updateCustomerEmail");
    server.customer_token("jdoe@example.com", RONIS_PASSWORD)
}

#[test]
fn create_customer() {
    let server = Place::new().start();
    for pair in pairs("createCustomerV2") {
        is_as_documented(&server, &pair, "");
    }
}

#[test]
fn customer() {
    let server = Place::new().demo();
    let token = rename(&server, "John");
    for pair in pairs("customer") {
        is_as_documented(&server, &pair, &token);
    }
}

#[test]
fn update_customer() {
    let server = Place::new().demo();
    let token = server.customer_token(BOB, BOBS_PASSWORD);
    for pair in pairs("updateCustomerV2") {
        is_as_documented(&server, &pair, &token);
    }
}

#[test]
fn update_customer_email() {
    let server = Place::new().demo();
    for pair in pairs("updateCustomerEmail") {
        is_as_documented(&server, &pair, &server.customer_token(RONI, RONIS_PASSWORD));
    }
}

#[test]
fn what_guests_ask() {
    let server = Place::new().demo();
    for pair in ["isEmailAvailable", "storeConfig"].into_iter().flat_map(pairs) {
        is_as_documented(&server, &pair, "");
    }
}

#[test]
fn rest() {
    let server = Place::new().demo();
    let customer = rename(&server, "Jane");
    for pair in pairs("rest-customers-me") {
        is_as_documented(&server, &pair, &customer);
    }
    for pair in pairs("rest-store-websites") {
        is_as_documented(&server, &pair, &server.admin_token(ADMIN));
    }
}
