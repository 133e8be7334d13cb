use std::{
    fmt,
    num::NonZero,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::{
    error::StoreError,
    store::{
        Changes, CommitOutcome, Document, Generation, GenerationId, Index, Insert, Key, Listed, Partition,
        Position, StateStore, TokenStore,
    },
    token::{Grant, GrantId, Origin, Subject},
};

/// A store that has two handles on one database, and sends its calls to the two handles in turn. A
/// handle is a store that your backend has opened.
///
/// Use this store to test that your backend's verbs keep the rules of the suite also on two nodes.
///
/// ```text
/// store: || async {
///     let address = new_database();
///     Alternating::new([open(&address).await, open(&address).await])
/// };
/// ```
pub struct Alternating<S> {
    handles: [S; 2],
    calls: AtomicUsize,
}

impl<S> Alternating<S> {
    /// Creates a store that sends its calls to these two handles in turn.
    pub const fn new(handles: [S; 2]) -> Self {
        Self { handles, calls: AtomicUsize::new(0) }
    }

    fn next(&self) -> &S {
        let [first, second] = &self.handles;
        if self.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) { first } else { second }
    }
}

impl<S> fmt::Debug for Alternating<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alternating(..)")
    }
}

#[async_trait]
impl<S: TokenStore> TokenStore for Alternating<S> {
    async fn generation(&self, subject: &Subject, fresh: GenerationId) -> Result<Generation, StoreError> {
        self.next().generation(subject, fresh).await
    }

    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
        cap: NonZero<usize>,
        now: OffsetDateTime,
    ) -> Result<Insert, StoreError> {
        self.next().insert(grant, origin, generation, cap, now).await
    }

    async fn find(&self, id: &GrantId, now: OffsetDateTime) -> Result<Option<Grant>, StoreError> {
        self.next().find(id, now).await
    }

    async fn revoke(
        &self,
        id: &GrantId,
        now: OffsetDateTime,
        bar_until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.next().revoke(id, now, bar_until).await
    }

    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&GrantId>,
        fresh: GenerationId,
        now: OffsetDateTime,
    ) -> Result<Generation, StoreError> {
        self.next().revoke_all(subject, keep, fresh, now).await
    }

    async fn revoke_everything(
        &self,
        fresh: GenerationId,
        now: OffsetDateTime,
    ) -> Result<GenerationId, StoreError> {
        self.next().revoke_everything(fresh, now).await
    }

    async fn grants(
        &self,
        subject: &Subject,
        limit: usize,
        now: OffsetDateTime,
    ) -> Result<Vec<(Grant, Origin)>, StoreError> {
        self.next().grants(subject, limit, now).await
    }

    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.next().purge_tokens(now, limit).await
    }
}

#[async_trait]
impl<S: StateStore> StateStore for Alternating<S> {
    async fn load(&self, partition: &Partition, keys: &[Key]) -> Result<Vec<Option<Document>>, StoreError> {
        self.next().load(partition, keys).await
    }

    async fn commit(
        &self,
        partition: &Partition,
        changes: &Changes,
        now: OffsetDateTime,
    ) -> Result<CommitOutcome, StoreError> {
        self.next().commit(partition, changes, now).await
    }

    async fn list(
        &self,
        index: &Index,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        StateStore::list(self.next(), index, after, limit).await
    }

    async fn sweep(&self, until: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.next().sweep(until, limit).await
    }
}
