//! Each documented request, as it is written, and the answer to it.

use std::collections::HashSet;

use commerce_auth::{
    Auth, AuthConfig,
    store::memory::{MemoryCustomers, MemoryStore},
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::runtime::Builder;

use crate::{
    data::{Entry, Request, check_each, entries},
    exceptions,
    looks::difference,
    site::Site,
    support::{ADMINS_PASSWORD, Answer, BOB, BOBS_PASSWORD, RONIS_PASSWORD},
};

/// The values for what the documentation leaves out.
#[derive(Default)]
struct Given {
    /// Instead of the usual customer's token.
    customer_token: Option<String>,
    /// For the part of the request that differs each time.
    volatile: Option<String>,
    /// The code that the admin user's authenticator shows.
    otp: Option<String>,
}

impl Given {
    fn customer_token(token: String) -> Self {
        Self { customer_token: Some(token), ..Self::default() }
    }

    fn volatile(value: String) -> Self {
        Self { volatile: Some(value), ..Self::default() }
    }
}

type Arrange = fn(&Site) -> Given;

/// The preconditions of a request, by the file and the name of its pair. Most requests need only a demo.
const ARRANGED: &[(&str, &str, Arrange)] = &[
    ("createCustomer", "create a customer", free_bobs_address),
    ("createCustomerV2", "create a customer", free_bobs_address),
    ("customer", "basic information", |site| Given::customer_token(doe(site, "John"))),
    ("exchangeOtpForCustomerToken", "a token for a one-time code", |site| {
        let customer = site.server.customer_token("customer@example.com", "password");
        Given::volatile(site.one_time_code(&customer))
    }),
    ("resetPassword", "set a new password", mailed),
    ("rest-customer-token", "token, inventory tutorial", register_doe),
    ("rest-customer-token", "token, order tutorial", register_doe),
    ("rest-tfa-google-activate", "activate", |site| {
        let token = site.enrolment_token();
        let otp = site.authenticator(&token).unused_code(OffsetDateTime::now_utc());
        Given { otp, ..Given::volatile(token) }
    }),
    ("rest-tfa-google-authenticate", "token of an admin", |site| Given {
        otp: Some(enrol(site)),
        ..Given::default()
    }),
    ("rest-tfa-google-configure", "the secret", |site| Given::volatile(site.enrolment_token())),
    ("rest-customers-me", "the caller", |site| Given::customer_token(doe(site, "Jane"))),
    ("rest-customers-resetPassword", "set a new password", mailed),
];

fn mailed(site: &Site) -> Given {
    Given::volatile(site.reset_token())
}

/// Gives the usual admin user an authenticator; answers a code of it.
fn enrol(site: &Site) -> String {
    let token = site.enrolment_token();
    let authenticator = site.authenticator(&token);
    let code = || authenticator.unused_code(OffsetDateTime::now_utc()).unwrap();
    let body = json!({ "tfaToken": token, "otp": code() });
    let activated = site.rest("POST", "/rest/V1/tfa/provider/google/activate", &body);
    assert_eq!(activated.status, 200, "{activated:?}");
    code()
}

/// The documentation creates a customer whom it signs in elsewhere, and who therefore exists.
fn free_bobs_address(site: &Site) -> Given {
    let token = site.server.customer_token(BOB, BOBS_PASSWORD);
    let query = format!(
        r#"mutation {{ updateCustomerEmail(email: "bob@example.com", password: "{BOBS_PASSWORD}") {{ customer {{ email }} }} }}"#
    );
    site.ask(Some(&token), &query).data("/updateCustomerEmail");
    Given::default()
}

/// The documentation's customer of many names, who has an address.
fn doe(site: &Site, firstname: &str) -> String {
    site.rename_roni(firstname, "jdoe@example.com");
    site.server.customer_token("jdoe@example.com", RONIS_PASSWORD)
}

/// Registers the documented customer. The documented password is older than the rules for new ones.
fn register_doe(site: &Site) -> Given {
    let query = r#"mutation { createCustomerV2(input: { firstname: "Jane", lastname: "Doe",
        email: "jdoe@example.com", password: "N3w-password" }) { customer { email } } }"#;
    site.ask(None, query).data("/createCustomerV2");
    let mut config = AuthConfig::commerce();
    config.password_policy.refuse_guessable = false;
    let builder = Auth::builder(MemoryStore::new()).customers(MemoryCustomers::new()).without_notifier();
    let auth = builder.config(config).build().unwrap();
    let runtime = Builder::new_current_thread().build().unwrap();
    let hash = runtime.block_on(auth.hash_new_password("jdoe@example.com", "Password1")).unwrap();
    let hash = hash.expose();
    site.meddle(&format!("UPDATE customers SET password_hash = '{hash}' WHERE email = 'jdoe@example.com'"));
    Given::default()
}

/// Sends the request of a pair as it is documented, with values for its placeholders.
fn send(site: &Site, entry: &Entry) -> Answer {
    send_changed(site, entry, "", "")
}

/// The same with other words in its query or its body.
pub fn send_changed(site: &Site, entry: &Entry, from: &str, to: &str) -> Answer {
    let mut request = entry.request.clone().unwrap();
    if !from.is_empty() {
        let documented = body(&request).unwrap();
        assert!(documented.contains(from), "{documented}");
        request.query = request.query.map(|query| query.replace(from, to));
        request.body = request.body.map(|body| body.to_string().replace(from, to).parse().unwrap());
    }
    let arranged = ARRANGED.iter().find(|(file, name, _)| entry.is_of(file, name));
    let given = arranged.map(|(.., arrange)| arrange(site)).unwrap_or_default();
    send_with(site, entry, request, given)
}

fn send_with(site: &Site, entry: &Entry, mut request: Request, given: Given) -> Answer {
    if let Some(value) = &given.volatile {
        replace_volatile(&mut request, &entry.volatile_request, value);
    }
    let mut texts = vec![request.path.clone()];
    texts.extend(body(&request));
    texts.extend(request.headers.values().map(|value| value.as_str().unwrap().to_owned()));
    // Nobody signs in for a request that shows no token.
    if texts.iter().any(|text| text.contains("<customer-token>")) {
        let token = given.customer_token.unwrap_or_else(|| site.roni());
        texts.iter_mut().for_each(|text| *text = text.replace("<customer-token>", &token));
    }
    if texts.iter().any(|text| text.contains("<admin-token>")) {
        let token = site.admin();
        texts.iter_mut().for_each(|text| *text = text.replace("<admin-token>", &token));
    }
    for (placeholder, value) in [
        ("<admin-password>", ADMINS_PASSWORD),
        ("<otp-value>", given.otp.as_deref().unwrap_or_default()),
        ("<store_code>", "default"),
        (":customerId", "1"),
    ] {
        texts.iter_mut().for_each(|text| *text = text.replace(placeholder, value));
    }
    assert!(!texts.iter().any(|text| text.contains('<')), "a placeholder that is not known: {texts:?}");
    let mut texts = texts.into_iter();
    let path = texts.next().unwrap();
    let body = body(&request).map(|_| texts.next().unwrap());
    let values: Vec<String> = texts.collect();
    let headers: Vec<_> =
        request.headers.keys().map(String::as_str).zip(values.iter().map(String::as_str)).collect();
    site.server.send(&request.method, &path, &headers, body.as_deref())
}

fn body(request: &Request) -> Option<String> {
    let query = request.query.as_ref().map(|query| json!({ "query": query }));
    query.or(request.body.clone()).map(|body| body.to_string())
}

fn replace_volatile(request: &mut Request, volatile: &[String], value: &str) {
    let [volatile] = volatile else { panic!("one volatile part of a request: {volatile:?}") };
    if let Some(query) = &mut request.query {
        let (before, rest) = query.split_once(&format!("{volatile}: \"")).unwrap();
        let (_, after) = rest.split_once('"').unwrap();
        *query = format!("{before}{volatile}: \"{value}\"{after}");
    } else {
        *request.body.as_mut().unwrap().pointer_mut(volatile).unwrap() = Value::from(value);
    }
}

/// How an answer differs from the documented one.
pub fn unlike(entry: &Entry, answer: &Answer) -> Option<String> {
    let documented = entry.response.as_ref().unwrap();
    if answer.status != documented.status {
        return Some(format!("status {} is documented: {answer:?}", documented.status));
    }
    let content_type = answer.header("content-type").unwrap_or_default();
    assert!(content_type.starts_with("application/json"), "{content_type}");
    difference(&documented.body, &answer.json(), &entry.volatile)
}

#[test]
fn each_request_is_answered_as_documented() {
    let mut pairs = entries();
    pairs.retain(|entry| entry.request.is_some());
    assert_eq!(pairs.len(), 36, "so many are documented");
    check_each(&pairs, |pair| {
        let site = Site::demo();
        let answer = send(&site, pair);
        exceptions::judge(&site, pair, &answer, unlike(pair, &answer));
    });
}

#[test]
fn what_is_arranged_is_of_a_pair() {
    let entries = entries();
    let mut seen = HashSet::new();
    for (file, name, _) in ARRANGED {
        assert!(
            entries.iter().any(|entry| entry.request.is_some() && entry.is_of(file, name)),
            "{file}: {name}"
        );
        assert!(seen.insert((file, name)), "{file}: {name} twice");
    }
}
