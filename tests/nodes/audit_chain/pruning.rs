//! Trails whose old records were removed.

use commerce_auth::{
    audit::{AuditRecord, Checkpoint, Erasure, FindingKind, Report, Verifier},
    keyring::KeyId,
};

use crate::audit_chain::{
    database::{Database, checkpoint_of, verified},
    events::{customer, record},
    keyring, on_both,
};

async fn what_is_left_verifies_since_the_checkpoint(database: &Database) {
    let keyring = keyring();
    let trail = database.node(Some(&keyring)).await;
    record(&*trail, 0..50).await;
    let [early, kept] = [10, 30].map(|number| number - 1);
    let records = trail.records().await;
    let [early, kept] = [early, kept].map(|number| checkpoint_of(&records, number));
    let another = Checkpoint { link: early.link, ..kept };
    assert_eq!(trail.prune(another).await, 0, "the checkpoint is not of this trail");
    assert_eq!(trail.prune(kept).await, 29);
    record(&*trail, 50..60).await;

    let head = trail.checkpoint().await.unwrap();
    assert_eq!(head.position, 60);
    let anchors = [early, kept, head];
    let report = trail.verify(Verifier::new(&keyring, &anchors).since(kept)).await;
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!((report.records, report.signed, report.head), (31, 31, Some(head)));
    let kinds = async |verifier: Verifier| {
        let report = trail.verify(verifier).await;
        report.findings.iter().map(|finding| (finding.position, finding.kind)).collect::<Vec<_>>()
    };
    // A verifier that does not know of the pruning reports the missing records.
    let missing = [(1, FindingKind::Missing { to: 29 }), (30, FindingKind::Unproven)];
    assert_eq!(kinds(Verifier::new(&keyring, &[])).await, missing);
    let forged = kinds(Verifier::new(&keyring, &[]).since(another)).await;
    assert_eq!(forged, [(30, FindingKind::AnchorDiffers)]);
    let unproven = Checkpoint { previous: None, ..kept };
    assert_eq!(kinds(Verifier::new(&keyring, &[]).since(unproven)).await, [(30, FindingKind::Unproven)]);

    database.by_hand("DELETE FROM {schema}.audit_events WHERE position > 30");
    assert_eq!(
        trail.checkpoint().await,
        Some(unproven),
        "the pruned trail has no record of the earlier ones"
    );
    assert_eq!(kinds(Verifier::new(&keyring, &[]).since(kept)).await, []);
    assert_eq!(kinds(Verifier::new(&keyring, &anchors).since(kept)).await, [(60, FindingKind::CutOff)]);
    database.by_hand("DELETE FROM {schema}.audit_events");
    assert_eq!(kinds(Verifier::new(&keyring, &[]).since(kept)).await, [(30, FindingKind::CutOff)]);
}

/// The first record of a pruned trail is proved like any other record.
async fn the_first_that_is_left_cannot_be_changed(database: &Database) {
    let keyring = keyring();
    let trail = database.node(Some(&keyring)).await;
    // This record has a personal part.
    record(&*trail, 0..31).await;
    let kept = trail.checkpoint().await.unwrap();
    assert_eq!(kept, checkpoint_of(&trail.records().await, 30));
    assert_eq!(trail.prune(kept).await, 30);
    record(&*trail, 31..40).await;
    let left = trail.records().await;
    let kinds = |report: Report| {
        report.findings.iter().map(|finding| (finding.position, finding.kind)).collect::<Vec<_>>()
    };
    let verifier = || Verifier::new(&keyring, &[kept]).since(kept);
    assert_eq!(kinds(verified(verifier(), &left)), []);
    let mutated = |mutate: &dyn Fn(&mut AuditRecord)| {
        let mut left = left.clone();
        mutate(&mut left[0]);
        kinds(verified(verifier(), &left))
    };
    let changed = [(31, FindingKind::Changed)];
    assert_eq!(
        mutated(&|first| {
            first.event = first.event.replace("succeeded", "refused");
            first.columns.outcome = "refused".into();
        }),
        changed
    );
    assert_eq!(mutated(&|first| first.columns.actor = Some("9".into())), changed);
    let telling = |first: &mut AuditRecord, with: &str| {
        first.personal = first.personal.as_ref().map(|personal| personal.replace("192.0.2.1", with));
    };
    assert_eq!(mutated(&|first| telling(first, "192.0.2.2")), changed);
    let taken = |first: &mut AuditRecord, erased| {
        let columns = &mut first.columns;
        (first.personal, first.erased, columns.account) = (None, erased, None);
        (columns.subject_kind, columns.subject_id) = (None, None);
    };
    let without_right = [(31, FindingKind::ErasedWithoutRight)];
    assert_eq!(mutated(&|first| taken(first, None)), without_right);
    let forged = Erasure { key: KeyId(1), mac: kept.link };
    assert_eq!(mutated(&|first| taken(first, Some(forged))), without_right);

    let found = async || kinds(trail.verify(verifier()).await);
    assert_eq!(found().await, []);
    trail.erase(&customer(30)).await.unwrap();
    assert_eq!(found().await, []);
    database.by_hand("UPDATE {schema}.audit_events SET outcome = 'refused' WHERE position = 31");
    assert_eq!(found().await, changed);
    database.by_hand("DELETE FROM {schema}.audit_events WHERE position = 31");
    assert_eq!(found().await, [(31, FindingKind::Missing { to: 31 }), (32, FindingKind::Unproven)]);
}

on_both! {
    the_first_that_is_left_cannot_be_changed,
    what_is_left_verifies_since_the_checkpoint,
}
