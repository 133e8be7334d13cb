use commerce_auth_test_support::authenticator::Authenticator;
use serde_json::json;
use time::OffsetDateTime;

use crate::support::{ADMIN, ADMINS_PASSWORD, Place};

const PASSWORD: &str = "Canary-Passw0rd-1";
const NEW_PASSWORD: &str = "Canary-Passw0rd-2";
const WRONG_PASSWORD: &str = "Canary-Passw0rd-3";
const EMAIL: &str = "canary@example.com";

#[test]
fn no_secret_is_logged_as_json() {
    no_secret_is_logged("json");
}

#[test]
fn no_secret_is_logged_as_text() {
    no_secret_is_logged("text");
}

/// Everything is done once with secrets that are known here, and the log, at its most talkative, has none of them.
fn no_secret_is_logged(format: &str) {
    let place = Place::new();
    place.run(&["create-admin", "--username", ADMIN], &format!("{ADMINS_PASSWORD}\n"));
    let server = place.start_with(&["--log", format]);
    let ask = |token: Option<&str>, query: &str| server.graphql(token, query, json!({}));

    ask(
        None,
        &format!(
            "mutation {{ createCustomerV2(input: {{ email: \"{EMAIL}\", firstname: \"C\", lastname: \"C\", \
         password: \"{PASSWORD}\", allow_remote_shopping_assistance: true }}) {{ customer {{ email }} }} }}"
        ),
    )
    .data("/createCustomerV2");
    let signed_in = server.sign_in(EMAIL, PASSWORD);
    let first = signed_in.data("/generateCustomerToken/token").as_str().unwrap().to_owned();
    let device = signed_in.header("x-device-secret").unwrap();
    server.get("/", &[("cookie", &format!("device={device}"))]);
    server.sign_in(EMAIL, WRONG_PASSWORD);
    // Where no secret belongs, and clients put them nevertheless.
    server.get(&format!("/graphql?query=%7Bx%7D&password={WRONG_PASSWORD}&token={first}"), &[]);
    server.get(&format!("/rest/V1/customers/me?access_token={first}"), &[("x-password", WRONG_PASSWORD)]);
    let body = json!({ "username": [WRONG_PASSWORD], "password": WRONG_PASSWORD, "otp": WRONG_PASSWORD });
    server.post_json("/rest/V1/integration/customer/token", Some(&first), &body);
    server.post(
        "/rest/V1/integration/customer/token",
        &[("content-type", "application/json")],
        WRONG_PASSWORD,
    );
    server.post("/graphql", &[("content-type", "application/json")], WRONG_PASSWORD);
    ask(
        None,
        &format!(
            "mutation {{ generateCustomerToken(email: \"{EMAIL}\", pass: \"{WRONG_PASSWORD}\") {{ token }} }}"
        ),
    );
    let form = [("content-type", "application/x-www-form-urlencoded"), ("origin", server.url())];
    server.post("/assist", &form, &format!("email={EMAIL}&otp={WRONG_PASSWORD}"));

    let admin = server.admin_token(ADMIN);
    let code = server.post_json("/rest/V1/customer/1/otp", Some(&admin), &json!({ "reason": "ticket 4711" }));
    let code = code.json()["otp"].as_str().unwrap().to_owned();
    let assisting = server.customer_token(EMAIL, &code);
    assert_eq!(server.sign_in(EMAIL, &code).status, 401, "it works once");

    let change = format!(
        "mutation {{ changeCustomerPassword(currentPassword: \"{PASSWORD}\", newPassword: \"{NEW_PASSWORD}\") \
         {{ email }} }}"
    );
    ask(Some(&first), &change).data("/changeCustomerPassword/email");
    ask(None, &format!("mutation {{ requestPasswordResetEmail(email: \"{EMAIL}\") }}"));
    let mails = crate::support::wait_until("the reset mail", || {
        Some(place.mails()).filter(|mails| mails.iter().any(|mail| mail.contains("#reset=")))
    });
    let mail = mails.iter().find(|mail| mail.contains("#reset=")).unwrap();
    let reset = mail.split_once("#reset=").unwrap().1.split_whitespace().next().unwrap().to_owned();
    server.get(&format!("/rest/V1/customers/1/password/resetLinkToken/{reset}"), &[]);
    server.get(&format!("/index.php/rest/default/V1/customers/1/password/resetLinkToken/{reset}/?x"), &[]);
    ask(
        None,
        &format!(
            "mutation {{ confirmEmail(input: {{ email: \"{EMAIL}\", confirmation_key: \"{WRONG_PASSWORD}\" }}) \
             {{ customer {{ email }} }} }}"
        ),
    );
    ask(None, &format!(
        "mutation {{ resetPassword(email: \"{EMAIL}\", resetPasswordToken: \"{reset}\", newPassword: \"{PASSWORD}\") }}"
    ))
    .data("/resetPassword");

    let begun = server.post_json("/rest/V1/tfa/me/enrolment", Some(&admin), &json!({})).json();
    let enrolment = begun["tfa_token"].as_str().unwrap();
    let body = json!({ "tfaToken": enrolment });
    let setup = server.post_json("/rest/V1/tfa/provider/google/configure", None, &body).json();
    let secret = setup["secret_code"].as_str().unwrap();
    let authenticator = Authenticator::new(secret);
    let unused = || authenticator.unused_code(OffsetDateTime::now_utc()).unwrap();
    let body = json!({ "tfaToken": enrolment, "otp": unused() });
    let recovery =
        server.post_json("/rest/V1/tfa/me/activate", None, &body).json()["recovery_codes"][0].clone();
    let recovery = recovery.as_str().unwrap();
    let by_code = server.authenticate(ADMIN, ADMINS_PASSWORD, &unused()).json();
    let by_code = by_code.as_str().unwrap();
    assert_eq!(server.authenticate(ADMIN, ADMINS_PASSWORD, recovery).status, 200);

    let (_, printed, log) = server.terminate();
    assert!(log.contains("sign_in") || log.contains("SignIn"), "the log tells of sign-ins: {log}");
    let secrets = [
        PASSWORD,
        NEW_PASSWORD,
        WRONG_PASSWORD,
        ADMINS_PASSWORD,
        EMAIL,
        &first,
        device,
        &admin,
        &code,
        &assisting,
        &reset,
        enrolment,
        secret,
        recovery,
        by_code,
    ];
    for secret in secrets {
        for text in [&printed, &log] {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret}");
        }
    }
}
