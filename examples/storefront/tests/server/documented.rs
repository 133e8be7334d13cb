//! The documented examples of the host's own operations, verbatim: request in, response out. Those of the crate's are tested
//! beside the crate.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::support::{ADMIN, Answer, BOB, BOBS_PASSWORD, Place, RONI, RONIS_PASSWORD, Server};

fn documented(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/wire/documented").join(file)
}

/// The documented pairs of an operation that this shop answers.
fn pairs(operation: &str) -> Vec<Value> {
    let text = fs::read_to_string(documented(&format!("{operation}.json"))).unwrap();
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

/// A type as the schema language writes it.
fn written(type_ref: &Value) -> String {
    match type_ref["kind"].as_str().unwrap() {
        "NON_NULL" => format!("{}!", written(&type_ref["ofType"])),
        "LIST" => format!("[{}]", written(&type_ref["ofType"])),
        _ => type_ref["name"].as_str().unwrap().into(),
    }
}

/// Every field of every type that the server tells of, as `Type.field(arguments): Type`.
fn signatures(server: &Server) -> BTreeSet<String> {
    let query = "{ __schema { types { name \
                 fields(includeDeprecated: true) { name type { ...T } args { name type { ...T } } } \
                 inputFields { name type { ...T } } enumValues { name } } } } \
                 fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
    let types = server.graphql(None, query, json!({})).data("/__schema/types");
    let named = |field: &Value| format!("{}: {}", field["name"].as_str().unwrap(), written(&field["type"]));
    let mut signatures = BTreeSet::new();
    for of_type in types.as_array().unwrap() {
        let list = |key: &str| of_type[key].as_array().cloned().unwrap_or_default();
        let owner = of_type["name"].as_str().unwrap();
        for field in list("fields") {
            let args: Vec<_> = field["args"].as_array().unwrap().iter().map(named).collect();
            let args = if args.is_empty() { String::new() } else { format!("({})", args.join(", ")) };
            let (name, answer) = (field["name"].as_str().unwrap(), written(&field["type"]));
            signatures.insert(format!("{owner}.{name}{args}: {answer}"));
        }
        for field in list("inputFields") {
            signatures.insert(format!("{owner}.{}", named(&field)));
        }
        for value in list("enumValues") {
            signatures.insert(format!("{owner}.{}", value["name"].as_str().unwrap()));
        }
    }
    signatures
}

#[test]
fn the_schema_has_every_documented_signature() {
    let server = Place::new().start();
    let told = signatures(&server);
    let schema = fs::read_to_string(documented("schema.graphqls")).unwrap();
    let mut owner = String::new();
    let (mut compared, mut missing) = (0, Vec::new());
    for line in schema.lines().map(|line| line.trim_end_matches(" @deprecated").trim()) {
        if let Some(opened) = line.strip_suffix(" {") {
            owner = opened.rsplit(' ').next().unwrap().into();
        } else if !line.is_empty() && !line.starts_with('#') && line != "}" {
            let signature = format!("{owner}.{line}");
            compared += 1;
            if !told.contains(&signature) {
                missing.push(signature);
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "{told:#?}");
    assert!(compared > 80, "{compared} were documented");
}
