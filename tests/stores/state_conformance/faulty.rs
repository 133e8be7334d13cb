//! A memory store with one fault.

use std::{
    collections::HashMap,
    io,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use async_trait::async_trait;
use commerce_auth::{
    StateStore,
    error::StoreError,
    store::{
        Change, Changes, CommitOutcome, Document, DocumentId, Index, Key, Listed, Partition, Position, Put,
        Version, memory::MemoryStore,
    },
};
use time::OffsetDateTime;

type Result<T> = std::result::Result<T, StoreError>;

macro_rules! faults {
    ($($fault:ident,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Fault {
            $($fault,)*
        }
    };
}

faults! {
    None,
    IsUnreachable,
    CutsAtNul,
    CutsAt65535Bytes,
    LoadsInTheOrderOfKeys,
    MixesKinds,
    AcceptsUnknownVersions,
    TakesAnEmptyDocumentForNone,
    DeletesAnEarlierVersion,
    IgnoresChecksOfAbsence,
    DeletesInSpiteOfAConflict,
    AnswersOnlyWhatConflicts,
    ComparesBytes,
    IsFullForUpdates,
    HalvesADroppedCommit,
    TakesAnExpiredDocumentForNone,
    RemovesAfterTenMinutes,
    SweepsWithoutAnEnd,
    SweepsAMicrosecondEarly,
    SweepsBeyondItsLimit,
    KeepsAnEndThatIsTakenAway,
    OrdersRanksWithoutSign,
    GoesOnBehindTheRank,
    ListsAHundred,
    DropsTheEntryThatIsPutAgain,
    ListsWhatIsGone,
    MixesIndexes,
    PutsInTwoSteps,
    CreatesInTwoSteps,
    ChecksInTwoSteps,
    LoadsInTwoSteps,
    AnswersAConflictInTwoSteps,
    ListsInTwoSteps,
    SweepsInTwoSteps,
}

type Place = (Partition, Key);

#[derive(Debug)]
pub(crate) struct Faulty {
    pub(crate) inner: MemoryStore,
    pub(crate) fault: Fault,
    /// The last put of each document.
    puts: Mutex<HashMap<Place, Put>>,
    /// The content of every version that ever existed.
    contents: Mutex<HashMap<Version, Vec<u8>>>,
    expendable: AtomicUsize,
}

impl Faulty {
    pub(crate) fn new(fault: Fault) -> Self {
        let (puts, contents, expendable) = Default::default();
        Self { inner: MemoryStore::new(), fault, puts, contents, expendable }
    }

    pub(crate) fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn reach(&self) -> Result<()> {
        match self.fault {
            Fault::IsUnreachable => Err(StoreError::new(io::Error::from(io::ErrorKind::ConnectionRefused))),
            _ => Ok(()),
        }
    }

    fn puts(&self) -> MutexGuard<'_, HashMap<Place, Put>> {
        self.puts.lock().unwrap()
    }

    /// Returns the places of documents whose last put has ended by this time.
    pub(crate) fn over(&self, until: OffsetDateTime) -> Vec<Place> {
        let puts = self.puts();
        let over = puts.iter().filter(|(_, put)| put.keep_until.is_some_and(|end| end <= until));
        over.map(|(place, _)| place.clone()).collect()
    }

    /// Deletes a document whatever its version is.
    pub(crate) async fn remove(&self, (partition, key): Place) -> Result<bool> {
        loop {
            let Some(document) = self.inner_load(&partition, &key).await? else { return Ok(false) };
            let delete = Change::Delete { key: key.clone(), expects: document.version };
            if self.inner_commit(&partition, vec![delete]).await? == CommitOutcome::Committed {
                self.puts().remove(&(partition, key));
                return Ok(true);
            }
        }
    }

    pub(crate) async fn inner_load(&self, partition: &Partition, key: &Key) -> Result<Option<Document>> {
        Ok(StateStore::load(&self.inner, partition, std::slice::from_ref(key)).await?.pop().flatten())
    }

    pub(crate) async fn inner_commit(
        &self,
        partition: &Partition,
        changes: Vec<Change>,
    ) -> Result<CommitOutcome> {
        self.inner.commit(partition, &Changes::new(changes).unwrap(), OffsetDateTime::UNIX_EPOCH).await
    }

    /// Returns the place at which the faulty store puts a document.
    fn bent_key(&self, key: &Key) -> Key {
        let mut key = key.clone();
        if self.is(Fault::MixesKinds) {
            key.kind = "document".parse().unwrap();
        }
        key
    }

    /// Returns the put that the faulty store makes.
    fn bent_put(&self, last: Option<Put>, put: &mut Put) {
        match self.fault {
            Fault::CutsAtNul => {
                let text = put.bytes.iter().position(|byte| *byte == 0);
                put.bytes.truncate(text.unwrap_or(put.bytes.len()));
            }
            Fault::CutsAt65535Bytes => put.bytes.truncate(65_535),
            Fault::KeepsAnEndThatIsTakenAway => {
                put.keep_until = put.keep_until.or(last.and_then(|last| last.keep_until));
            }
            Fault::DropsTheEntryThatIsPutAgain => {
                let earlier = last.map(|last| last.index).unwrap_or_default();
                put.index.retain(|entry| !earlier.contains(entry));
            }
            Fault::ListsWhatIsGone => {
                let replaced = |name| put.index.iter().any(|entry| entry.name == name);
                let gone: Vec<_> = last
                    .into_iter()
                    .flat_map(|last| last.index)
                    .filter(|entry| !replaced(entry.name.clone()))
                    .collect();
                put.index.extend(gone);
            }
            _ => {}
        }
    }

    /// Returns the version that the faulty store compares, in place of the one that a change
    /// expects.
    fn bent_expects(
        &self,
        change: &Change,
        last: Option<&Put>,
        found: Option<&Document>,
        now: OffsetDateTime,
    ) -> Option<Version> {
        let (expects, present) = (change.expects(), found.map(|document| document.version));
        let accepts = match (self.fault, change) {
            (Fault::AcceptsUnknownVersions, Change::Put(_)) => {
                expects.is_some_and(|version| !self.contents.lock().unwrap().contains_key(&version))
            }
            (Fault::TakesAnEmptyDocumentForNone, Change::Put(_)) => {
                expects.is_none() && found.is_some_and(|document| document.bytes.is_empty())
            }
            (Fault::DeletesAnEarlierVersion, Change::Delete { .. }) => {
                let contents = self.contents.lock().unwrap();
                let expected = expects.and_then(|version| contents.get(&version));
                // A version of an earlier document does not count.
                expected.is_some() && expected != found.map(|document| &document.bytes)
            }
            (Fault::IgnoresChecksOfAbsence, Change::Check { .. }) => expects.is_none(),
            (Fault::ComparesBytes, _) => {
                let contents = self.contents.lock().unwrap();
                let expected = expects.and_then(|version| contents.get(&version));
                expected.is_some() && expected == found.map(|document| &document.bytes)
            }
            // No document has this version, so that the result is a conflict.
            (Fault::TakesAnExpiredDocumentForNone, Change::Put(_)) if found.is_some() => {
                let over = last.and_then(|last| last.keep_until).is_some_and(|end| end <= now);
                return expects.filter(|_| !over);
            }
            _ => false,
        };
        if accepts { present } else { expects }
    }

    /// Returns the changes that the faulty store makes.
    async fn bent(
        &self,
        partition: &Partition,
        changes: &Changes,
        now: OffsetDateTime,
    ) -> Result<Vec<Change>> {
        let mut bent = Vec::new();
        for change in changes.iter() {
            let key = self.bent_key(change.key());
            let found = self.inner_load(partition, &key).await?;
            let last = self.puts().get(&(*partition, key.clone())).cloned();
            let expects = self.bent_expects(change, last.as_ref(), found.as_ref(), now);
            bent.push(match (change.clone(), expects) {
                (Change::Put(mut put), expects) => {
                    put.key = key;
                    self.bent_put(last, &mut put);
                    self.contents.lock().unwrap().insert(put.version, put.bytes.clone());
                    Change::Put(Put { expects, ..put })
                }
                (Change::Delete { .. }, Some(expects)) => Change::Delete { key, expects },
                (Change::Delete { .. } | Change::Check { .. }, expects) => Change::Check { key, expects },
            });
        }
        Ok(bent)
    }

    async fn after_a_commit(
        &self,
        partition: &Partition,
        changes: &[Change],
        now: OffsetDateTime,
    ) -> Result<()> {
        for change in changes {
            let place = (*partition, change.key().clone());
            match change {
                Change::Put(put) => {
                    let creation = usize::from(put.expendable && put.expects.is_none());
                    self.expendable.fetch_add(creation, Ordering::Relaxed);
                    self.puts().insert(place, put.clone());
                }
                Change::Delete { .. } => {
                    self.puts().remove(&place);
                }
                Change::Check { .. } => {}
            }
        }
        if self.is(Fault::RemovesAfterTenMinutes) {
            for place in self.over(now - Duration::from_secs(600)) {
                self.remove(place).await?;
            }
        }
        Ok(())
    }
}

/// Makes half of a commit if it is dropped.
struct Halves<'a> {
    store: &'a Faulty,
    partition: &'a Partition,
    first: Option<Change>,
}

impl Drop for Halves<'_> {
    fn drop(&mut self) {
        if let Some(first) = self.first.take() {
            let _ = pollster::block_on(self.store.inner_commit(self.partition, vec![first]));
        }
    }
}

/// Pending once.
async fn one_wait() {
    let mut waited = false;
    std::future::poll_fn(|context| {
        if waited {
            return Poll::Ready(());
        }
        waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[async_trait]
impl StateStore for Faulty {
    async fn load(&self, partition: &Partition, keys: &[Key]) -> Result<Vec<Option<Document>>> {
        self.reach()?;
        let mut keys: Vec<_> = keys.iter().map(|key| self.bent_key(key)).collect();
        match self.fault {
            Fault::LoadsInTheOrderOfKeys => keys.sort(),
            Fault::LoadsInTwoSteps => return self.load_in_two_steps(partition, &keys).await,
            _ => {}
        }
        StateStore::load(&self.inner, partition, &keys).await
    }

    async fn commit(
        &self,
        partition: &Partition,
        changes: &Changes,
        now: OffsetDateTime,
    ) -> Result<CommitOutcome> {
        self.reach()?;
        let bent = self.bent(partition, changes, now).await?;
        let updates =
            |change: &Change| matches!(change, Change::Put(put) if put.expendable && put.expects.is_some());
        if self.is(Fault::IsFullForUpdates)
            && self.expendable.load(Ordering::Relaxed) > 100
            && bent.iter().any(updates)
        {
            return Ok(CommitOutcome::Full);
        }
        if self.is(Fault::HalvesADroppedCommit) {
            let mut halves = Halves { store: self, partition, first: bent.first().cloned() };
            one_wait().await;
            halves.first = None;
        }
        let outcome = match self.fault {
            Fault::PutsInTwoSteps | Fault::CreatesInTwoSteps | Fault::ChecksInTwoSteps => {
                self.commit_in_two_steps(partition, bent.clone()).await?
            }
            _ => self.inner.commit(partition, &Changes::new(bent.clone()).unwrap(), now).await?,
        };
        match (outcome, self.fault) {
            (CommitOutcome::Committed, _) => {
                self.after_a_commit(partition, &bent, now).await?;
                Ok(CommitOutcome::Committed)
            }
            (CommitOutcome::Conflict(current), Fault::AnswersOnlyWhatConflicts) => {
                let only = current.into_iter().zip(&bent).map(|(document, change)| {
                    document.filter(|document| Some(document.version) != change.expects())
                });
                Ok(CommitOutcome::Conflict(only.collect()))
            }
            (CommitOutcome::Conflict(current), Fault::DeletesInSpiteOfAConflict) => {
                let deletions = bent.into_iter().filter(|change| matches!(change, Change::Delete { .. }));
                let _ = self.inner_commit(partition, deletions.collect()).await?;
                Ok(CommitOutcome::Conflict(current))
            }
            (CommitOutcome::Conflict(_), Fault::AnswersAConflictInTwoSteps) => {
                let keys: Vec<_> = bent.iter().map(|change| change.key().clone()).collect();
                Ok(CommitOutcome::Conflict(self.load_in_two_steps(partition, &keys).await?))
            }
            (outcome, _) => Ok(outcome),
        }
    }

    async fn list(&self, index: &Index, after: Option<&Position>, limit: usize) -> Result<Vec<Listed>> {
        self.reach()?;
        let all = |index, after| StateStore::list(&self.inner, index, after, usize::MAX);
        match self.fault {
            Fault::OrdersRanksWithoutSign => {
                let mut found = all(index, after).await?;
                found.sort_by_key(|listed| listed.position.rank.cast_unsigned());
                found.truncate(limit);
                Ok(found)
            }
            Fault::GoesOnBehindTheRank => {
                let last = DocumentId::from_bytes([255; 32]);
                let after = after.map(|after| Position {
                    partition: Partition::from_bytes([255; 32]),
                    key: Key { id: last, ..after.key.clone() },
                    ..after.clone()
                });
                StateStore::list(&self.inner, index, after.as_ref(), limit).await
            }
            Fault::ListsAHundred => StateStore::list(&self.inner, index, after, limit.min(100)).await,
            Fault::MixesIndexes => {
                let mut found = all(index, after).await?;
                if index.partition.is_some() {
                    found.extend(all(&Index { partition: None, name: index.name.clone() }, after).await?);
                }
                found.truncate(limit);
                Ok(found)
            }
            Fault::ListsInTwoSteps => self.list_in_two_steps(index, after, limit).await,
            _ => StateStore::list(&self.inner, index, after, limit).await,
        }
    }

    async fn sweep(&self, until: OffsetDateTime, limit: usize) -> Result<usize> {
        self.reach()?;
        let until = match self.fault {
            Fault::SweepsAMicrosecondEarly => until + Duration::from_micros(1),
            _ => until,
        };
        match self.fault {
            Fault::SweepsBeyondItsLimit => self.inner.sweep(until, limit + 1).await,
            Fault::SweepsInTwoSteps => self.sweep_in_two_steps(until, limit).await,
            Fault::SweepsWithoutAnEnd => {
                let endless = |put: &Put| put.expects.is_none() && put.keep_until.is_none();
                let puts: Vec<_> =
                    self.puts().iter().map(|(place, put)| (place.clone(), put.clone())).collect();
                for (place, _) in puts.into_iter().filter(|(_, put)| endless(put)) {
                    self.remove(place).await?;
                }
                self.inner.sweep(until, limit).await
            }
            _ => self.inner.sweep(until, limit).await,
        }
    }
}
