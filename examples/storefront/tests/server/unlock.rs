//! Accounts that failed attempts have locked are opened by a command, beside the running server.

use commerce_auth_test_support::authenticator::Authenticator;
use time::OffsetDateTime;

use crate::support::{ADMIN, ADMINS_PASSWORD, BOB, BOBS_PASSWORD, ENROLLED, Place, SECRET};

const WRONG: &str = "Wr0ng-password";

fn unlock(place: &Place, arguments: &[&str]) {
    let ran = place.run(arguments, "");
    assert!(ran.status.success(), "{ran:?}");
    assert!(String::from_utf8(ran.stdout).unwrap().contains("is unlocked"));
}

fn refusal(place: &Place, arguments: &[&str]) -> String {
    let ran = place.run(arguments, "");
    assert!(!ran.status.success(), "{ran:?}");
    String::from_utf8(ran.stderr).unwrap()
}

#[test]
fn a_locked_customer_is_unlocked() {
    let place = Place::new();
    let server = place.demo();
    for _ in 0..6 {
        assert_eq!(server.sign_in(BOB, WRONG).status, 401);
    }
    assert_eq!(server.sign_in(BOB, BOBS_PASSWORD).status, 401, "the account is locked");
    // The account of another website is another one.
    let told = refusal(&place, &["unlock-customer", BOB, "--website", "outlet"]);
    assert!(told.contains("the website outlet has no customer of this address"), "{told}");
    assert_eq!(server.sign_in(BOB, BOBS_PASSWORD).status, 401, "the account is still locked");
    unlock(&place, &["unlock-customer", &BOB.to_uppercase()]);
    server.customer_token(BOB, BOBS_PASSWORD);
    unlock(&place, &["unlock-customer", BOB, "--website", "base"]);
}

#[test]
fn a_locked_admin_user_is_unlocked() {
    let place = Place::new();
    let server = place.demo();
    for _ in 0..6 {
        assert_eq!(server.admin_sign_in(ADMIN, WRONG).status, 401);
    }
    assert_eq!(server.admin_sign_in(ADMIN, ADMINS_PASSWORD).status, 401, "the account is locked");
    unlock(&place, &["unlock-admin", ADMIN]);
    server.admin_token(ADMIN);
}

#[test]
fn a_locked_second_factor_is_unlocked() {
    let place = Place::new();
    let server = place.start_with(&["--demo", "--admin-2fa", "required"]);
    let code = || Authenticator::new(SECRET).unused_code(OffsetDateTime::now_utc()).unwrap();
    let wrong = if code() == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        assert_eq!(server.authenticate(ENROLLED, ADMINS_PASSWORD, wrong).status, 401);
    }
    assert_eq!(server.authenticate(ENROLLED, ADMINS_PASSWORD, &code()).status, 401, "the codes are locked");
    unlock(&place, &["unlock-admin", ENROLLED]);
    assert_eq!(server.authenticate(ENROLLED, ADMINS_PASSWORD, &code()).status, 200);
}

#[test]
fn an_account_that_is_not_there_is_not_unlocked() {
    let place = Place::new();
    place.demo().terminate();
    for (arguments, told) in [
        (&["unlock-customer", "nobody@example.com"][..], "the website base has no customer of this address"),
        (&["unlock-customer", "nobody"], "invalid value 'nobody' for '<EMAIL>'"),
        (&["unlock-customer", BOB, "--website", "Outlet FR"], "--website <CODE>"),
        (&["unlock-customer"], "<EMAIL>"),
        (&["unlock-customer", BOB, "--database", "memory:"], "give --database"),
        (&["unlock-admin", "nobody"], "there is no admin user of this name"),
        (&["unlock-admin", "a\u{7}"], "there is no admin user of this name"),
        (&["unlock-admin"], "<USERNAME>"),
        (&["unlock-admin", ADMIN, "--database", "memory:"], "give --database"),
    ] {
        let said = refusal(&place, arguments);
        assert!(said.contains(told), "{arguments:?}: {said}");
    }
}
