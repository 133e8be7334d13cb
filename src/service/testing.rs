//! A memory store that counts its calls, and nodes with clocks, for the tests of services.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use time::OffsetDateTime;

use super::Documents;
pub(crate) use crate::state::testing::{at, digest, enrolment_id, factor_id, generation, grant_id};
use crate::{
    clock::ManualClock,
    error::StoreError,
    random::danger::SeededRandom,
    store::{
        Changes, CommitOutcome, Document, Index, Key, Listed, Partition, Position, StateStore,
        memory::MemoryStore,
    },
};

/// A memory store that counts its calls.
#[derive(Default)]
pub(crate) struct WatchedStore {
    pub(crate) inner: MemoryStore,
    loads: AtomicUsize,
    commits: AtomicUsize,
    lists: AtomicUsize,
    /// True if the store loses the replies of commits: it makes each commit and returns an error.
    pub(crate) loses_replies: AtomicBool,
    /// The number of the first commit that fails, counted since the last [`calls`](Self::calls).
    /// All later commits fail, too. 0 means that no commit fails.
    pub(crate) fails_from: AtomicUsize,
}

/// A node: its documents and its clock.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) documents: Arc<Documents>,
    pub(crate) clock: Arc<ManualClock>,
}

impl WatchedStore {
    /// Returns the numbers of loads, commits and lists since the last call.
    pub(crate) fn calls(&self) -> [usize; 3] {
        [&self.loads, &self.commits, &self.lists].map(|count| count.swap(0, Ordering::Relaxed))
    }

    /// Creates a node on this store. Each node needs a different `seed`, so that two nodes do not
    /// draw the same version.
    pub(crate) fn node(self: &Arc<Self>, seed: u8) -> Node {
        let clock = Arc::new(ManualClock::new(at(0)));
        let random = Arc::new(SeededRandom::from_seed([seed; 32]));
        Node { documents: Arc::new(Documents::new(self.clone(), clock.clone(), random)), clock }
    }
}

impl Node {
    pub(crate) fn set(&self, seconds: i64) {
        self.clock.set(at(seconds));
    }
}

impl fmt::Debug for WatchedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WatchedStore(..)")
    }
}

#[async_trait]
impl StateStore for WatchedStore {
    async fn load(&self, partition: &Partition, keys: &[Key]) -> Result<Vec<Option<Document>>, StoreError> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        StateStore::load(&self.inner, partition, keys).await
    }

    async fn commit(
        &self,
        partition: &Partition,
        changes: &Changes,
        now: OffsetDateTime,
    ) -> Result<CommitOutcome, StoreError> {
        let number = self.commits.fetch_add(1, Ordering::Relaxed) + 1;
        if (1..=number).contains(&self.fails_from.load(Ordering::Relaxed)) {
            return Err(StoreError::new("down"));
        }
        let outcome = self.inner.commit(partition, changes, now).await;
        if self.loses_replies.load(Ordering::Relaxed) { Err(StoreError::new("lost")) } else { outcome }
    }

    async fn list(
        &self,
        index: &Index,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        self.lists.fetch_add(1, Ordering::Relaxed);
        StateStore::list(&self.inner, index, after, limit).await
    }

    async fn sweep(&self, until: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.inner.sweep(until, limit).await
    }
}
