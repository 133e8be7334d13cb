use std::{future::poll_fn, pin::Pin, task::Poll};

use super::{Put, commit, committed, conflicts, document, ensure, holds, key, partition, put, version};
use crate::{
    conformance::{Failure, cases::at},
    store::{Change, Changes, CommitOutcome, Index, Name, StateStore},
};

/// If a put expects an earlier or an unknown version of the document, then the commit changes
/// nothing.
pub(in crate::conformance) async fn a_put_names_the_version_it_replaces<S: StateStore>(
    store: &S,
) -> Result<(), Failure> {
    let (partition, key) = (partition("a"), key(0));
    let replace = |expects, number| vec![Change::Put(put(key.clone(), expects, number))];
    conflicts(store, &partition, replace(Some(version(9)), 1), "a put against an absent document").await?;
    committed(store, &partition, replace(None, 1)).await?;
    committed(store, &partition, replace(Some(version(1)), 2)).await?;
    for stale in [1, 9] {
        conflicts(store, &partition, replace(Some(version(stale)), 3), "a put against another version")
            .await?;
        holds(store, &partition, &key, Some(2), "after a conflict").await?;
    }
    committed(store, &partition, replace(Some(version(2)), 4)).await?;
    holds(store, &partition, &key, Some(4), "after a put").await
}

/// If a document exists, then a put that expects no document is refused, even if the document has
/// no bytes.
pub(in crate::conformance) async fn a_creation_expects_absence<S: StateStore>(
    store: &S,
) -> Result<(), Failure> {
    let partition = partition("a");
    let empty = Put { bytes: Vec::new(), ..put(key(1), None, 2) };
    committed(store, &partition, vec![Change::Put(put(key(0), None, 1)), Change::Put(empty)]).await?;
    for number in [0, 1] {
        let again = vec![Change::Put(put(key(number), None, 3))];
        conflicts(store, &partition, again, "a creation over a document").await?;
    }
    holds(store, &partition, &key(0), Some(1), "after a creation over a document").await
}

/// If a deletion expects a version that is not the stored version, then the commit changes nothing.
pub(in crate::conformance) async fn a_deletion_names_its_version<S: StateStore>(
    store: &S,
) -> Result<(), Failure> {
    let (partition, key) = (partition("a"), key(0));
    let delete = |number| vec![Change::Delete { key: key.clone(), expects: version(number) }];
    conflicts(store, &partition, delete(1), "a deletion of an absent document").await?;
    committed(store, &partition, vec![Change::Put(put(key.clone(), None, 1))]).await?;
    committed(store, &partition, vec![Change::Put(put(key.clone(), Some(version(1)), 2))]).await?;
    conflicts(store, &partition, delete(1), "a deletion of an earlier version").await?;
    holds(store, &partition, &key, Some(2), "after a conflict").await?;
    committed(store, &partition, delete(2)).await?;
    holds(store, &partition, &key, None, "after a deletion").await
}

/// A commit also compares the documents that it does not change, but only checks. A check demands
/// that a document has a certain version, or that the document is absent.
pub(in crate::conformance) async fn a_check_is_compared<S: StateStore>(store: &S) -> Result<(), Failure> {
    let partition = partition("a");
    committed(store, &partition, vec![Change::Put(put(key(0), None, 1))]).await?;
    let checking = |checked, expects| {
        vec![Change::Put(put(key(5), None, 5)), Change::Check { key: key(checked), expects }]
    };
    for (checked, expects) in [(0, None), (0, Some(version(2))), (1, Some(version(1)))] {
        conflicts(store, &partition, checking(checked, expects), "a failing check").await?;
        holds(store, &partition, &key(5), None, "after a failing check").await?;
    }
    let checks = [(0, Some(version(1))), (1, None)];
    let checks = checks.map(|(number, expects)| Change::Check { key: key(number), expects });
    committed(store, &partition, checks.to_vec()).await?;
    committed(store, &partition, checking(0, Some(version(1)))).await?;
    holds(store, &partition, &key(0), Some(1), "after a check").await?;
    holds(store, &partition, &key(5), Some(5), "after a put with a check").await
}

/// If the version that one change expects does not match, then the commit makes none of its
/// changes. This holds for every order of the changes.
pub(in crate::conformance) async fn all_changes_are_made_or_none<S: StateStore>(
    store: &S,
) -> Result<(), Failure> {
    let partition = partition("a");
    committed(store, &partition, (0..3).map(|number| Change::Put(put(key(number), None, number))).collect())
        .await?;
    let changes = [
        Change::Put(put(key(0), Some(version(0)), 10)),
        Change::Delete { key: key(1), expects: version(1) },
        Change::Put(put(key(4), None, 14)),
    ];
    for place in 0..=changes.len() {
        let mut failing = changes.to_vec();
        failing.insert(place, Change::Put(put(key(2), None, 12)));
        conflicts(store, &partition, failing, "a commit with one failing change").await?;
        for (number, found) in [(0, Some(0)), (1, Some(1)), (2, Some(2)), (4, None)] {
            holds(store, &partition, &key(number), found, "after a conflict of another change").await?;
        }
    }
    committed(store, &partition, changes.to_vec()).await?;
    for (number, found) in [(0, Some(10)), (1, None), (2, Some(2)), (4, Some(14))] {
        holds(store, &partition, &key(number), found, "after a commit").await?;
    }
    let most = (100..).take(Changes::MAX).map(|number| Change::Put(put(key(number), None, number)));
    committed(store, &partition, most.collect()).await?;
    holds(store, &partition, &key(100 + Changes::MAX as u64 - 1), Some(131), "after the largest commit").await
}

/// A conflict returns the present document of each change, in the order of the changes. This
/// includes the documents whose version matches.
pub(in crate::conformance) async fn a_conflict_answers_the_document_of_each_change<S: StateStore>(
    store: &S,
) -> Result<(), Failure> {
    let partition = partition("a");
    committed(store, &partition, (0..3).map(|number| Change::Put(put(key(number), None, number))).collect())
        .await?;
    let outcome = commit(
        store,
        &partition,
        vec![
            Change::Check { key: key(2), expects: Some(version(2)) },
            Change::Put(put(key(3), None, 3)),
            Change::Put(put(key(0), None, 9)),
            Change::Check { key: key(1), expects: Some(version(1)) },
        ],
    )
    .await?;
    let expected = vec![Some(document(2)), None, Some(document(0)), Some(document(1))];
    ensure!(outcome == CommitOutcome::Conflict(expected), "a conflicting commit returned {outcome:?}");
    Ok(())
}

/// If a document is deleted and created again with the same content, then a change that expects the
/// version of the deleted document does not match.
pub(in crate::conformance) async fn a_document_created_again_has_no_earlier_version<S: StateStore>(
    store: &S,
) -> Result<(), Failure> {
    let (partition, key) = (partition("a"), key(0));
    committed(store, &partition, vec![Change::Put(put(key.clone(), None, 1))]).await?;
    committed(store, &partition, vec![Change::Delete { key: key.clone(), expects: version(1) }]).await?;
    let again = Put { version: version(2), ..put(key.clone(), None, 1) };
    committed(store, &partition, vec![Change::Put(again)]).await?;
    for change in [
        Change::Put(put(key.clone(), Some(version(1)), 3)),
        Change::Delete { key: key.clone(), expects: version(1) },
        Change::Check { key: key.clone(), expects: Some(version(1)) },
    ] {
        conflicts(store, &partition, vec![change], "a change of the version before the deletion").await?;
    }
    committed(store, &partition, vec![Change::Put(put(key.clone(), Some(version(2)), 4))]).await
}

/// A store may return "full" only for a commit that creates an expendable document.
pub(in crate::conformance) async fn only_expendable_creations_find_no_room<S: StateStore>(
    store: &S,
) -> Result<(), Failure> {
    let of = |number: u64| partition(&number.to_string());
    let expendable =
        |number, expects, next| Change::Put(Put { expendable: true, ..put(key(number), expects, next) });
    let mut made = Vec::new();
    for number in 0..200 {
        match commit(store, &of(number), vec![expendable(number, None, number)]).await? {
            CommitOutcome::Committed => made.push(number),
            CommitOutcome::Full => {
                holds(store, &of(number), &key(number), None, "after Full").await?;
                let mixed = vec![Change::Put(put(key(1), None, 1)), expendable(2, None, 2)];
                let outcome = commit(store, &of(number), mixed).await?;
                ensure!(outcome == CommitOutcome::Full, "a creation in a full store returned {outcome:?}");
                holds(store, &of(number), &key(1), None, "after Full for another document").await?;
                committed(store, &of(number), vec![Change::Put(put(key(1), None, 1))]).await?;
            }
            outcome @ CommitOutcome::Conflict(_) => {
                return Err(Failure::new(format!("a creation returned {outcome:?}")));
            }
        }
    }
    for number in made {
        committed(store, &of(number), vec![expendable(number, Some(version(number)), number + 2_000)])
            .await?;
        holds(store, &of(number), &key(number), Some(number + 2_000), "in a full store").await?;
        let (key, expects) = (key(number), version(number + 2_000));
        committed(store, &of(number), vec![Change::Delete { key, expects }]).await?;
    }
    Ok(())
}

/// If the future of a commit is dropped, then the commit has made all its changes or none. The
/// dropped future does not block later calls of the store.
pub(in crate::conformance) async fn a_dropped_commit_is_made_whole_or_not_at_all<S: StateStore>(
    store: &S,
) -> Result<(), Failure> {
    let partition = partition("a");
    for pending in 0..64 {
        let keys = [key(2 * pending), key(2 * pending + 1)];
        let keep_until = Some(at(1_000));
        let creation = |key| Change::Put(Put { keep_until, ..put(key, None, pending) });
        let creations = keys.clone().map(creation).to_vec();
        let changes = Changes::new(creations).map_err(|error| Failure::new(error.to_string()))?;
        let finished = dropped_after(store.commit(&partition, &changes, at(0)), pending).await.is_some();
        let index = Index { partition: Some(partition), name: Name::of("index") };
        let _ = dropped_after(store.load(&partition, &keys), pending).await;
        let _ = dropped_after(store.list(&index, None, 10), pending).await;
        let _ = dropped_after(store.sweep(at(0), 10), pending).await;
        let found = store.load(&partition, &keys).await?;
        let made = found.iter().flatten().count();
        ensure!(
            made == 2 || (made == 0 && !finished),
            "a commit that was dropped after {pending} waits made {made} of 2 changes"
        );
        if finished {
            break;
        }
    }
    Ok(())
}

/// Polls a future until the future has been pending a given number of times. Then polls the future
/// once more, and drops it.
async fn dropped_after<T>(
    mut future: Pin<Box<dyn Future<Output = T> + Send + '_>>,
    pending: u64,
) -> Option<T> {
    let mut left = pending;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}
