//! The key file is made once, and compared with the database at each start.

use std::{
    fs,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use commerce_auth_test_servers::Postgres;
use commerce_auth_test_support::authenticator::Authenticator;
use serde_json::json;
use time::OffsetDateTime;

use crate::support::{ADMINS_PASSWORD, BOB, BOBS_PASSWORD, ENROLLED, Place, SECRET};

const KEY: &str = "storefront.key";

/// The message of a server that refuses to start. A server that starts all the same is ended.
fn refusal(place: &Place, arguments: &[&str]) -> String {
    let mut command = place.command(&[&["--listen", "127.0.0.1:0"], arguments].concat());
    let command = command.env("RUST_LOG", "warn").stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > end {
            child.kill().unwrap();
        }
        thread::sleep(Duration::from_millis(20));
    }
    let ran = child.wait_with_output().unwrap();
    assert!(!ran.status.success(), "{ran:?}");
    String::from_utf8(ran.stderr).unwrap()
}

fn assert_way_out(told: &str, what: &str) {
    for part in [what, "Restore the key file", "--new-key", "remove-admin-2fa"] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

fn in_each_database(test: impl Fn(&Place, &[&str])) {
    test(&Place::new(), &[]);
    let Some(postgres) = Postgres::start() else { return };
    test(&Place::new(), &["--database", &postgres.url()]);
}

/// A shop whose demo admin user has an authenticator.
fn used(place: &Place, database: &[&str]) -> Vec<u8> {
    place.start_with(&[database, &["--demo"]].concat()).terminate();
    fs::read(place.path().join(KEY)).expect("the first start makes a key")
}

#[test]
fn another_key_is_refused() {
    in_each_database(|place, database| {
        used(place, database);
        let other = place.path().join("other.key");
        fs::write(&other, [9; 32]).unwrap();
        let told = refusal(place, &[database, &["--key-file", "other.key"]].concat());
        assert_way_out(&told, "other.key is not the one that the database was used with");
        let arguments =
            [&["create-admin", "--username", "olga", "--key-file", "other.key"], database].concat();
        let ran = place.run(&arguments, "0lgasPassw0rd\n");
        assert!(!ran.status.success());
        assert_way_out(&String::from_utf8(ran.stderr).unwrap(), "other.key");
        // The right one is accepted as before.
        place.start_with(database).terminate();
    });
}

#[test]
fn no_key_is_made_beside_sealed_data() {
    in_each_database(|place, database| {
        let key = used(place, database);
        let file = place.path().join(KEY);
        fs::remove_file(&file).unwrap();
        let told = refusal(place, database);
        assert_way_out(&told, "storefront.key is missing");
        for command in
            [&["create-admin", "--username", "olga"][..], &["remove-admin-2fa", "--username", ENROLLED]]
        {
            let ran = place.run(&[command, database].concat(), "0lgasPassw0rd\n");
            assert!(!ran.status.success());
            assert_way_out(&String::from_utf8(ran.stderr).unwrap(), "storefront.key is missing");
        }
        let left: Vec<_> = place.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().contains(".key")), "{left:?}");
        fs::write(&file, &key).unwrap();
        let server = place.start_with(&[database, &["--admin-2fa", "required"]].concat());
        let code = Authenticator::new(SECRET).unused_code(OffsetDateTime::now_utc()).unwrap();
        assert_eq!(server.authenticate(ENROLLED, ADMINS_PASSWORD, &code).status, 200);
    });
}

/// Without an authenticator it is the trail that the key must be compared with.
#[test]
fn no_key_is_made_beside_a_signed_trail() {
    in_each_database(|place, database| {
        let server = place.start_with(database);
        assert_eq!(server.sign_in(BOB, BOBS_PASSWORD).status, 401);
        server.terminate();
        fs::remove_file(place.path().join(KEY)).unwrap();
        assert_way_out(&refusal(place, database), "an audit trail that was signed with another key");
        assert!(!place.path().join(KEY).exists());
    });
}

#[test]
fn a_shop_goes_on_after_its_key_is_lost() {
    in_each_database(|place, database| {
        let lost = used(place, database);
        fs::remove_file(place.path().join(KEY)).unwrap();
        let server = place.start_with(&[database, &["--new-key"]].concat());
        assert_ne!(fs::read(place.path().join(KEY)).unwrap(), lost);
        // Customers are served, and sign records with the new key.
        server.customer_token(BOB, BOBS_PASSWORD);
        let (_, _, log) = server.terminate();
        assert!(log.contains("second factors that were sealed with another key"), "{log}");
        assert_way_out(&refusal(place, database), "second factors");
        let ran = place.run(&[&["remove-admin-2fa", "--username", ENROLLED], database].concat(), "");
        assert!(ran.status.success(), "{ran:?}");
        let server = place.start_with(&[database, &["--admin-2fa", "required"]].concat());
        let refused = server.admin_sign_in(ENROLLED, ADMINS_PASSWORD).json();
        assert_eq!(refused["parameters"]["providers"], json!(["google"]), "a new one is set up by mail");
    });
}

#[test]
fn a_database_without_sealed_data_takes_a_new_key() {
    in_each_database(|place, database| {
        place.start_with(database).terminate();
        fs::remove_file(place.path().join(KEY)).unwrap();
        place.start_with(database).terminate();
        assert_eq!(fs::read(place.path().join(KEY)).unwrap().len(), 32);
    });
}
