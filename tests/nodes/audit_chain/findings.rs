//! Each fault is found and named, and intact records are not reported.

use commerce_auth::{
    audit::{AuditRecord, Checkpoint, FindingKind, Verifier},
    keyring::{KeyId, Keyring},
};

use crate::audit_chain::{
    database::{Database, checkpoint_of, verified},
    events::record,
    keyring,
};

async fn trail() -> Vec<AuditRecord> {
    let (database, keyring) = (Database::sqlite(), keyring());
    let trail = database.node(Some(&keyring)).await;
    record(&*trail, 0..20).await;
    trail.records().await
}

fn found(keyring: &Keyring, anchors: &[Checkpoint], trail: &[AuditRecord]) -> Vec<(u64, FindingKind)> {
    let report = verified(Verifier::new(keyring, anchors), trail);
    assert_eq!(report.found, report.findings.len() as u64);
    report.findings.iter().map(|finding| (finding.position, finding.kind)).collect()
}

#[tokio::test]
async fn each_kind_is_named_where_it_is() {
    let (whole, keyring) = (trail().await, keyring());
    let mutated = |mutate: &dyn Fn(&mut Vec<AuditRecord>)| {
        let mut trail = whole.clone();
        mutate(&mut trail);
        found(&keyring, &[checkpoint_of(&whole, 4), checkpoint_of(&whole, 19)], &trail)
    };
    assert_eq!(mutated(&|_| ()), []);
    let changed = mutated(&|trail| trail[6].event = trail[6].event.replace("base", "bass"));
    assert_eq!(changed, [(7, FindingKind::Changed)]);
    let missing = mutated(&|trail| drop(trail.drain(7..10)));
    assert_eq!(missing, [(8, FindingKind::Missing { to: 10 }), (11, FindingKind::Unproven)]);
    let rewritten = mutated(&|trail| {
        trail[5].event = trail[5].event.replace("succeeded", "refused");
        trail[5].columns.outcome = "refused".into();
        trail.remove(4);
    });
    assert_eq!(rewritten, [(5, FindingKind::Missing { to: 5 }), (6, FindingKind::Unproven)]);
    let halved = mutated(&|trail| trail[9].link = None);
    assert_eq!(halved, [(10, FindingKind::Changed), (11, FindingKind::Unproven)]);
    let again = mutated(&|trail| trail.insert(9, trail[2].clone()));
    assert_eq!(again, [(3, FindingKind::OutOfOrder)]);
    let swapped = mutated(&|trail| trail.swap(9, 10));
    assert_eq!(
        swapped,
        [(10, FindingKind::Missing { to: 10 }), (11, FindingKind::Unproven), (10, FindingKind::OutOfOrder)]
    );
    let stripped = mutated(&|trail| (trail[9].key, trail[9].link) = (None, None));
    assert_eq!(stripped, [(10, FindingKind::Unsigned), (11, FindingKind::Changed)]);
    let unknown = mutated(&|trail| trail[9].key = Some(KeyId(9)));
    assert_eq!(unknown, [(10, FindingKind::UnknownKey(KeyId(9)))]);
    let taken = mutated(&|trail| trail[6].personal = None);
    assert_eq!(taken, [(7, FindingKind::Changed)], "the columns still show the change");
    let taken = mutated(&|trail| {
        (trail[9].personal, trail[9].columns.account) = (None, None);
        (trail[9].columns.subject_kind, trail[9].columns.subject_id) =
            (Some("admin".into()), Some("7".into()));
    });
    assert_eq!(taken, [(10, FindingKind::ErasedWithoutRight)]);
    let cut = mutated(&|trail| trail.truncate(19));
    assert_eq!(cut, [(20, FindingKind::CutOff)]);
    // The trail was made again from the first record on, by someone who has the key.
    let another = trail().await;
    let anew = found(&keyring, &[checkpoint_of(&whole, 4)], &another);
    assert_eq!(anew, [(5, FindingKind::AnchorDiffers)]);
}

/// If the first records lose their signatures, this is reported. The trail is not taken for one that
/// was signed later.
#[tokio::test]
async fn a_trail_cannot_be_made_to_begin_later() {
    let (whole, keyring) = (trail().await, keyring());
    for stripped in 1..19 {
        let mut trail = whole.clone();
        trail[..stripped].iter_mut().for_each(|record| (record.key, record.link) = (None, None));
        let at = stripped as u64 + 1;
        assert_eq!(found(&keyring, &[], &trail), [(at, FindingKind::Changed)]);
    }
    let mut trail = whole.clone();
    trail.iter_mut().for_each(|record| (record.key, record.link) = (None, None));
    let report = verified(Verifier::new(&keyring, &[]), &trail);
    assert_eq!((report.signed, report.head), (0, None), "the trail proves nothing");
    assert_eq!(found(&keyring, &[checkpoint_of(&whole, 9)], &trail), [(10, FindingKind::AnchorDiffers)]);
}

#[tokio::test]
async fn findings_are_bounded_and_counted() {
    let (mut whole, keyring) = (trail().await, keyring());
    let record = whole.remove(0);
    let mut verifier = Verifier::new(&keyring, &[]);
    for _ in 0..3001 {
        verifier.feed(&record);
    }
    let report = verifier.finish();
    assert_eq!((report.found, report.findings.len()), (3000, 1000));
}

#[tokio::test]
async fn whoever_lacks_the_keys_is_told_so() {
    let whole = trail().await;
    let another = Keyring::new(KeyId(2), [8; 32]).unwrap();
    let kinds = found(&another, &[], &whole);
    assert_eq!(kinds.len(), 20);
    assert!(kinds.iter().all(|(_, kind)| *kind == FindingKind::UnknownKey(KeyId(1))));
    let impostor = Keyring::new(KeyId(1), [9; 32]).unwrap();
    assert!(found(&impostor, &[], &whole).iter().all(|(_, kind)| *kind == FindingKind::Changed));
}
