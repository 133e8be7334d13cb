//! Long trails, and changes to their rows.

use commerce_auth::audit::{FindingKind, Verifier};
use proptest::{prelude::*, sample::Index, strategy::ValueTree, test_runner::TestRunner};
use support::size;

use crate::audit_chain::{
    database::{Database, verified},
    keyring,
    mutation::{eventful, mutation},
    on_both,
};

const MUTATIONS: usize = 100;

/// Changes by someone with access to the database, mostly to the record in the middle.
const BY_HAND: &[&str] = &[
    "DELETE FROM {schema}.audit_events WHERE position = {middle}",
    "DELETE FROM {schema}.audit_events WHERE position > {records} - 10",
    "DELETE FROM {schema}.audit_events WHERE position = 1",
    "UPDATE {schema}.audit_events SET personal = NULL WHERE position = {middle}",
    "UPDATE {schema}.audit_events SET key_id = NULL, link = NULL WHERE position = {middle}",
    "UPDATE {schema}.audit_events SET key_id = 9 WHERE position = {middle}",
    "UPDATE {schema}.audit_events SET key_id = 1 WHERE position = {middle} + 1",
    "UPDATE {schema}.audit_events SET key_id = -1 WHERE position = {records}",
    "UPDATE {schema}.audit_events SET link = (SELECT link FROM {schema}.audit_events WHERE position = {middle} - 1) WHERE position = {middle}",
    "UPDATE {schema}.audit_events SET erased = link WHERE position = {middle}",
    "UPDATE {schema}.audit_events SET at = at + 1 WHERE position = {middle}",
    "UPDATE {schema}.audit_events SET actor = '9' WHERE position = {middle}",
    "UPDATE {schema}.audit_events SET account = NULL WHERE account IS NOT NULL AND position BETWEEN {middle} AND {middle} + 10",
    "UPDATE {schema}.audit_events SET position = position + {records} WHERE position = {middle}",
    "UPDATE {schema}.audit_events SET position = -position WHERE position = {middle}",
    "INSERT INTO {schema}.audit_events (position, id, at, action, outcome, event) \
     VALUES (-1, 'b5d1fcbe-9d2f-4a2e-8a86-ffffffffffff', 0, 'sign_in', 'begun', '{}')",
    "INSERT INTO {schema}.audit_events (position, id, at, action, outcome, event, key_id, link) \
     SELECT {records} + 1, 'b5d1fcbe-9d2f-4a2e-8a86-ffffffffffff', at, action, outcome, event, key_id, link \
     FROM {schema}.audit_events WHERE position = {middle}",
];

async fn a_hundred_mutations_of_a_long_trail_are_found(database: &Database) {
    let records = size(1_000, 10_000);
    let keyring = keyring();
    let trail = database.node(Some(&keyring)).await;
    eventful(&*trail, &keyring, records).await;
    let head = trail.checkpoint().await.unwrap();
    let verifier = Verifier::new(&keyring, &[head]);
    let report = trail.verify(verifier.clone()).await;
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!((report.records, report.signed, report.head), (records, records, Some(head)));

    let whole = trail.records().await;
    assert!(verified(verifier.clone(), &whole).is_clean());
    let mut runner = TestRunner::new(ProptestConfig { failure_persistence: None, ..Default::default() });
    let mut found = 0;
    while found < MUTATIONS {
        let (mutation, record) =
            (mutation(), any::<Index>()).new_tree(&mut runner).expect("it can be drawn").current();
        let mut mutated = whole.clone();
        let number = record.index(mutated.len());
        mutation.apply(&mut mutated, number);
        if mutated != whole {
            let report = verified(verifier.clone(), &mutated);
            assert!(!report.is_clean(), "record {} with {mutation:?}", number + 1);
            found += 1;
        }
    }

    database.by_hand("CREATE TABLE {schema}.untouched AS SELECT * FROM {schema}.audit_events");
    for statement in BY_HAND {
        let statement = statement
            .replace("{records}", &records.to_string())
            .replace("{middle}", &(records / 2).to_string());
        database.by_hand(&statement);
        let report = trail.verify(verifier.clone()).await;
        assert!(!report.is_clean(), "{statement}");
        database
            .by_hand("DELETE FROM {schema}.audit_events; INSERT INTO {schema}.audit_events SELECT * FROM {schema}.untouched");
    }
    database.by_hand("DELETE FROM {schema}.audit_events");
    let report = trail.verify(verifier.clone()).await;
    assert_eq!(report.findings.last().map(|finding| finding.kind), Some(FindingKind::CutOff));
    database.by_hand("INSERT INTO {schema}.audit_events SELECT * FROM {schema}.untouched");
    assert!(trail.verify(verifier).await.is_clean());
}

on_both! {
    a_hundred_mutations_of_a_long_trail_are_found,
}
