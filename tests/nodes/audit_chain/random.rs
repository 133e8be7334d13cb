//! Any one change to a trail of 200 records, or any two at once.

use std::sync::OnceLock;

use commerce_auth::audit::{AuditRecord, Verifier};
use proptest::{prelude::*, sample::Index};
use support::size;

use crate::audit_chain::{
    database::{Database, checkpoint_of, verified},
    keyring,
    mutation::{eventful, mutation},
};

/// The trail is signed with one key and then with another. One customer was erased from it.
fn trail() -> &'static [AuditRecord] {
    static TRAIL: OnceLock<Vec<AuditRecord>> = OnceLock::new();
    TRAIL.get_or_init(|| {
        pollster::block_on(async {
            let (database, keyring) = (Database::sqlite(), keyring());
            let trail = database.node(Some(&keyring)).await;
            eventful(&*trail, &keyring, 200).await;
            trail.records().await
        })
    })
}

fn verifier() -> Verifier {
    Verifier::new(&keyring(), &[checkpoint_of(trail(), 199)])
}

#[test]
fn an_untouched_trail_is_clean() {
    let report = verified(verifier(), trail());
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!((report.records, report.signed), (200, 200));
    assert!(report.erased > 10, "{} erased", report.erased);
    assert_eq!(report.head, Some(checkpoint_of(trail(), 199)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: size(400, 4000), failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_one_mutation_is_found(mutation in mutation(), record in any::<Index>()) {
        let mut mutated = trail().to_vec();
        let number = record.index(mutated.len());
        mutation.apply(&mut mutated, number);
        prop_assume!(mutated != trail());
        let report = verified(verifier(), &mutated);
        prop_assert!(!report.is_clean(), "record {} with {:?}", number + 1, mutation);
    }

    /// One finding does not hide another: each changed record is reported at its own position.
    #[test]
    fn every_rewritten_record_is_named(
        first in (mutation(), any::<Index>()), second in (mutation(), any::<Index>()), near in any::<bool>(),
    ) {
        let mut mutated = trail().to_vec();
        let number = first.1.index(mutated.len());
        first.0.apply(&mut mutated, number);
        prop_assume!(!mutated.is_empty());
        // Changes side by side may affect each other.
        let beside = if near { number + 1 } else { second.1.index(mutated.len()) };
        let beside = beside.min(mutated.len() - 1);
        second.0.apply(&mut mutated, beside);
        let report = verified(verifier(), &mutated);
        // Unsigned records at the beginning could be from before the trail was signed. Unsigned
        // records after a signed one are found.
        let signed = mutated.iter().position(|record| record.key.is_some() || record.link.is_some());
        for record in mutated.iter().skip(signed.unwrap_or(mutated.len())).filter(|record| !trail().contains(record)) {
            let named = report.findings.iter().any(|finding| finding.position == record.position);
            prop_assert!(named, "record {} with {:?} and {:?}", record.position, first, second);
        }
        prop_assert!(report.is_clean() == (mutated == trail()), "{:?} and {:?}", first, second);
    }
}
