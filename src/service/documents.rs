//! The one loop that loads documents, applies a transition to them, commits, and starts again after a
//! conflict.
//!
//! It stands among the services because it is the lowest place that may do I/O with what `state` decides:
//! `state` is pure, and `store` must not know what its bytes mean. Other services own one [`Documents`] each
//! or share it; flows do not see it. It takes a [`Transition`], a value of the layer below, instead of a
//! closure of the layer above.

#[cfg(test)]
mod tests;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_timer::Delay;

use super::turns::{Turn, Turns};
use crate::{
    clock::Clock,
    error::StoreError,
    random::{RandomError, SecureRandom},
    state::{Content, Transition, Write},
    store::{Change, Changes, CommitOutcome, Document, Key, Partition, Put, StateStore, Version},
};

/// Documents behind their transitions.
#[derive(Debug)]
pub(crate) struct Documents {
    store: Arc<dyn StateStore>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn SecureRandom>,
    turns: Turns,
}

/// The result of a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changed<A> {
    /// It is committed, or its answer changes nothing.
    Answer(A),
    /// The store has no room for the document that it would create. Nothing is changed.
    Full,
}

/// The reason why a transition is given up although the store works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GivenUp {
    #[error("other writers changed the same documents for {} s", Documents::PATIENCE.as_secs())]
    Contended,
    #[error("the storage backend answered {found} documents for {asked} keys")]
    Miscounted { asked: usize, found: usize },
}

impl Documents {
    /// After this time a conflict ends the transition, and the caller gets "unavailable".
    const PATIENCE: Duration = Duration::from_secs(2);
    /// The longest pause after the first conflict under a turn; twice as long each time.
    const FIRST_PAUSE: Duration = Duration::from_millis(2);
    const LONGEST_PAUSE: Duration = Duration::from_millis(100);

    pub(crate) fn new(
        store: Arc<dyn StateStore>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn SecureRandom>,
    ) -> Self {
        Self { store, clock, random, turns: Turns::new() }
    }

    /// Applies a transition to documents of one partition and commits what it writes.
    ///
    /// An answer that writes nothing rests on a load. Any other rests on every document of the transition,
    /// in the version that it was applied to. The first commit takes no turn.
    ///
    /// # Errors
    ///
    /// The store failed: a commit whose outcome is unknown is not sent again. Or a document cannot be read,
    /// or other writers were faster for 2 s.
    pub(crate) async fn change<T: Transition>(
        &self,
        partition: &Partition,
        transition: &T,
    ) -> Result<Changed<T::Answer>, StoreError> {
        let began = Instant::now();
        let keys = transition.keys();
        let mut documents = self.load(partition, &keys).await?;
        let mut turn = None;
        let mut conflicts = 0;
        let mut waits = false;
        loop {
            let now = self.clock.now();
            let contents: Vec<_> =
                documents.iter().map(|document| document.as_ref().map(|document| &*document.bytes)).collect();
            let step = transition.apply(&contents, now).map_err(StoreError::new)?;
            let Some(changes) = self.changes(&keys, &documents, step.writes)? else {
                return Ok(Changed::Answer(step.answer));
            };
            if waits {
                waits = false;
                if self.wait(partition, &mut turn, conflicts).await? {
                    // Others went on meanwhile.
                    documents = self.load(partition, &keys).await?;
                    continue;
                }
            }
            match self.store.commit(partition, &changes, now).await? {
                CommitOutcome::Committed => return Ok(Changed::Answer(step.answer)),
                CommitOutcome::Full => return Ok(Changed::Full),
                CommitOutcome::Conflict(current) => documents = counted(&keys, current)?,
            }
            if began.elapsed() >= Self::PATIENCE {
                return Err(StoreError::new(GivenUp::Contended));
            }
            conflicts += 1;
            waits = true;
        }
    }

    async fn load(&self, partition: &Partition, keys: &[Key]) -> Result<Vec<Option<Document>>, StoreError> {
        counted(keys, self.store.load(partition, keys).await?)
    }

    /// Waits for a turn after the first conflict, and with full jitter after each later one: those are with
    /// other nodes. Returns true if time has passed.
    async fn wait<'turns>(
        &'turns self,
        partition: &Partition,
        turn: &mut Option<Turn<'turns>>,
        conflicts: u32,
    ) -> Result<bool, StoreError> {
        if turn.is_none() {
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

    /// The changes of a commit: each key with the version that its document was read at. None if nothing is
    /// written.
    fn changes(
        &self,
        keys: &[Key],
        documents: &[Option<Document>],
        writes: Vec<Write>,
    ) -> Result<Option<Changes>, StoreError> {
        if writes.iter().all(|write| matches!(write, Write::Keep)) {
            return Ok(None);
        }
        let versions = documents.iter().map(|document| document.as_ref().map(|document| document.version));
        let changes = keys.iter().zip(versions).zip(writes);
        let changes = changes.map(|((key, expects), write)| self.change_of(key.clone(), expects, write));
        let changes = changes.collect::<Result<_, _>>().map_err(StoreError::new)?;
        Changes::new(changes).map(Some).map_err(StoreError::new)
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

/// Refuses an answer that leaves out a document: the keys behind it would get the wrong ones.
fn counted(keys: &[Key], documents: Vec<Option<Document>>) -> Result<Vec<Option<Document>>, StoreError> {
    let (asked, found) = (keys.len(), documents.len());
    if asked == found { Ok(documents) } else { Err(StoreError::new(GivenUp::Miscounted { asked, found })) }
}
