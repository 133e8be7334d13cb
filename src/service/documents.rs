//! The loop that changes documents: load, apply a transition, commit, and start again after a
//! conflict.
//!
//! The loop is a service because it does I/O. It cannot be in the module `state`, which does no
//! I/O. It cannot be in the module `store` either, which does not know the content of the
//! documents. The other services share one [`Documents`].
//!
//! Callers do not pass a closure for a change, but a [`Transition`], which is a value of a type in
//! the module `state`.

mod lists;
#[cfg(test)]
mod tests;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_timer::Delay;
use time::OffsetDateTime;

use super::turns::{Turn, Turns};
use crate::{
    clock::Clock,
    error::StoreError,
    random::{RandomError, SecureRandom},
    state::{Content, Step, Transition, Write},
    store::{Change, Changes, CommitOutcome, Document, Key, Partition, Put, StateStore, Version},
};

/// The documents of a store. They change only through transitions.
#[derive(Debug)]
pub(crate) struct Documents {
    store: Arc<dyn StateStore>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn SecureRandom>,
    turns: Turns,
}

/// The documents of a transition, as one consistent snapshot.
#[derive(Debug)]
pub(crate) struct Held {
    partition: Partition,
    keys: Vec<Key>,
    documents: Vec<Option<Document>>,
}

/// The result of a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changed<A> {
    /// The answer of the transition. The writes of the transition are committed, or it had none.
    Answer(A),
    /// The store is full, and has no room for a document that the transition creates. Nothing is
    /// changed.
    Full,
}

/// The reasons why a transition fails although every store request succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GivenUp {
    #[error("too many conflicts with other writers of the same documents")]
    Contended,
    #[error("the storage backend returned {found} documents for {asked} keys")]
    Miscounted { asked: usize, found: usize },
}

impl Documents {
    /// Time for which [`commit`](Self::commit) does not fail because of conflicts. After this time,
    /// the commit fails if there were more than [`CONFLICTS`](Self::CONFLICTS) conflicts. The
    /// caller then gets "unavailable".
    const PATIENCE: Duration = Duration::from_secs(2);
    /// Number of conflicts up to which [`commit`](Self::commit) does not fail, even after 2 s. If
    /// there were so few conflicts in 2 s, the machine is slow, and there are not too many writers.
    const CONFLICTS: u32 = 16;
    /// The base of the random pause that a caller with a turn makes after a conflict. The maximum
    /// of the pause doubles with each conflict, up to [`LONGEST_PAUSE`](Self::LONGEST_PAUSE).
    /// During the pause, the other callers with conflicts in this partition wait for the turn.
    const FIRST_PAUSE: Duration = Duration::from_millis(2);
    const LONGEST_PAUSE: Duration = Duration::from_millis(32);

    pub(crate) fn new(
        store: Arc<dyn StateStore>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn SecureRandom>,
    ) -> Self {
        Self { store, clock, random, turns: Turns::new() }
    }

    /// Loads the documents of a transition.
    ///
    /// # Errors
    ///
    /// If the store request failed.
    pub(crate) async fn load(
        &self,
        partition: &Partition,
        transition: &impl Transition,
    ) -> Result<Held, StoreError> {
        let keys = transition.keys();
        let documents = counted(&keys, self.store.load(partition, &keys).await?)?;
        Ok(Held { partition: *partition, keys, documents })
    }

    /// Loads the documents of a transition and [changes](Self::change_held) them.
    ///
    /// # Errors
    ///
    /// The errors of [`commit`](Self::commit).
    pub(crate) async fn change<T: Transition>(
        &self,
        partition: &Partition,
        transition: &T,
    ) -> Result<Changed<T::Answer>, StoreError> {
        let mut held = self.load(partition, transition).await?;
        self.change_held(&mut held, transition).await
    }

    /// Loads the documents of a transition and changes them. Fails after `tries` conflicts.
    ///
    /// # Errors
    ///
    /// - Each of `tries` commits had a conflict.
    /// - The other errors of [`commit`](Self::commit).
    pub(crate) async fn change_within<T: Transition>(
        &self,
        partition: &Partition,
        transition: &T,
        tries: u32,
    ) -> Result<Changed<T::Answer>, StoreError> {
        let mut held = self.load(partition, transition).await?;
        let step = self.propose(&held, transition)?;
        self.commit_while(&mut held, transition, step, |conflicts, _| conflicts < tries).await
    }

    /// Applies a transition to documents that were loaded or committed before, and
    /// [commits](Self::commit) its writes.
    ///
    /// # Errors
    ///
    /// The errors of [`commit`](Self::commit).
    pub(crate) async fn change_held<T: Transition>(
        &self,
        held: &mut Held,
        transition: &T,
    ) -> Result<Changed<T::Answer>, StoreError> {
        let step = self.propose(held, transition)?;
        self.commit(held, transition, step).await
    }

    /// Applies a transition to held documents, without a commit. If the transition writes nothing,
    /// the caller can use its answer without a commit.
    ///
    /// # Errors
    ///
    /// If a document cannot be decoded.
    pub(crate) fn propose<T: Transition>(
        &self,
        held: &Held,
        transition: &T,
    ) -> Result<Step<T::Answer>, StoreError> {
        held.apply(transition, self.clock.now())
    }

    /// Commits the writes of a transition. After a conflict, applies the transition again to the
    /// present documents, and commits these writes. After a success, `held` holds the committed
    /// documents. If the transition writes nothing, no commit is made.
    ///
    /// A commit checks that each document of the transition still has the version to which the
    /// transition was applied. A caller waits for a turn only after a conflict, so a caller without
    /// a conflict is not delayed.
    ///
    /// # Errors
    ///
    /// - If the store request failed. The store has possibly made the commit, so the commit is not
    ///   sent again.
    /// - If a document cannot be decoded.
    /// - If there were more than 16 conflicts with other writers, and 2 s have passed.
    pub(crate) async fn commit<T: Transition>(
        &self,
        held: &mut Held,
        transition: &T,
        step: Step<T::Answer>,
    ) -> Result<Changed<T::Answer>, StoreError> {
        self.commit_while(held, transition, step, |conflicts, elapsed| {
            conflicts <= Self::CONFLICTS || elapsed < Self::PATIENCE
        })
        .await
    }

    /// Commits the writes of a transition. After each conflict, `goes_on` gets the number of
    /// conflicts and the elapsed time. If `goes_on` returns true, the commit is tried again.
    /// Otherwise this method fails.
    async fn commit_while<T: Transition>(
        &self,
        held: &mut Held,
        transition: &T,
        mut step: Step<T::Answer>,
        goes_on: impl Fn(u32, Duration) -> bool + Send,
    ) -> Result<Changed<T::Answer>, StoreError> {
        let began = Instant::now();
        let mut turn = None;
        let mut conflicts = 0;
        while !step.writes_nothing() {
            if conflicts > 0 && self.wait(&held.partition, &mut turn, conflicts).await? {
                // During the wait, other writers have possibly changed the documents, so they are
                // loaded again.
                *held = self.load(&held.partition, transition).await?;
                step = self.propose(held, transition)?;
                if step.writes_nothing() {
                    break;
                }
            }
            let changes = self.changes(held, step.writes)?;
            match self.store.commit(&held.partition, &changes, self.clock.now()).await? {
                CommitOutcome::Committed => {
                    held.committed(changes);
                    return Ok(Changed::Answer(step.answer));
                }
                CommitOutcome::Full => return Ok(Changed::Full),
                CommitOutcome::Conflict(current) => held.documents = counted(&held.keys, current)?,
            }
            conflicts += 1;
            if !goes_on(conflicts, began.elapsed()) {
                return Err(StoreError::new(GivenUp::Contended));
            }
            step = self.propose(held, transition)?;
        }
        Ok(Changed::Answer(step.answer))
    }

    /// Waits before the next commit, after a conflict. A caller without a turn waits for one. A
    /// caller that has a turn pauses for a random time. It had the conflict with another node or
    /// with a caller without a turn. Returns true if the caller has waited.
    async fn wait<'turns>(
        &'turns self,
        partition: &Partition,
        turn: &mut Option<Turn<'turns>>,
        conflicts: u32,
    ) -> Result<bool, StoreError> {
        if turn.as_ref().is_none_or(|turn| !turn.has_come()) {
            let (taken, waited) = self.turns.take(partition).await;
            *turn = Some(taken);
            return Ok(waited);
        }
        let longest = Self::FIRST_PAUSE.saturating_mul(1 << conflicts.min(10)).min(Self::LONGEST_PAUSE);
        let mut bytes = [0; 4];
        self.random.fill(&mut bytes).map_err(StoreError::new)?;
        Delay::new(longest.mul_f64(f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))).await;
        Ok(true)
    }

    /// Builds the changes of a commit. Each change expects that its document still has the version
    /// that was read.
    fn changes(&self, held: &Held, writes: Vec<Write>) -> Result<Changes, StoreError> {
        let versions =
            held.documents.iter().map(|document| document.as_ref().map(|document| document.version));
        let changes = held.keys.iter().zip(versions).zip(writes);
        let changes = changes.map(|((key, expects), write)| self.change_of(key.clone(), expects, write));
        let changes = changes.collect::<Result<_, _>>().map_err(StoreError::new)?;
        Changes::new(changes).map_err(StoreError::new)
    }

    fn change_of(&self, key: Key, expects: Option<Version>, write: Write) -> Result<Change, RandomError> {
        Ok(match (write, expects) {
            (Write::Put(Content { bytes, keep_until, expendable, index }), _) => {
                let version = Version::draw(&*self.random)?;
                Change::Put(Put { key, expects, version, keep_until, expendable, index, bytes })
            }
            (Write::Delete, Some(expects)) => Change::Delete { key, expects },
            (Write::Delete | Write::Keep, _) => Change::Check { key, expects },
        })
    }
}

impl Held {
    fn apply<T: Transition>(
        &self,
        transition: &T,
        now: OffsetDateTime,
    ) -> Result<Step<T::Answer>, StoreError> {
        let contents =
            self.documents.iter().map(|document| document.as_ref().map(|document| &*document.bytes));
        transition.apply(&contents.collect::<Vec<_>>(), now).map_err(StoreError::new)
    }

    /// Replaces the held documents by the documents that a commit has written.
    fn committed(&mut self, changes: Changes) {
        for (document, change) in self.documents.iter_mut().zip(changes.into_vec()) {
            match change {
                Change::Put(Put { version, bytes, .. }) => *document = Some(Document { version, bytes }),
                Change::Delete { .. } => *document = None,
                Change::Check { .. } => {}
            }
        }
    }
}

/// Refuses a store's result that does not have exactly one entry for each document key. Entries
/// belong to document keys by position. So one entry too few or too many would give documents to
/// the wrong document keys. The entry of a document that does not exist is none.
fn counted(keys: &[Key], documents: Vec<Option<Document>>) -> Result<Vec<Option<Document>>, StoreError> {
    let (asked, found) = (keys.len(), documents.len());
    if asked == found { Ok(documents) } else { Err(StoreError::new(GivenUp::Miscounted { asked, found })) }
}
