//! REST: every route, with bodies that are nearly right.

use std::time::Duration;

use axum::body::Body;
use bolero::{TypeGenerator, check};
use http::Request;

use crate::{
    json::{Json, object},
    text::{CANARY, Secret, Text, pick},
    world::{World, header, json, with_world},
};

/// The statuses that `rest::routes` documents.
const STATUSES: [u16; 8] = [200, 204, 400, 401, 404, 413, 415, 429];
/// Length of the longest answer, in bytes. No route returns a list that a request can make longer.
const MAX_ANSWER_BYTES: usize = 16 * 1024;

#[derive(Clone, Debug, TypeGenerator)]
struct Input {
    route: u8,
    prefix: u8,
    /// Another method than the route's, for a few inputs.
    method: u8,
    media: u8,
    token: u8,
    body: Content,
}

#[derive(Clone, Debug, TypeGenerator)]
enum Content {
    AsItIs,
    /// All keys of the route, with values that are mostly right.
    Right([Option<Change>; 3]),
    Fields([Option<(Key, Json)>; 5]),
    /// The same, truncated.
    Cut([Option<(Key, Json)>; 5], u8),
    Value(Json),
    Bytes(Vec<u8>),
    Text(Text),
    None,
}

/// One change of a right body: another value, or one field more or less.
#[derive(Clone, Debug, TypeGenerator)]
enum Change {
    Value(u8, Json),
    More(Key, Json),
    /// The same field again, in the other case.
    Twice(u8),
    Snake(u8),
    Left(u8),
}

#[derive(Clone, Debug, TypeGenerator)]
enum Key {
    Known(u8),
    Snake(u8),
    Odd(Text),
    Secret(Secret),
}

/// Methods, paths and keys.
const ROUTES: [(&str, &str, &[&str]); 22] = [
    ("POST", "/V1/integration/customer/token", &["username", "password"]),
    ("POST", "/V1/integration/customer/revoke-customer-token", &[]),
    ("POST", "/V1/integration/admin/token", &["username", "password"]),
    ("POST", "/V1/tfa/provider/google/authenticate", &["username", "password", "otp"]),
    ("POST", "/V1/tfa/provider/google/configure", &["tfaToken"]),
    ("POST", "/V1/tfa/provider/google/activate", &["tfaToken", "otp"]),
    ("POST", "/V1/customer/1/otp", &["reason"]),
    ("POST", "/V1/customer/1%00/otp", &["reason"]),
    ("POST", "/V1/customer/%FF/otp", &["reason"]),
    ("PUT", "/V1/customers/me/password", &["currentPassword", "newPassword"]),
    ("PUT", "/V1/customers/password", &["email", "template", "websiteId"]),
    ("POST", "/V1/customers/resetPassword", &["email", "resetToken", "newPassword"]),
    ("POST", "/V1/customers/isEmailAvailable", &["customerEmail", "websiteId"]),
    ("PUT", "/V1/customers/me/activate", &["confirmationKey"]),
    ("GET", "/V1/customers/1/password/resetLinkToken/a", &[]),
    ("GET", "/V1/customers/1%00/password/resetLinkToken/%FF", &[]),
    ("POST", "/V1/tfa/me/enrolment", &[]),
    ("POST", "/V1/tfa/me/activate", &["tfaToken", "otp"]),
    ("GET", "/V1/tfa/me", &[]),
    ("POST", "/V1/tfa/me/recovery-codes", &[]),
    ("POST", "/V1/tfa/me/step-up", &["otp"]),
    ("PUT", "/V1/admins/me/password", &["currentPassword", "newPassword"]),
];
const KEYS: [&str; 11] = [
    "username",
    "password",
    "otp",
    "tfaToken",
    "reason",
    "currentPassword",
    "newPassword",
    "email",
    "template",
    "websiteId",
    "resetToken",
];
const PREFIXES: [&str; 8] = [
    "/rest",
    "/rest",
    "/rest",
    "/rest/default",
    "/rest/default",
    "/rest/fr",
    "/rest/%F0%9F%A6%80",
    "/rest/%FF",
];
const METHODS: [&str; 5] = ["GET", "PUT", "POST", "DELETE", "PATCH"];
const TYPES: [&str; 6] = [
    "application/json; charset=utf-8",
    "text/plain",
    "multipart/form-data; boundary=x",
    "application/xml",
    "",
    "a/+json",
];

#[test]
fn every_request_is_answered() {
    check!()
        .with_type::<Input>()
        .with_test_time(Duration::from_secs(1))
        .for_each(|input| with_world(|world| input.send(world)));
}

impl Input {
    fn send(&self, world: &World) {
        let (method, path, keys) = pick(&ROUTES, self.route);
        let method = if self.method.is_multiple_of(16) { pick(&METHODS, self.method / 16) } else { method };
        let media =
            if self.media.is_multiple_of(8) { pick(&TYPES, self.media / 8) } else { "application/json" };
        let token = match self.token % 4 {
            0 => Some(&world.customer),
            1 => Some(&world.admin),
            _ => None,
        };
        let mut body = self.body.bytes(keys);
        if path == "/V1/customers/password" {
            // The route takes no password, and its answer repeats an unknown template, as Commerce
            // does.
            body = String::from_utf8_lossy(&body).replace(CANARY, "email_canary").into_bytes();
        }
        let request = || {
            let mut request =
                Request::builder().method(method).uri(format!("{}{path}", pick(&PREFIXES, self.prefix)));
            if let Some(token) = token.and_then(|token| header(format!("Bearer {token}").as_bytes())) {
                request = request.header("authorization", token);
            }
            request.header("content-type", media).body(Body::from(body.clone())).unwrap()
        };
        let answer = world.answer(body.len(), request, &STATUSES);
        let limit = MAX_ANSWER_BYTES;
        assert!(answer.text.len() <= limit, "{} bytes: {:.2000}", answer.text.len(), answer.text);
        let json = json(&answer);
        if answer.status.is_client_error() {
            let message = json.as_ref().and_then(|json| json["message"].as_str());
            assert!(message.is_some_and(|message| message.len() <= 512), "{json:?}");
        }
    }
}

impl Content {
    fn bytes(&self, keys: &[&str]) -> Vec<u8> {
        let fields = |fields: &[Option<(Key, Json)>]| {
            object(fields.iter().flatten().map(|(key, value)| (key.text(), value.text())))
        };
        match self {
            Self::AsItIs => right(keys, &[]).into_bytes(),
            Self::Right(changes) => right(keys, changes).into_bytes(),
            Self::Fields(all) => fields(all).into_bytes(),
            Self::Cut(all, cut) => {
                let mut body = fields(all).into_bytes();
                body.truncate(body.len().saturating_sub((*cut).into()));
                body
            }
            Self::Value(value) => value.text().into_bytes(),
            Self::Bytes(bytes) => bytes.clone(),
            Self::Text(text) => text.text().into_bytes(),
            Self::None => Vec::new(),
        }
    }
}

fn right(keys: &[&str], changes: &[Option<Change>]) -> String {
    let value = |key: &str| match key {
        "username" | "email" => Json::Text(Text::Known(0)),
        "otp" => Json::Int(123_456),
        "websiteId" => Json::Int(1),
        "template" => Json::Text(Text::Known(11)),
        "currentPassword" => Json::Text(Text::Known(1)),
        _ => Json::Secret(Secret::Canary),
    };
    let mut fields: Vec<_> = keys.iter().map(|key| ((*key).to_owned(), value(key))).collect();
    for change in changes.iter().flatten() {
        let place = |number: u8| usize::from(number) % fields.len().max(1);
        match change {
            Change::Value(number, value) => {
                let place = place(*number);
                fields.iter_mut().skip(place).take(1).for_each(|field| field.1 = value.clone());
            }
            Change::More(key, value) => fields.push((key.text(), value.clone())),
            Change::Twice(number) => {
                let again = fields.get(place(*number)).cloned();
                fields.extend(
                    again.map(|(key, value)| (if number % 2 == 0 { snake(&key) } else { key }, value)),
                );
            }
            Change::Snake(number) => {
                let place = place(*number);
                fields.iter_mut().skip(place).take(1).for_each(|field| field.0 = snake(&field.0));
            }
            Change::Left(number) => {
                let place = place(*number);
                fields.drain(place.min(fields.len())..(place + 1).min(fields.len()));
            }
        }
    }
    object(fields.into_iter().map(|(key, value)| (key, value.text())))
}

impl Key {
    fn text(&self) -> String {
        match self {
            Self::Known(number) => pick(&KEYS, *number).to_owned(),
            Self::Snake(number) => snake(pick(&KEYS, *number)),
            Self::Odd(text) => text.text(),
            Self::Secret(secret) => secret.text(),
        }
    }
}

fn snake(key: &str) -> String {
    let letters = key.chars().flat_map(|letter| {
        let low = letter.is_ascii_uppercase().then_some('_');
        low.into_iter().chain([letter.to_ascii_lowercase()])
    });
    letters.collect()
}
