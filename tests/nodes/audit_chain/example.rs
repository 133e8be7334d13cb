//! The example `audit_verify`, as an auditor runs it.

use std::{
    fs,
    process::{Command, Output},
};

use tempfile::tempdir;

use crate::audit_chain::{database::Database, events::record, keyring, mutation::eventful, on_both};

/// Cargo builds the examples together with the tests, in a folder beside theirs.
fn audit_verify(arguments: &[&str]) -> (Option<i32>, String) {
    let test = std::env::current_exe().expect("this program has a path");
    let built = test.parent().and_then(|deps| deps.parent()).expect("a separate folder").join("examples");
    let ran = Command::new(built.join("audit_verify")).args(arguments).output();
    let Output { status, stdout, stderr } = ran.expect("not built: cargo build --all-features --examples");
    (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

fn address(database: &Database) -> (String, &str) {
    match database {
        Database::Sqlite { path, .. } => (format!("sqlite:{}", path.display()), "commerce_auth"),
        Database::Postgres { server, schema } => (server.url(), schema),
    }
}

async fn an_auditor_is_told_what_is_wrong(database: &Database) {
    let (folder, keyring) = (tempdir().unwrap(), keyring());
    let trail = database.node(Some(&keyring)).await;
    eventful(&*trail, &keyring, 100).await;
    let anchor = trail.checkpoint().await.unwrap().to_string();
    record(&*trail, 100..110).await;
    let [one, two] = [(1, [7; 32]), (2, [8; 32])].map(|(id, key)| {
        let file = folder.path().join(id.to_string());
        fs::write(&file, key).unwrap();
        format!("{id}={}", file.display())
    });
    let (address, schema) = address(database);
    let all = [&address, "--schema", schema, "--key-file", &one, "--key-file", &two, "--anchor", &anchor];

    let (code, said) = audit_verify(&all);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("110 records, 110 of them signed") && said.contains("nothing is wrong up to 110:"),
        "{said}"
    );
    let (code, said) = audit_verify(&all[..5]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("record 51: signed with the unknown key 2"), "{said}");
    database.by_hand("DELETE FROM {schema}.audit_events WHERE position > 90");
    let (code, said) = audit_verify(&all);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("record 100: missing, because the trail ends"), "{said}");
    assert_eq!(audit_verify(&all[..3]).0, Some(2), "without a key");
}

/// Without an anchor, nothing about the trail could be found wrong.
async fn a_trail_that_proves_nothing_is_not_taken_for_a_good_one(database: &Database) {
    let (folder, keyring) = (tempdir().unwrap(), keyring());
    let file = folder.path().join("1");
    fs::write(&file, [7; 32]).unwrap();
    let (address, schema) = address(database);
    let verify = || audit_verify(&[&address, "--schema", schema, "--key-file", file.to_str().unwrap()]);
    let trail = database.node(Some(&keyring)).await;
    record(&*trail, 0..10).await;
    let (code, said) = verify();
    assert_eq!(code, Some(0), "{said}");
    for undone in
        ["UPDATE {schema}.audit_events SET key_id = NULL, link = NULL", "DELETE FROM {schema}.audit_events"]
    {
        database.by_hand(undone);
        let (code, said) = verify();
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("nothing is signed, so nothing is proved"), "{said}");
    }
}

on_both! {
    an_auditor_is_told_what_is_wrong,
    a_trail_that_proves_nothing_is_not_taken_for_a_good_one,
}

#[test]
fn without_arguments_it_shows_what_it_is_for() {
    let (code, said) = audit_verify(&[]);
    assert_eq!(code, Some(0), "{said}");
}
