//! GraphQL by POST and GET.

use std::time::Duration;

use axum::body::Body;
use bolero::{TypeGenerator, check};
use http::{HeaderValue, Request};
use support::site::Answer;

use crate::{
    document::{Document, Written},
    json::{Json, object, quoted},
    text::{CANARY, boundary, pick},
    world::{World, header, with_world},
};

/// The statuses that `graphql::endpoint` and Commerce document, and 405 for a mutation by GET.
const STATUSES: [u16; 7] = [200, 400, 401, 403, 405, 413, 415];
/// Length of the longest answer, in bytes: some 500 selections, each with an error.
const MAX_ANSWER_BYTES: usize = 512 * 1024;
/// Length of the longest error message, in bytes: async-graphql's messages are cut to 512 bytes.
const MAX_MESSAGE_BYTES: usize = 512;
/// Length of the longest URI that the HTTP crate accepts, in bytes.
const MAX_URI_BYTES: usize = 60_000;

#[derive(Clone, Debug, TypeGenerator)]
struct Input {
    document: Document,
    variables: Option<[Option<(u8, Json)>; 3]>,
    extensions: Option<Json>,
    operation: Option<u8>,
    way: Way,
    accept: u8,
    token: u8,
}

#[derive(Clone, Debug, TypeGenerator)]
enum Way {
    Post,
    Get,
    /// Another content type than JSON, or a truncated body.
    Odd(u8, u16),
}

const ACCEPTS: [&str; 7] = [
    "application/json",
    "application/graphql-response+json",
    "",
    "*/*",
    "text/html",
    "application/graphql-response+json;q=0, */*",
    ";;q=,",
];
const TYPES: [&str; 5] = [
    "application/json; charset=utf-8",
    "text/plain",
    "multipart/form-data; boundary=x",
    "application/xml",
    "",
];
/// The canary is for `s`.
const VARIABLES: [&str; 6] = ["s", "v", "w", "", "a.b", "__proto__"];
const OPERATIONS: [&str; 4] = ["M", "", "Other", "F"];

#[test]
fn every_request_is_answered() {
    check!().with_type::<Input>().with_test_time(Duration::from_secs(1)).for_each(|input| {
        let document = input.document.write();
        let is_too_much = document.is_too_much && matches!(input.way, Way::Post | Way::Get);
        if let Some(answer) = with_world(|world| input.send(world, &document)) {
            judge(&document.query, is_too_much, &answer);
        }
    });
}

/// Checks an answer to a document.
pub fn judge(query: &str, is_too_much: bool, answer: &Answer) {
    let json = answer.json();
    assert!(answer.text.len() <= MAX_ANSWER_BYTES, "{} bytes to {query:.2000}", answer.text.len());
    assert!(json.get("data").is_some() || json.get("errors").is_some(), "{json}");
    let refused_before = [401, 405, 413].contains(&answer.status.as_u16());
    assert!(answer.status == 400 || refused_before || !is_too_much, "{} to {query:.2000}", answer.status);
    for error in json["errors"].as_array().into_iter().flatten() {
        let message = error["message"].as_str().expect("a message");
        assert!(message.len() <= MAX_MESSAGE_BYTES, "{message}");
        let category = &error["extensions"]["category"];
        assert!(!is_too_much || refused_before || category == "graphql-input", "{error} to {query:.2000}");
    }
}

impl Input {
    /// Returns none if no client could send the request.
    fn send(&self, world: &World, document: &Written) -> Option<Answer> {
        let token = match self.token % 8 {
            0 | 1 => Some(&world.customer),
            2 => Some(&world.admin),
            _ => None,
        };
        let request = match &self.way {
            Way::Post => self.post(document, "application/json", None),
            Way::Odd(media, cut) => self.post(document, pick(&TYPES, *media), Some(*cut)),
            Way::Get => self.get(document)?,
        };
        let (mut parts, body) = request.into_parts();
        if let Some(token) = token {
            parts.headers.insert("authorization", header(format!("Bearer {token}").as_bytes())?);
        }
        if !self.accept.is_multiple_of(16) {
            parts.headers.insert("accept", HeaderValue::from_static(pick(&ACCEPTS, self.accept)));
        }
        let length = parts.uri.path_and_query().map_or(0, |uri| uri.as_str().len()) + body.len();
        let build = || Request::from_parts(parts.clone(), Body::from(body.clone()));
        Some(world.answer(length, build, &STATUSES))
    }

    fn parameters(&self, keeps_secrets: bool) -> Vec<(&'static str, String)> {
        let variable = |(name, value): &(u8, Json)| {
            let (name, value) = (pick(&VARIABLES, *name), value.text());
            let may_be_secret = keeps_secrets && name == "s";
            (name.to_owned(), if may_be_secret { value } else { value.replace(CANARY, "x") })
        };
        let variables = self.variables.as_ref();
        let variables = variables.map(|variables| object(variables.iter().flatten().map(variable)));
        let extensions = self.extensions.as_ref().map(Json::text);
        let parameters = [("variables", variables), ("extensions", extensions)];
        parameters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    fn post(&self, document: &Written, media: &'static str, cut: Option<u16>) -> Request<String> {
        let mut fields = vec![("query".to_owned(), quoted(&document.query))];
        fields.extend(self.operation.map(|name| ("operationName".into(), quoted(pick(&OPERATIONS, name)))));
        fields.extend(
            self.parameters(document.keeps_secrets).into_iter().map(|(name, value)| (name.to_owned(), value)),
        );
        let mut body = object(fields.into_iter());
        if let Some(cut) = cut {
            let end = boundary(&body, body.len().saturating_sub(cut.into()));
            body.truncate(end);
        }
        Request::post("/graphql").header("content-type", media).body(body).unwrap()
    }

    fn get(&self, document: &Written) -> Option<Request<String>> {
        let mut uri = format!("/graphql?query={}", escaped(&document.query));
        for (name, value) in self.parameters(document.keeps_secrets) {
            uri.push_str(&format!("&{name}={}", escaped(&value)));
        }
        if let Some(name) = self.operation {
            uri.push_str(&format!("&operationName={}", pick(&OPERATIONS, name)));
        }
        (uri.len() < MAX_URI_BYTES).then(|| Request::get(uri).body(String::new()).unwrap())
    }
}

/// Escapes a text for the query of a URI.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => escaped.push('+'),
            b'[' | b']' | b'{' | b'}' | b'(' | b')' | b':' | b'$' | b'@' | b'!' | b'.' | b',' => {
                escaped.push(char::from(byte));
            }
            _ if byte.is_ascii_alphanumeric() => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// Sends a document by POST to a new shop, without a token, and checks the answer.
pub fn post(query: &str, is_too_much: bool) -> Answer {
    let body = serde_json::json!({ "query": query }).to_string();
    let request = || {
        Request::post("/graphql")
            .header("content-type", "application/json")
            .body(Body::from(body.clone()))
            .unwrap()
    };
    let answer = with_world(|world| world.answer(body.len(), request, &STATUSES));
    judge(query, is_too_much, &answer);
    answer
}
