//! Cases of the state store that are races. Callers on separate threads start each round at the
//! same moment. A race has up to 2,000 rounds.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use super::{Put, at, commit, committed, ensure, holds, key, load, partition, put, version};
use crate::{
    conformance::{Arena, Failure, arena::Results},
    store::{Change, CommitOutcome, Document, Index, IndexEntry, Name, Partition, StateStore},
};

/// Returns a number for a version. No other caller and no other round gets this number. The lowest
/// number of a round is 8 × (`round` + 1).
fn number_of(caller: usize, round: u64) -> u64 {
    (round + 1) << 3 | u64::try_from(caller).unwrap_or(7)
}

/// If four callers replace one version of a document, then exactly one succeeds and its document is
/// stored.
pub(in crate::conformance) fn no_update_is_lost<S: StateStore>(arena: &Arena<'_, S>) -> Result<(), Failure> {
    arena.run(committed(arena.store(), &partition("a"), vec![Change::Put(put(key(0), None, 0))]))??;
    one_commit_wins(arena, |_| 0)
}

/// If four callers create the same document, then exactly one succeeds.
pub(in crate::conformance) fn one_creation_wins<S: StateStore>(arena: &Arena<'_, S>) -> Result<(), Failure> {
    one_commit_wins(arena, |round| round)
}

/// Runs rounds in which four callers put the same document at once. For a round, `place` returns
/// the number of the document key. Each caller expects the version that the document had when the
/// round began.
fn one_commit_wins<S: StateStore>(
    arena: &Arena<'_, S>,
    place: impl Fn(u64) -> u64 + Sync,
) -> Result<(), Failure> {
    let (store, partition, won, place) = (arena.store(), partition("a"), Results::new(), &place);
    let present = Mutex::new(None);
    let prepare = |round: u64| {
        let (won, present) = (won.take(), &present);
        async move {
            let found = load(store, &partition, &key(place(round))).await?.map(|found| found.version);
            *present.lock().unwrap_or_else(PoisonError::into_inner) = found;
            let Some(before) = round.checked_sub(1) else { return Ok(()) };
            let &[number] = &*won else {
                return Err(Failure::new(format!(
                    "{} of four commits against one version succeeded",
                    won.len()
                )));
            };
            holds(store, &partition, &key(place(before)), Some(number), "after a race").await
        }
    };
    arena.rounds(4, prepare, |caller, round| {
        let (won, present) = (&won, *present.lock().unwrap_or_else(PoisonError::into_inner));
        async move {
            let number = number_of(caller, round);
            let change = Change::Put(put(key(place(round)), present, number));
            if commit(store, &partition, vec![change]).await? == CommitOutcome::Committed {
                won.push(number);
            }
            Ok(())
        }
    })
}

/// Two callers commit at once. Each caller changes one of two documents, and checks that the other
/// document is unchanged. Exactly one caller succeeds.
pub(in crate::conformance) fn a_check_holds_until_the_commit<S: StateStore>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let (store, partition, won) = (arena.store(), partition("a"), Results::new());
    let prepare = |round: u64| {
        let won = won.take().len();
        async move {
            ensure!(won <= 1, "both callers changed the document that the other one had checked");
            let creations = [0, 1].map(|own| Change::Put(put(key(2 * round + own), None, 1)));
            committed(store, &partition, creations.to_vec()).await
        }
    };
    arena.rounds(2, prepare, |caller, round| {
        let won = &won;
        async move {
            let [own, other] = if caller == 0 { [0, 1] } else { [1, 0] };
            let changes = vec![
                Change::Put(put(key(2 * round + own), Some(version(1)), number_of(caller, round))),
                Change::Check { key: key(2 * round + other), expects: Some(version(1)) },
            ];
            if commit(store, &partition, changes).await? == CommitOutcome::Committed {
                won.push(());
            }
            Ok(())
        }
    })
}

/// A load returns both documents of a concurrent commit or neither.
pub(in crate::conformance) fn a_load_is_of_one_moment<S: StateStore>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let partition = partition("a");
    of_one_moment(arena, partition, |store| async move {
        Ok(store.load(&partition, &[key(0), key(1)]).await?.into_iter().flatten().collect())
    })
}

/// A conflict returns both documents of a concurrent commit or neither.
pub(in crate::conformance) fn a_conflict_is_of_one_moment<S: StateStore>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let partition = partition("a");
    of_one_moment(arena, partition, |store| async move {
        let creations = [0, 1].map(|number| Change::Put(put(key(number), None, 1)));
        match commit(store, &partition, creations.to_vec()).await? {
            CommitOutcome::Conflict(current) => Ok(current.into_iter().flatten().collect()),
            outcome => Err(Failure::new(format!("a creation over documents returned {outcome:?}"))),
        }
    })
}

/// A list of a partition's index returns both documents of a concurrent commit or neither.
pub(in crate::conformance) fn a_list_is_of_one_moment<S: StateStore>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let partition = partition("a");
    let index = Index { partition: Some(partition), name: INDEX };
    of_one_moment(arena, partition, |store| {
        let index = &index;
        async move {
            let found = store.list(index, None, 10).await?;
            for listed in &found {
                let (rank, number) = (listed.position.rank, number(&listed.document));
                ensure!(i64::try_from(number) == Ok(rank), "rank {rank} was listed with document {number}");
            }
            Ok(found.into_iter().map(|listed| listed.document).collect())
        }
    })
}

const INDEX: Name = Name::of("index");

/// Runs a race of two callers. One caller commits two documents with equal content, again and again
/// with new content. The other caller reads both documents, which must be equal each time.
fn of_one_moment<'a, S: StateStore, F: Future<Output = Result<Vec<Document>, Failure>> + Send>(
    arena: &'a Arena<'_, S>,
    partition: Partition,
    read: impl Fn(&'a S) -> F + Sync,
) -> Result<(), Failure> {
    let store = arena.store();
    let pair = |number: u64| {
        let expects = number.checked_sub(1).map(version);
        let put_one = |place| {
            let rank = i64::try_from(number).unwrap_or_default();
            let index = vec![IndexEntry { shop_wide: false, name: INDEX, rank }];
            Change::Put(Put { index, ..put(key(place), expects, number) })
        };
        vec![put_one(0), put_one(1)]
    };
    arena.run(committed(store, &partition, pair(0)))??;
    let (finished, began) = (AtomicBool::new(false), Instant::now());
    let results = arena.race(2, |caller| {
        let (finished, read, pair) = (&finished, &read, &pair);
        async move {
            if caller == 0 {
                for number in 1..=Arena::<S>::ROUNDS {
                    let made = committed(store, &partition, pair(number)).await;
                    let is_last = number == Arena::<S>::ROUNDS || began.elapsed() >= Arena::<S>::LONGEST;
                    finished.store(made.is_err() || is_last, Ordering::Relaxed);
                    made?;
                    if is_last {
                        break;
                    }
                }
                return Ok(());
            }
            while !finished.load(Ordering::Relaxed) {
                let seen = read(store).await?;
                let [first, second] = &*seen else {
                    return Err(Failure::new(format!("{} documents of a pair were read", seen.len())));
                };
                ensure!(first == second, "{first:?} was read together with {second:?}");
            }
            Ok(())
        }
    })?;
    results.into_iter().collect()
}

/// A sweep does not remove an expired document that a successful commit has just extended.
pub(in crate::conformance) fn a_sweep_spares_what_is_committed_meanwhile<S: StateStore>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let (store, partition, kept) = (arena.store(), partition("a"), AtomicBool::new(false));
    let prepare = |round: u64| {
        let kept = kept.swap(false, Ordering::SeqCst);
        async move {
            if let Some(before) = round.checked_sub(1).filter(|_| kept) {
                let found = load(store, &partition, &key(before)).await?;
                ensure!(found.is_some(), "a sweep removed a document that had been put again");
            }
            let over = Put { keep_until: Some(at(0)), ..put(key(round), None, 1) };
            committed(store, &partition, vec![Change::Put(over)]).await
        }
    };
    arena.rounds(2, prepare, |caller, round| {
        let kept = &kept;
        async move {
            if caller == 0 {
                store.sweep(at(0), 100).await?;
                return Ok(());
            }
            let longer = Put { keep_until: Some(at(9_000)), ..put(key(round), Some(version(1)), 2) };
            let outcome = commit(store, &partition, vec![Change::Put(longer)]).await?;
            kept.store(outcome == CommitOutcome::Committed, Ordering::SeqCst);
            Ok(())
        }
    })
}

/// Returns the number that [`content`](super::content) has put into the document.
fn number(document: &Document) -> u64 {
    let digits = document.bytes.iter().filter(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}
