use async_trait::async_trait;
use time::OffsetDateTime;

use super::Faulty;
use crate::{
    error::StoreError,
    store::{Changes, CommitOutcome, Document, Index, Key, Listed, Partition, Position, StateStore, Store},
};

#[async_trait]
impl<S: Store> StateStore for Faulty<S> {
    async fn load(&self, partition: &Partition, keys: &[Key]) -> Result<Vec<Option<Document>>, StoreError> {
        self.inner.load(partition, keys).await
    }

    async fn commit(
        &self,
        partition: &Partition,
        changes: &Changes,
        now: OffsetDateTime,
    ) -> Result<CommitOutcome, StoreError> {
        self.inner.commit(partition, changes, now).await
    }

    async fn list(
        &self,
        index: &Index,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        StateStore::list(&self.inner, index, after, limit).await
    }

    async fn sweep(&self, until: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.inner.sweep(until, limit).await
    }
}
