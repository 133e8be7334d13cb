//! Mails as they are in their files: what is to be copied stands in one piece, and every address is written to.

use commerce_auth_test_support::authenticator::Authenticator;
use rusqlite::Connection;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::support::{ADMIN, ADMINS_PASSWORD, BOB, BOBS_PASSWORD, Place, Server, wait_until};

/// A public address of so many bytes.
fn public_url(bytes: usize) -> String {
    let mut url = "https://shop.example/eu/de/".to_owned();
    while url.len() < bytes {
        url.push(if url.len() % 40 == 39 && url.len() + 1 < bytes { '/' } else { 'x' });
    }
    url
}

pub fn mail_about(place: &Place, subject: &str) -> String {
    wait_until(subject, || place.mails().into_iter().find(|mail| self::subject(mail) == subject))
}

fn subject(mail: &str) -> &str {
    mail.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap()
}

fn body(mail: &str) -> &str {
    mail.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no body: {mail}")).1
}

/// The rest of the line of a link, after its beginning.
pub fn token(mail: &str, link: &str) -> String {
    let line = body(mail).lines().find_map(|line| line.strip_prefix(link));
    line.unwrap_or_else(|| panic!("no line {link}…: {mail}")).to_owned()
}

/// Nothing of a mail has to be decoded, and only a link may be longer than a line of prose.
pub fn check_raw(mail: &str, url: &str) {
    let (headers, body) = mail.split_once("\r\n\r\n").unwrap();
    let has = |header: &str| headers.lines().any(|line| line == header);
    assert!(has("MIME-Version: 1.0"), "{mail}");
    let encoding = if mail.is_ascii() { "7bit" } else { "8bit" };
    assert!(has(&format!("Content-Transfer-Encoding: {encoding}")), "{mail}");
    assert!(!mail.contains("=3D") && !mail.contains("=\r\n"), "quoted-printable: {mail}");
    assert!(!mail.replace("\r\n", "").contains(['\r', '\n']), "lines end with CRLF: {mail}");
    for line in body.lines() {
        assert!(line.len() <= 998, "{line}");
        assert!(line.chars().count() < 76 || line.starts_with(url), "{line}");
        if let Some((before, _)) = line.split_once(url) {
            assert_eq!(before, "", "a link has a line of its own: {line}");
            assert!(!line.contains(' '), "a link has a line of its own: {line}");
        }
    }
}

fn code(authenticator: &Authenticator) -> String {
    authenticator.unused_code(OffsetDateTime::now_utc()).unwrap()
}

fn ask(server: &Server, token: Option<&str>, query: &str, variables: Value) {
    let answer = server.graphql(token, query, variables);
    assert!(answer.json().get("errors").is_none(), "{answer:?}");
}

/// Sets up an authenticator with the token of a mail; answers a recovery code, and an admin user's token by code.
fn enrol(server: &Server, enrolment: &str) -> (String, String) {
    let configured =
        server.post_json("/rest/V1/tfa/provider/google/configure", None, &json!({ "tfaToken": enrolment }));
    let authenticator = Authenticator::new(configured.json()["secret_code"].as_str().unwrap());
    let sent = json!({ "tfaToken": enrolment, "otp": code(&authenticator) });
    let activated = server.post_json("/rest/V1/tfa/me/activate", None, &sent).json();
    let signed_in = server.authenticate(ADMIN, ADMINS_PASSWORD, &code(&authenticator)).json();
    let recovery = activated["recovery_codes"][0].as_str().unwrap().to_owned();
    (recovery, signed_in.as_str().unwrap().to_owned())
}

const CONSENT: &str = "mutation($allowed: Boolean) { updateCustomerV2(input: \
                       { allow_remote_shopping_assistance: $allowed }) { customer { email } } }";
const ASSIST: &str = "mutation($email: String!, $reason: String) { generateCustomerTokenAsAdmin(input: \
                      { customer_email: $email, reason: $reason }) { customer_token } }";

#[test]
fn every_letter_can_be_read_and_copied_as_it_is() {
    for bytes in [55, 76, 900] {
        let (place, url) = (Place::new(), public_url(bytes));
        let server = place.start_with(&["--demo", "--admin-2fa", "required", "--public-url", &url]);

        ask(&server, None, &format!("mutation {{ requestPasswordResetEmail(email: \"{BOB}\") }}"), json!({}));
        let reset = mail_about(&place, "Set a new password");
        let reset_token = token(&reset, &format!("{url}/#reset="));
        assert_eq!(body(&reset).lines().filter(|line| *line == reset_token).count(), 1, "the code: {reset}");
        let query = "mutation($token: String!, $email: String!) { resetPassword(email: $email, \
                     resetPasswordToken: $token, newPassword: \"An0ther-Password\") }";
        ask(&server, None, query, json!({ "email": BOB, "token": reset_token }));
        let bob = server.customer_token(BOB, "An0ther-Password");
        let query = "mutation { changeCustomerPassword(currentPassword: \"An0ther-Password\", \
                     newPassword: \"Yet-An0ther\") { email } }";
        ask(&server, Some(&bob), query, json!({}));

        assert_eq!(server.admin_sign_in(ADMIN, ADMINS_PASSWORD).status, 400);
        let enrolment = mail_about(&place, "Set up your authenticator");
        let enrolment_token = token(&enrolment, &format!("{url}/admin#enrol="));
        let alone = body(&enrolment).lines().filter(|line| *line == enrolment_token).count();
        assert_eq!(alone, 1, "the token: {enrolment}");
        let (recovery, admin) = enrol(&server, &enrolment_token);

        ask(&server, Some(&bob), CONSENT, json!({ "allowed": true }));
        ask(&server, Some(&admin), ASSIST, json!({ "email": BOB, "reason": "ticket 4711" }));
        let began = mail_about(&place, "You are being assisted");
        assert!(body(&began).lines().any(|line| line == format!("{url}/")), "{began}");
        ask(&server, Some(&bob), CONSENT, json!({ "allowed": false }));

        assert_eq!(server.post_json("/rest/V1/tfa/me/recovery-codes", Some(&admin), &json!({})).status, 200);
        let _ = server.authenticate(ADMIN, ADMINS_PASSWORD, &recovery);
        let headers = [("content-type", "application/json"), ("authorization", &format!("Bearer {admin}"))];
        let change = json!({ "currentPassword": ADMINS_PASSWORD, "newPassword": "An0therAdm1n" }).to_string();
        let changed = server.send("PUT", "/rest/V1/admins/me/password", &headers, Some(&change));
        assert_eq!(changed.status, 200, "{changed:?}");
        assert!(place.run(&["remove-admin-2fa", "--username", ADMIN], "").status.success());
        server.terminate();

        let mails = place.mails();
        let mut subjects: Vec<_> = mails.iter().map(|mail| subject(mail)).collect();
        subjects.sort_unstable();
        subjects.dedup();
        for kind in [
            "Set a new password",
            "Set up your authenticator",
            "Shopping assistance",
            "You are being assisted",
            "You are no longer being assisted",
            "Your authenticator",
            "Your new password",
            "Your recovery codes",
        ] {
            assert!(subjects.contains(&kind), "{kind}: {subjects:?}");
        }
        for mail in &mails {
            check_raw(mail, &url);
        }
    }
}

#[test]
fn a_recovery_code_is_told_of_in_short_lines() {
    let place = Place::new();
    let server = place.start_with(&["--demo", "--admin-2fa", "required"]);
    server.admin_sign_in(ADMIN, ADMINS_PASSWORD);
    let enrolment = mail_about(&place, "Set up your authenticator");
    let (recovery, _) = enrol(&server, &token(&enrolment, &format!("{}/admin#enrol=", server.url())));
    assert_eq!(server.authenticate(ADMIN, ADMINS_PASSWORD, &recovery).status, 200);
    check_raw(&mail_about(&place, "A recovery code was used"), server.url());
}

#[test]
fn what_people_write_comes_through() {
    let place = Place::new();
    let name = "Ölga Østergård";
    place.demo().terminate();
    assert!(place.run(&["create-admin", "--username", name], "Adm1nPassw0rd\n").status.success());
    let server = place.start();
    let admin = server.admin_token(name);
    let long_word = "靴".repeat(300);
    let prose = "Die Größe passt nicht — 靴のサイズ, “naïve” ✂ ".repeat(5);
    for reason in [prose.trim(), &long_word, &"x".repeat(1024)] {
        ask(&server, Some(&admin), ASSIST, json!({ "email": "customer1@mail.com", "reason": reason }));
        let squeezed = |text: &str| text.split_whitespace().collect::<String>();
        let mail = wait_until("the mail", || {
            place.mails().into_iter().find(|mail| squeezed(body(mail)).contains(&squeezed(reason)))
        });
        check_raw(&mail, server.url());
        assert!(mail.contains("Content-Type: text/plain; charset=utf-8\r\n"), "{mail}");
    }
    server.terminate();
    // The name of an admin user stands in a header, which is ASCII.
    let server = place.start_with(&["--admin-2fa", "required"]);
    assert_eq!(server.admin_sign_in(name, ADMINS_PASSWORD).status, 400);
    let mail = mail_about(&place, "Set up your authenticator");
    let (headers, _) = mail.split_once("\r\n\r\n").unwrap();
    assert!(headers.is_ascii() && headers.contains("=?utf-8?"), "{headers}");
}

#[test]
fn a_mail_is_written_to_every_address_that_registers() {
    let place = Place::new();
    let server = place.start();
    let create = "mutation($input: CustomerCreateInput!) { createCustomerV2(input: $input) \
                  { customer { email } } }";
    let request = "mutation($email: String!) { requestPasswordResetEmail(email: $email) }";
    for (address, to) in [
        ("try..this..0511@docomo.example", "\"try..this..0511\"@docomo.example"),
        ("last.@docomo.example", "\"last.\"@docomo.example"),
        (".first@docomo.example", "\".first\"@docomo.example"),
        ("kunde@bücher.example", "kunde@xn--bcher-kva.example"),
        ("jörg@example.com", "jörg@example.com"),
    ] {
        let input = json!({ "email": address, "firstname": "Nora", "lastname": "New" });
        ask(&server, None, create, json!({ "input": input }));
        ask(&server, None, request, json!({ "email": address }));
        let mail = wait_until(address, || {
            place.mails().into_iter().find(|mail| mail.lines().any(|line| line == format!("To: {to}")))
        });
        let reset = token(&mail, &format!("{}/#reset=", server.url()));
        let query = "mutation($token: String!, $email: String!) { resetPassword(email: $email, \
                     resetPasswordToken: $token, newPassword: \"An0ther-Password\") }";
        ask(&server, None, query, json!({ "email": address, "token": reset }));
        server.customer_token(address, "An0ther-Password");
    }
}

/// Accounts from elsewhere have addresses that nobody can register here.
#[test]
fn who_cannot_be_written_to_signs_in_and_is_told_of_once() {
    let place = Place::new();
    let server = place.demo();
    let table = Connection::open(place.path().join("storefront.db")).unwrap();
    table.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    for address in ["canary@-a.example", "canary@localhost"] {
        let change = "UPDATE customers SET email = ?1, canonical_email = ?1 WHERE id = '2'";
        assert_eq!(table.execute(change, [address]).unwrap(), 1);
        server.customer_token(address, BOBS_PASSWORD);
        let request = "mutation($email: String!) { requestPasswordResetEmail(email: $email) }";
        ask(&server, None, request, json!({ "email": address }));
    }
    let mail = mail_about(&place, "Set a new password");
    assert!(mail.contains("To: canary@localhost\r\n"), "{mail}");
    let (_, _, log) = server.terminate();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("a mail could not be delivered")).collect();
    let [line] = lines[..] else { panic!("{lines:?}") };
    assert!(line.contains("customer:"), "{line}");
    for secret in ["canary", "-a.example", "reset="] {
        assert_eq!(log.lines().find(|line| line.contains(secret)), None, "{secret}");
    }
}
