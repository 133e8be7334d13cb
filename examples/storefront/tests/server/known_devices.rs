//! The secret of a known device: a cookie in a browser, a header of other clients.

use commerce_auth_test_support::authenticator::Authenticator;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{
    letters::{check_raw, mail_about, token},
    support::{
        ADMIN, ADMINS_PASSWORD, Answer, BOB, BOBS_PASSWORD, ENROLLED, Place, RONI, RONIS_PASSWORD, SECRET,
        Server,
    },
};

const CUSTOMER_TOKEN: &str = "/rest/V1/integration/customer/token";
const ADMIN_TOKEN: &str = "/rest/V1/integration/admin/token";
/// It names the address of a client in `X-Forwarded-For`.
const PROXY: [&str; 2] = ["--trusted-proxy", "127.0.0.1"];
const ELSEWHERE: (&str, &str) = ("x-forwarded-for", "203.0.113.9");

fn post(server: &Server, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let headers = [headers, &[("content-type", "application/json")]].concat();
    server.post(path, &headers, &body.to_string())
}

/// A sign-in by GraphQL, and its body.
fn by_graphql(email: &str, password: &str) -> (&'static str, Value) {
    let query = "mutation($email: String!, $password: String!) \
                 { generateCustomerToken(email: $email, password: $password) { token } }";
    ("/graphql", json!({ "query": query, "variables": { "email": email, "password": password } }))
}

fn by_rest(path: &'static str, username: &str, password: &str) -> (&'static str, Value) {
    (path, json!({ "username": username, "password": password }))
}

fn is_signed_in(answer: &Answer) -> bool {
    answer.status == 200 && answer.json().get("errors").is_none()
}

/// The secret of the cookie that an answer sets, which has these flags.
fn secret_set(answer: &Answer, name: &str, flags: &str) -> String {
    let cookie = answer.header("set-cookie").unwrap_or_else(|| panic!("no cookie: {answer:?}"));
    let secret = cookie.strip_prefix(&format!("{name}=")).and_then(|rest| rest.strip_suffix(flags));
    let secret = secret.unwrap_or_else(|| panic!("not {name}=…{flags}: {cookie}")).to_owned();
    assert!(secret.len() == 32 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()), "{secret}");
    assert_eq!(answer.header("x-device-secret"), Some(&*secret), "for clients without cookies");
    secret
}

/// Strangers use up the budget of an account over all sources: six attempts from each of 17 addresses.
fn attack(server: &Server, (path, body): &(&str, Value)) {
    for number in 0..102 {
        let stranger = format!("10.0.0.{}", number / 6);
        let answer = post(server, path, &[("x-forwarded-for", &stranger)], body);
        assert!(!is_signed_in(&answer), "{answer:?}");
    }
}

#[test]
fn a_first_sign_in_sets_the_cookie_and_the_next_one_with_it_does_not() {
    for (arguments, flags) in [
        (&["--demo"][..], "; HttpOnly; SameSite=Strict; Path=/; Max-Age=7776000"),
        (
            &["--demo", "--public-url", "https://shop.example"],
            "; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=7776000",
        ),
    ] {
        let server = Place::new().start_with(arguments);
        for (name, (path, body)) in [
            ("device", by_graphql(BOB, BOBS_PASSWORD)),
            ("device", by_rest(CUSTOMER_TOKEN, RONI, RONIS_PASSWORD)),
            ("admin_device", by_rest(ADMIN_TOKEN, ADMIN, ADMINS_PASSWORD)),
            (
                "admin_device",
                by_rest("/index.php/rest/default/V1/integration/admin/token", ADMIN, ADMINS_PASSWORD),
            ),
        ] {
            let secret = secret_set(&post(&server, path, &[], &body), name, flags);
            let cookies = format!("theme=dark; {name}={secret}; lang=en");
            let again = post(&server, path, &[("cookie", &cookies)], &body);
            assert!(is_signed_in(&again));
            assert_eq!((again.header("set-cookie"), again.header("x-device-secret")), (None, None), "{path}");
            // The header comes first, and the secret of one kind of account is no other's.
            let unknown = ("x-device-secret", "0123456789abcdef0123456789abcdef");
            let other = if name == "device" { "admin_device" } else { "device" };
            let other = format!("{other}={secret}");
            for headers in [&[("cookie", &*cookies), unknown][..], &[("cookie", &*other)]] {
                assert_ne!(secret_set(&post(&server, path, headers, &body), name, flags), secret);
            }
        }
        let code = Authenticator::new(SECRET).unused_code(OffsetDateTime::now_utc()).unwrap();
        secret_set(&server.authenticate(ENROLLED, ADMINS_PASSWORD, &code), "admin_device", flags);
    }
}

#[test]
fn a_refused_sign_in_sets_no_cookie() {
    let server = Place::new().demo();
    for (path, body) in [by_graphql(BOB, "wrong"), by_rest(ADMIN_TOKEN, ADMIN, "wrong")] {
        assert_eq!(post(&server, path, &[], &body).header("set-cookie"), None);
    }
}

#[test]
fn the_cookie_signs_nobody_in() {
    let server = Place::new().demo();
    let flags = "; HttpOnly; SameSite=Strict; Path=/; Max-Age=7776000";
    let cookie = |name: &str, (path, body): (&str, Value)| {
        let secret = secret_set(&post(&server, path, &[], &body), name, flags);
        format!("{name}={secret}")
    };
    let bobs = cookie("device", by_graphql(BOB, BOBS_PASSWORD));
    let admins = cookie("admin_device", by_rest(ADMIN_TOKEN, ADMIN, ADMINS_PASSWORD));
    let cookies = [("cookie", &*format!("{bobs}; {admins}"))];
    for path in ["/rest/V1/customers/me", "/admin/api/me", "/rest/V1/tfa/me"] {
        assert_eq!(server.get(path, &cookies).status, 401, "{path}");
    }
    let customer = json!({ "query": "{ customer { email } }" });
    let refused = post(&server, "/graphql", &cookies, &customer).refusal();
    assert_eq!(refused.1, "graphql-authorization", "{refused:?}");
    // It takes the place of no password.
    for (path, body) in [by_graphql(BOB, "wrong"), by_rest(ADMIN_TOKEN, ADMIN, "wrong")] {
        assert_eq!(post(&server, path, &cookies, &body).status, 401, "{path}");
    }
}

#[test]
fn a_customer_with_the_cookie_signs_in_while_strangers_have_used_up_the_budget() {
    let place = Place::new();
    let server = place.start_with(&[&["--demo"], &PROXY[..]].concat());
    let (path, body) = by_graphql(BOB, BOBS_PASSWORD);
    let at_home = post(&server, path, &[], &body);
    let secret = at_home.header("x-device-secret").unwrap();
    attack(&server, &by_graphql(BOB, "wrong"));
    let is_let_in = |headers: &[(&str, &str)]| {
        is_signed_in(&post(&server, path, &[&[ELSEWHERE], headers].concat(), &body))
    };
    assert!(!is_let_in(&[]));
    assert!(!is_let_in(&[("cookie", "device=0123456789abcdef0123456789abcdef")]));
    assert!(is_let_in(&[("cookie", &format!("device={secret}"))]));
    assert!(is_let_in(&[("x-device-secret", secret)]));

    let mail = mail_about(&place, "Somebody tried your password");
    check_raw(&mail, server.url());
    assert!(mail.contains(&format!("To: {BOB}")), "{mail}");
    assert!(mail.lines().any(|line| line == format!("{}/", server.url())), "{mail}");
}

#[test]
fn an_admin_user_is_unlocked_by_the_mailed_link_once() {
    let place = Place::new();
    let server = place.start_with(&[&["--demo"], &PROXY[..]].concat());
    attack(&server, &by_rest(ADMIN_TOKEN, ADMIN, "wrong"));
    let (path, body) = by_rest(ADMIN_TOKEN, ADMIN, ADMINS_PASSWORD);
    assert_eq!(post(&server, path, &[ELSEWHERE], &body).status, 401, "the account is locked");

    let mail = mail_about(&place, "Somebody tried your password");
    check_raw(&mail, server.url());
    assert!(mail.contains("To: admin <admin-1@staff.storefront.invalid>"), "{mail}");
    let token = token(&mail, &format!("{}/admin#unlock=", server.url()));
    let unlock = |username: &str, token: &str| {
        let asked = json!({ "username": username, "token": token });
        post(&server, "/admin/api/unlock", &[ELSEWHERE], &asked)
    };
    for (username, token) in [("clerk", &*token), (ADMIN, "another"), ("nobody", &*token)] {
        let refused = unlock(username, token);
        assert_eq!(refused.status, 400, "{refused:?}");
    }
    let asked = format!("username={ADMIN}&token={token}");
    let form = [("content-type", "application/x-www-form-urlencoded"), ELSEWHERE];
    assert_eq!(server.post("/admin/api/unlock", &form, &asked).status, 415, "no form of another site");
    assert_eq!(post(&server, path, &[ELSEWHERE], &body).status, 401, "the account is still locked");

    let unlocked = unlock(&format!(" {ADMIN} "), &token);
    assert_eq!((unlocked.status, &*unlocked.text), (204, ""), "{unlocked:?}");
    assert_eq!(post(&server, path, &[ELSEWHERE], &body).status, 200);
    assert_eq!(unlock(ADMIN, &token).status, 400, "it works once");
}
