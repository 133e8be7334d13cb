//! The keys of a node are compared with the keys that signed the trail.

use std::sync::Arc;

use commerce_auth::{
    Auth,
    audit::{AuditSink, SignatureCheck},
    flow::KeyringCheckError,
    keyring::{KeyId, Keyring},
    store::memory::{MemoryCustomers, MemoryStore},
};

use crate::audit_chain::{
    database::{Database, checkpoint_of},
    events::record,
    keyring, on_both,
};

fn ring(id: u32, material: u8) -> Keyring {
    Keyring::new(KeyId(id), [material; 32]).expect("enough bytes")
}

async fn check(database: &Database, keyring: Option<&Keyring>) -> SignatureCheck {
    database.node(keyring).await.check_signatures().await.expect("it can be read")
}

async fn the_key_that_signed_is_found(database: &Database) {
    let keyring = keyring();
    for ring in [None, Some(&keyring), Some(&ring(1, 9))] {
        assert_eq!(check(database, ring).await, SignatureCheck::NothingSigned);
    }
    // Records of a node without a key prove nothing.
    record(&*database.node(None).await, 0..3).await;
    assert_eq!(check(database, Some(&ring(1, 9))).await, SignatureCheck::NothingSigned);
    for number in 3..30 {
        record(&*database.node(Some(&keyring)).await, [number]).await;
        assert_eq!(check(database, Some(&keyring)).await, SignatureCheck::Verified, "{number}");
        for other in [Some(&ring(1, 9)), Some(&ring(3, 7)), None] {
            assert_eq!(check(database, other).await, SignatureCheck::Unverified, "{number}");
        }
    }
}

async fn a_rotated_keyring_is_accepted(database: &Database) {
    let rotated = keyring();
    record(&*database.node(Some(&rotated)).await, 0..20).await;
    rotated.make_current(KeyId(2)).unwrap();
    assert_eq!(
        check(database, Some(&rotated)).await,
        SignatureCheck::Verified,
        "the old key is still accepted"
    );
    assert_eq!(check(database, Some(&ring(2, 8))).await, SignatureCheck::Unverified, "retired too early");
    record(&*database.node(Some(&rotated)).await, 20..21).await;
    assert_eq!(check(database, Some(&ring(2, 8))).await, SignatureCheck::Verified);
    assert_eq!(check(database, Some(&ring(1, 7))).await, SignatureCheck::Verified, "a node that is late");
}

/// This check finds a wrong key, not a changed record. The verifier finds changed records.
async fn a_changed_record_stops_no_start(database: &Database) {
    let keyring = keyring();
    record(&*database.node(Some(&keyring)).await, 0..20).await;
    database.by_hand("UPDATE {schema}.audit_events SET event = '{}' WHERE position = 20");
    assert_eq!(check(database, Some(&keyring)).await, SignatureCheck::Verified);
}

async fn a_pruned_trail_is_compared(database: &Database) {
    let keyring = keyring();
    let trail = database.node(Some(&keyring)).await;
    record(&*trail, 0..20).await;
    let records = trail.records().await;
    trail.prune(checkpoint_of(&records, 19)).await;
    // Only one record is left, so that only the name of its key can be compared.
    assert_eq!(check(database, Some(&keyring)).await, SignatureCheck::NothingSigned);
    assert_eq!(check(database, Some(&ring(3, 7))).await, SignatureCheck::Unverified);
    record(&*trail, 20..21).await;
    assert_eq!(check(database, Some(&keyring)).await, SignatureCheck::Verified);
    assert_eq!(check(database, Some(&ring(1, 9))).await, SignatureCheck::Unverified);
}

async fn a_host_is_told_of_another_key(database: &Database) {
    let right = keyring();
    record(&*database.node(Some(&right)).await, 0..5).await;
    for (keyring, is_right) in [(right, true), (ring(1, 9), false)] {
        let sink: Arc<dyn AuditSink> = database.node(Some(&keyring)).await;
        let auth = Auth::builder(MemoryStore::new())
            .customers(MemoryCustomers::new())
            .without_notifier()
            .audit(sink)
            .keyring(keyring)
            .build()
            .unwrap();
        match auth.check_keyring().await {
            Ok(report) => assert!(is_right && report.unopened.is_empty()),
            Err(KeyringCheckError::AuditTrail) => assert!(!is_right),
            Err(error) => panic!("{error:?}"),
        }
    }
}

on_both! {
    the_key_that_signed_is_found,
    a_rotated_keyring_is_accepted,
    a_changed_record_stops_no_start,
    a_pruned_trail_is_compared,
    a_host_is_told_of_another_key,
}
