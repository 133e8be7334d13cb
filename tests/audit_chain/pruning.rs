//! Trails whose old records were removed.

use commerce_auth::audit::{Checkpoint, FindingKind, Verifier};

use crate::{
    database::{Database, checkpoint_of},
    events::record,
    keyring, on_both,
};

async fn what_is_left_verifies_since_the_checkpoint(database: &Database) {
    let keyring = keyring();
    let trail = database.node(Some(&keyring)).await;
    record(&*trail, 0..50).await;
    let [early, kept] = [10, 30].map(|number| number - 1);
    let records = trail.records().await;
    let [early, kept] = [early, kept].map(|number| checkpoint_of(&records[number]));
    let another = Checkpoint { link: early.link, ..kept };
    assert_eq!(trail.prune(another).await, 0, "it is not this trail's");
    assert_eq!(trail.prune(kept).await, 29);
    record(&*trail, 50..60).await;

    let head = trail.checkpoint().await.unwrap();
    assert_eq!(head.position, 60);
    let anchors = [early, kept, head];
    let report = trail.verify(Verifier::new(&keyring, &anchors).since(kept)).await;
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!((report.records, report.head), (30, Some(head)));
    let kinds = async |verifier: Verifier| {
        let report = trail.verify(verifier).await;
        report.findings.iter().map(|finding| (finding.position, finding.kind)).collect::<Vec<_>>()
    };
    // Who does not know that it was pruned is told what is missing.
    let missing = [(1, FindingKind::Missing { to: 29 }), (30, FindingKind::Unproven)];
    assert_eq!(kinds(Verifier::new(&keyring, &[])).await, missing);
    let forged = kinds(Verifier::new(&keyring, &[]).since(another)).await;
    assert_eq!(forged, [(30, FindingKind::AnchorDiffers), (31, FindingKind::Changed)]);

    database.by_hand("DELETE FROM {schema}.audit_events WHERE position > 30");
    assert_eq!(kinds(Verifier::new(&keyring, &[]).since(kept)).await, []);
    assert_eq!(kinds(Verifier::new(&keyring, &anchors).since(kept)).await, [(60, FindingKind::CutOff)]);
    database.by_hand("DELETE FROM {schema}.audit_events");
    assert_eq!(kinds(Verifier::new(&keyring, &[]).since(kept)).await, [(30, FindingKind::CutOff)]);
}

on_both! {
    what_is_left_verifies_since_the_checkpoint,
}
