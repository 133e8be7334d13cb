//! Any one thing done to a trail of 200 records.

use std::sync::OnceLock;

use commerce_auth::audit::{AuditRecord, Verifier};
use proptest::{prelude::*, sample::Index};

use crate::{
    database::{Database, checkpoint_of, verified},
    keyring,
    mutation::{eventful, mutation},
};

/// Signed with one key and then with another; a customer was erased from it.
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
    Verifier::new(&keyring(), &trail().last().map(checkpoint_of).into_iter().collect::<Vec<_>>())
}

#[test]
fn an_untouched_trail_is_clean() {
    let report = verified(verifier(), trail());
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!((report.records, report.signed), (200, 200));
    assert!(report.erased > 10, "{} erased", report.erased);
    assert_eq!(report.head, trail().last().map(checkpoint_of));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_one_mutation_is_found(mutation in mutation(), record in any::<Index>()) {
        let mut mutated = trail().to_vec();
        let number = record.index(mutated.len());
        mutation.apply(&mut mutated, number);
        prop_assume!(mutated != trail());
        let report = verified(verifier(), &mutated);
        prop_assert!(!report.is_clean(), "record {} with {:?}", number + 1, mutation);
    }
}
