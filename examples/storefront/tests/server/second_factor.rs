//! Admin users' second factors, as the storefront keeps and removes them.

use commerce_auth_test_support::authenticator::Authenticator;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::support::{ADMIN, ADMINS_PASSWORD, Answer, ENROLLED, Place, SECRET, Server};

const REQUIRED: &[&str] = &["--demo", "--admin-2fa", "required"];

fn code(authenticator: &Authenticator) -> String {
    authenticator.unused_code(OffsetDateTime::now_utc()).expect("not all codes of the time are used")
}

fn authenticate(server: &Server, authenticator: &Authenticator) -> Answer {
    server.authenticate(ENROLLED, ADMINS_PASSWORD, &code(authenticator))
}

/// The token in the link of a mail to an admin user.
fn enrolment_token(mail: &str) -> String {
    let (_, link) = mail.split_once("/admin#enrol=").unwrap_or_else(|| panic!("no link: {mail}"));
    link.split_whitespace().next().unwrap().to_owned()
}

/// Sets up an authenticator with a token; answers it and the recovery codes.
fn set_up(server: &Server, token: &str) -> (Authenticator, Vec<Value>) {
    let setup =
        server.post_json("/rest/V1/tfa/provider/google/configure", None, &json!({ "tfaToken": token }));
    let authenticator = Authenticator::new(setup.json()["secret_code"].as_str().unwrap());
    let body = json!({ "tfaToken": token, "otp": code(&authenticator) });
    let activated = server.post_json("/rest/V1/tfa/me/activate", None, &body);
    let codes =
        activated.json()["recovery_codes"].as_array().unwrap_or_else(|| panic!("{activated:?}")).clone();
    (authenticator, codes)
}

#[test]
fn an_authenticator_is_set_up_by_the_mailed_link() {
    let place = Place::new();
    let server = place.start_with(REQUIRED);
    let refused = server.admin_sign_in(ADMIN, ADMINS_PASSWORD);
    assert_eq!(refused.status, 400, "{refused:?}");
    let mail = place.wait_for_mails(1).remove(0);
    assert!(mail.contains("To: admin <admin-1@staff.storefront.invalid>"), "{mail}");
    assert!(mail.contains(&format!("{}/admin#enrol=", server.url())), "{mail}");
    let (authenticator, recovery_codes) = set_up(&server, &enrolment_token(&mail));
    assert_eq!(recovery_codes.len(), 10);
    assert!(place.wait_for_mails(2).iter().any(|mail| mail.contains("An authenticator was set up")));

    let signed_in = server.authenticate(ADMIN, ADMINS_PASSWORD, &code(&authenticator));
    let token = signed_in.json().as_str().unwrap_or_else(|| panic!("{signed_in:?}")).to_owned();
    assert_eq!(server.get_as("/admin/api/audit", &token).status, 200);
    let recovered = server.authenticate(ADMIN, ADMINS_PASSWORD, recovery_codes[0].as_str().unwrap());
    assert_eq!(recovered.status, 200, "{recovered:?}");
    assert!(place.wait_for_mails(3).iter().any(|mail| mail.contains("9 are left")));
}

#[test]
fn a_second_factor_outlives_a_restart() {
    let place = Place::new();
    let authenticator = Authenticator::new(SECRET);
    let server = place.start_with(REQUIRED);
    assert_eq!(authenticate(&server, &authenticator).status, 200);
    server.terminate();
    let server = place.start_with(REQUIRED);
    assert_eq!(authenticate(&server, &authenticator).status, 200);
}

#[test]
fn the_key_file_is_its_owners_alone() {
    let place = Place::new();
    assert!(place.run(&["create-admin", "--username", "olga"], "0lgasPassw0rd\n").status.success());
    let file = place.path().join("storefront.key");
    let key = std::fs::read(&file).unwrap();
    assert_eq!(key.len(), 32);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    place.start().terminate();
    assert_eq!(std::fs::read(&file).unwrap(), key, "it is made once");
    std::fs::write(&file, "short").unwrap();
    let ran = place.run(&["--listen", "127.0.0.1:0"], "");
    assert!(!ran.status.success());
    assert!(String::from_utf8(ran.stderr).unwrap().contains("at least 32 bytes"));
    // In memory there is nothing that a key would have to outlive.
    let place = Place::new();
    place.start_with(&["--demo", "--database", "memory:"]).terminate();
    assert!(!place.path().join("storefront.key").exists());
}

#[test]
fn a_lost_second_factor_is_removed() {
    let place = Place::new();
    let authenticator = Authenticator::new(SECRET);
    let server = place.start_with(REQUIRED);
    let token = authenticate(&server, &authenticator).json().as_str().unwrap().to_owned();
    let remove = |name| place.run(&["remove-admin-2fa", "--username", name], "");
    for told in ["has no second factor any more", "had no second factor"] {
        let ran = remove(ENROLLED);
        assert!(ran.status.success(), "{ran:?}");
        assert!(String::from_utf8(ran.stdout).unwrap().contains(told));
    }
    assert!(place.mails().iter().any(|mail| mail.contains("Your second factor was removed")));
    assert_eq!(server.get_as("/admin/api/me", &token).status, 401);
    assert_eq!(authenticate(&server, &authenticator).json()["message"], "Provider is not configured.");
    let refused = server.admin_sign_in(ENROLLED, ADMINS_PASSWORD).json();
    assert_eq!(refused["parameters"]["providers"], json!(["google"]), "a new one is set up by mail");
    for name in ["nobody", "a\u{7}"] {
        let ran = remove(name);
        assert!(!ran.status.success());
        assert!(String::from_utf8(ran.stderr).unwrap().contains("there is no admin user of this name"));
    }
    assert!(
        !place.run(&["remove-admin-2fa", "--username", ADMIN, "--database", "memory:"], "").status.success()
    );
}

#[test]
fn assistance_may_want_a_fresh_second_factor() {
    let place = Place::new();
    let server = place.start_with(&["--demo", "--assistance-step-up"]);
    let by_password = server.admin_token(ADMIN);
    let by_code = authenticate(&server, &Authenticator::new(SECRET)).json().as_str().unwrap().to_owned();
    let ask = |token: &str| server.post_json("/rest/V1/customer/1/otp", Some(token), &json!({}));
    let refused = ask(&by_password);
    assert_eq!((refused.status, &refused.json()["parameters"]), (401, &json!({ "max_age": 900 })));
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(challenge.contains("insufficient_user_authentication"), "{challenge}");
    assert_eq!(ask(&by_code).status, 200);
}
