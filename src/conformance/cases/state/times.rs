use std::time::Duration;

use super::{
    Put, at, commit_at, committed, conflicts, ensure, holds, just_before, key, partition, put, version,
};
use crate::{
    conformance::Failure,
    store::{Change, CommitOutcome, StateStore},
};

/// A document whose `keep_until` has passed is loaded and compared like any other document. Two
/// nodes whose clocks differ by two minutes use the document, one after the other. The case runs
/// twice, so that each node is the first one once.
pub(in crate::conformance) async fn an_expired_document_is_committed_again<S: StateStore>(
    store: &S,
) -> Result<(), Failure> {
    let partition = partition("a");
    let over = at(100);
    for (number, clocks) in [(0, [220, 100]), (1, [100, 220]), (2, [99, 219]), (3, [160, 40])] {
        let key = key(number);
        let replace = |expects, next| {
            vec![Change::Put(Put { keep_until: Some(over), ..put(key.clone(), expects, next) })]
        };
        committed(store, &partition, replace(None, 1)).await?;
        for (next, clock) in [(2, clocks[0]), (3, clocks[1])] {
            holds(store, &partition, &key, Some(next - 1), "before an expired document is put").await?;
            let stale = commit_at(store, &partition, replace(None, 9), at(clock)).await?;
            let conflict = matches!(stale, CommitOutcome::Conflict(_));
            ensure!(conflict, "a creation over an expired document returned {stale:?}");
            let outcome =
                commit_at(store, &partition, replace(Some(version(next - 1)), next), at(clock)).await?;
            ensure!(
                outcome == CommitOutcome::Committed,
                "a commit against an expired document returned {outcome:?}"
            );
        }
        holds(store, &partition, &key, Some(3), "after an expired document was put").await?;
    }
    Ok(())
}

/// An engine that removes expired documents during a commit does not remove a document until one
/// hour after the document's `keep_until`.
pub(in crate::conformance) async fn an_engine_removes_nothing_within_an_hour<S: StateStore>(
    store: &S,
) -> Result<(), Failure> {
    let kept = Put { keep_until: Some(at(0)), ..put(key(0), None, 1) };
    committed(store, &partition("a"), vec![Change::Put(kept)]).await?;
    for number in 1..50 {
        for name in ["a", "b"] {
            let creation = vec![Change::Put(put(key(number), None, number))];
            let now = just_before(at(60 * 60));
            let outcome = commit_at(store, &partition(name), creation, now).await?;
            ensure!(outcome == CommitOutcome::Committed, "a creation returned {outcome:?}");
        }
    }
    holds(store, &partition("a"), &key(0), Some(1), "less than an hour after its keep_until").await
}

/// A sweep removes only documents whose `keep_until` is at or before the time `until`, and at most
/// `limit` of them.
pub(in crate::conformance) async fn a_sweep_removes_what_is_over<S: StateStore>(
    store: &S,
) -> Result<(), Failure> {
    let just_after = at(10) + Duration::from_micros(1);
    let kept = [Some(at(9)), Some(at(10)), Some(just_after), Some(at(1_000)), None];
    for (number, keep_until) in (0..).zip(kept) {
        let change = Change::Put(Put { keep_until, ..put(key(number), None, number) });
        committed(store, &partition(&number.to_string()), vec![change]).await?;
    }
    for (until, left) in [(just_before(at(9)), 0), (at(10), 2), (just_before(at(1_000)), 3)] {
        store.sweep(until, usize::MAX >> 1).await?;
        for number in 0..5 {
            let found = (number >= left).then_some(number);
            holds(store, &partition(&number.to_string()), &key(number), found, "after a sweep").await?;
        }
    }
    for number in 0..5 {
        let change = Change::Put(Put { keep_until: Some(at(0)), ..put(key(100 + number), None, 0) });
        committed(store, &partition(&(number % 2).to_string()), vec![change]).await?;
    }
    let mut removed = 0;
    for _ in 0..10 {
        let some = store.sweep(at(0), 2).await?;
        ensure!(some <= 2, "a sweep of at most 2 removed {some}");
        removed += some;
    }
    ensure!(removed == 5, "sweeps reported {removed} removed documents, and 5 had expired");
    Ok(())
}

/// A document has the `keep_until` of its last put. If the last put has no `keep_until`, then the
/// document has none.
pub(in crate::conformance) async fn a_sweep_goes_by_the_last_put<S: StateStore>(
    store: &S,
) -> Result<(), Failure> {
    let partition = partition("a");
    let later = [(0, Some(at(1_000)), Some(2)), (1, None, Some(2)), (2, Some(at(0)), None)];
    for (number, keep_until, _) in later {
        let first = Put { keep_until: Some(at(100)), ..put(key(number), None, 1) };
        committed(store, &partition, vec![Change::Put(first)]).await?;
        let second = Put { keep_until, ..put(key(number), Some(version(1)), 2) };
        committed(store, &partition, vec![Change::Put(second)]).await?;
    }
    store.sweep(at(99), usize::MAX >> 1).await?;
    holds(store, &partition, &key(2), None, "after a sweep of a document with an earlier keep_until").await?;
    store.sweep(at(500), usize::MAX >> 1).await?;
    for (number, _, found) in later {
        holds(store, &partition, &key(number), found, "after a sweep").await?;
    }
    let stale = vec![Change::Put(put(key(2), Some(version(2)), 3))];
    conflicts(store, &partition, stale, "a put against a swept document").await
}
