//! Callers on threads of their own, in loops of a thousand rounds.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{Put, at, commit, committed, content, ensure, key, load, partition, put, version};
use crate::{
    conformance::{Arena, Failure},
    store::{Change, CommitOutcome, Document, Index, IndexEntry, Name, Partition, StateStore},
};

const ROUNDS: u64 = 1_000;

/// A version that no other caller and round has.
fn version_of(caller: usize, round: u64) -> u64 {
    (round + 1) << 8 | u64::try_from(caller).unwrap_or(u64::MAX)
}

/// Four callers add one to a number, each a thousand times. Every commit that is answered counts.
pub(in crate::conformance) fn no_update_is_lost<S: StateStore>(arena: &Arena<'_, S>) -> Result<(), Failure> {
    let (store, partition) = (arena.store(), partition("a"));
    arena.run(committed(store, &partition, vec![Change::Put(put(key(0), None, 0))]))??;
    let made = AtomicU64::new(0);
    let results = arena.race(4, |caller| {
        let made = &made;
        async move {
            let mut present = load(store, &partition, &key(0)).await?;
            for round in 0..ROUNDS {
                let Some(document) = present.take() else { return Err(Failure::new("the document is gone")) };
                let next = number(&document) + 1;
                let unique = version_of(caller, round);
                let replaced = put(key(0), Some(document.version), unique);
                let change = Change::Put(Put { bytes: content(next), ..replaced });
                present = match commit(store, &partition, vec![change]).await? {
                    CommitOutcome::Committed => {
                        made.fetch_add(1, Ordering::Relaxed);
                        Some(Document { version: version(unique), bytes: content(next) })
                    }
                    CommitOutcome::Conflict(mut current) => current.pop().flatten(),
                    CommitOutcome::Full => return Err(Failure::new("an update was answered Full")),
                };
            }
            Ok(())
        }
    })?;
    results.into_iter().collect::<Result<(), Failure>>()?;
    let made = made.into_inner();
    let found = arena.run(load(store, &partition, &key(0)))??.map(|document| number(&document));
    ensure!(found == Some(made), "{made} updates were committed, and the number is {found:?}");
    Ok(())
}

/// Of four callers that create the same document, one does.
pub(in crate::conformance) fn one_creation_wins<S: StateStore>(arena: &Arena<'_, S>) -> Result<(), Failure> {
    let (store, partition) = (arena.store(), partition("a"));
    let results = arena.race(4, |caller| async move {
        let mut won = Vec::new();
        for round in 0..ROUNDS {
            let creation = Change::Put(put(key(round), None, version_of(caller, round)));
            if commit(store, &partition, vec![creation]).await? == CommitOutcome::Committed {
                won.push(round);
            }
        }
        Ok(won)
    })?;
    let mut won = results.into_iter().collect::<Result<Vec<_>, Failure>>()?.concat();
    won.sort_unstable();
    ensure!(won.iter().copied().eq(0..ROUNDS), "{} creations of {ROUNDS} documents won", won.len());
    Ok(())
}

/// Each of two callers changes one document if the other one's is unchanged: at most one of them does.
pub(in crate::conformance) fn a_check_holds_until_the_commit<S: StateStore>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let (store, partition) = (arena.store(), partition("a"));
    arena.run(async {
        for first in (0..2 * ROUNDS).step_by(20) {
            let creations = (first..first + 20).map(|number| Change::Put(put(key(number), None, 1)));
            committed(store, &partition, creations.collect()).await?;
        }
        Ok::<_, Failure>(())
    })??;
    let results = arena.race(2, |caller| async move {
        let mut won = Vec::new();
        for round in 0..ROUNDS {
            let [own, other] = if caller == 0 { [0, 1] } else { [1, 0] };
            let changes = vec![
                Change::Put(put(key(2 * round + own), Some(version(1)), version_of(caller, round))),
                Change::Check { key: key(2 * round + other), expects: Some(version(1)) },
            ];
            if commit(store, &partition, changes).await? == CommitOutcome::Committed {
                won.push(round);
            }
        }
        Ok(won)
    })?;
    let won = results.into_iter().collect::<Result<Vec<_>, Failure>>()?.concat();
    let mut rounds = won.clone();
    rounds.sort_unstable();
    rounds.dedup();
    ensure!(rounds.len() == won.len(), "two callers changed what the other had checked");
    Ok(())
}

/// A load sees both documents of a commit or neither.
pub(in crate::conformance) fn a_load_is_of_one_moment<S: StateStore>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let partition = partition("a");
    of_one_moment(arena, partition, |store| async move {
        Ok(store.load(&partition, &[key(0), key(1)]).await?.into_iter().flatten().collect())
    })
}

/// A conflict answers both documents of another commit or neither.
pub(in crate::conformance) fn a_conflict_is_of_one_moment<S: StateStore>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let partition = partition("a");
    of_one_moment(arena, partition, |store| async move {
        let creations = [0, 1].map(|number| Change::Put(put(key(number), None, 1)));
        match commit(store, &partition, creations.to_vec()).await? {
            CommitOutcome::Conflict(current) => Ok(current.into_iter().flatten().collect()),
            outcome => Err(Failure::new(format!("a creation over documents was answered {outcome:?}"))),
        }
    })
}

/// The list of a partition sees both documents of a commit or neither.
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

/// One caller commits pairs of equal documents a thousand times; the other reads, and must see pairs.
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
    let finished = AtomicBool::new(false);
    let results = arena.race(2, |caller| {
        let (finished, read, pair) = (&finished, &read, &pair);
        async move {
            if caller == 0 {
                for number in 1..=ROUNDS {
                    let made = committed(store, &partition, pair(number)).await;
                    finished.fetch_or(made.is_err() || number == ROUNDS, Ordering::Relaxed);
                    made?;
                }
                return Ok(());
            }
            while !finished.load(Ordering::Relaxed) {
                let seen = read(store).await?;
                let [first, second] = &*seen else {
                    return Err(Failure::new(format!("{} documents were seen of a pair", seen.len())));
                };
                ensure!(first == second, "{first:?} was seen with {second:?}");
            }
            Ok(())
        }
    })?;
    results.into_iter().collect()
}

/// A document that is over and put again to last longer is not swept, if the put was answered "committed".
pub(in crate::conformance) fn a_sweep_spares_what_is_committed_meanwhile<S: StateStore>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let (store, partition) = (arena.store(), partition("a"));
    let finished = AtomicBool::new(false);
    let results = arena.race(2, |caller| {
        let finished = &finished;
        async move {
            if caller == 1 {
                while !finished.load(Ordering::Relaxed) {
                    store.sweep(at(0), 100).await?;
                }
                return Ok(Vec::new());
            }
            let put_again = |round| async move {
                let over = Put { keep_until: Some(at(0)), ..put(key(round), None, 1) };
                committed(store, &partition, vec![Change::Put(over)]).await?;
                let longer = Put { keep_until: Some(at(9_000)), ..put(key(round), Some(version(1)), 2) };
                let outcome = commit(store, &partition, vec![Change::Put(longer)]).await?;
                Ok::<_, Failure>(outcome == CommitOutcome::Committed)
            };
            let mut kept = Vec::new();
            for round in 0..ROUNDS {
                let outcome = put_again(round).await;
                finished.fetch_or(outcome.is_err() || round + 1 == ROUNDS, Ordering::Relaxed);
                kept.extend(outcome?.then_some(round));
            }
            Ok(kept)
        }
    })?;
    let kept = results.into_iter().collect::<Result<Vec<_>, Failure>>()?.concat();
    arena.run(async {
        for round in kept {
            let found = load(store, &partition, &key(round)).await?;
            ensure!(found.is_some(), "a document was swept that was put again before");
        }
        Ok(())
    })?
}

/// The number that [`content`] holds.
fn number(document: &Document) -> u64 {
    let digits = document.bytes.iter().filter(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}
