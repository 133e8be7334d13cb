//! A memory store whose every verb is noticed first.

use std::{fmt, future::poll_fn, num::NonZero, sync::Arc, task::Poll};

use async_trait::async_trait;
use commerce_auth::{
    Digest, Grant, MemoryStore, Origin, StoreError, Subject,
    store::{
        Changes, CommitOutcome, Document, Generation, GenerationId, Index, Insert, Key, Listed, Partition,
        Position, StateStore, TokenStore,
    },
};
use time::OffsetDateTime;

type Hook = Box<dyn Fn(&str) -> Result<(), StoreError> + Send + Sync>;

/// Calls its hook with the name of each verb, and the verb only if the hook allows it. As with a real store, no verb is
/// done at once: what begins in one poll of a flow is asked at the same time.
pub struct Hooked {
    inner: Arc<MemoryStore>,
    hook: Hook,
}

impl Hooked {
    pub fn new(hook: impl Fn(&str) -> Result<(), StoreError> + Send + Sync + 'static) -> Self {
        Self::over(Arc::default(), hook)
    }

    /// The same, over a store that others use too.
    pub fn over(
        inner: Arc<MemoryStore>,
        hook: impl Fn(&str) -> Result<(), StoreError> + Send + Sync + 'static,
    ) -> Self {
        Self { inner, hook: Box::new(hook) }
    }

    async fn called(&self, verb: &str) -> Result<(), StoreError> {
        (self.hook)(verb)?;
        yield_now().await;
        Ok(())
    }
}

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooked(..)")
    }
}

#[async_trait]
impl TokenStore for Hooked {
    async fn generation(&self, subject: &Subject, fresh: GenerationId) -> Result<Generation, StoreError> {
        self.called("generation").await?;
        self.inner.generation(subject, fresh).await
    }

    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
        cap: NonZero<usize>,
        now: OffsetDateTime,
    ) -> Result<Insert, StoreError> {
        self.called("insert").await?;
        self.inner.insert(grant, origin, generation, cap, now).await
    }

    async fn find(&self, digest: &Digest, now: OffsetDateTime) -> Result<Option<Grant>, StoreError> {
        self.called("find").await?;
        self.inner.find(digest, now).await
    }

    async fn revoke(
        &self,
        digest: &Digest,
        now: OffsetDateTime,
        bar_until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.called("revoke").await?;
        self.inner.revoke(digest, now, bar_until).await
    }

    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&Digest>,
        fresh: GenerationId,
        now: OffsetDateTime,
    ) -> Result<Generation, StoreError> {
        self.called("revoke_all").await?;
        self.inner.revoke_all(subject, keep, fresh, now).await
    }

    async fn revoke_everything(
        &self,
        fresh: GenerationId,
        now: OffsetDateTime,
    ) -> Result<GenerationId, StoreError> {
        self.called("revoke_everything").await?;
        self.inner.revoke_everything(fresh, now).await
    }

    async fn grants(
        &self,
        subject: &Subject,
        limit: usize,
        now: OffsetDateTime,
    ) -> Result<Vec<(Grant, Origin)>, StoreError> {
        self.called("grants").await?;
        self.inner.grants(subject, limit, now).await
    }

    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.called("purge_tokens").await?;
        self.inner.purge_tokens(now, limit).await
    }
}

#[async_trait]
impl StateStore for Hooked {
    async fn load(&self, partition: &Partition, keys: &[Key]) -> Result<Vec<Option<Document>>, StoreError> {
        self.called(&format!("load {}", keys[0].kind)).await?;
        self.inner.load(partition, keys).await
    }

    async fn commit(
        &self,
        partition: &Partition,
        changes: &Changes,
        now: OffsetDateTime,
    ) -> Result<CommitOutcome, StoreError> {
        self.called(&format!("commit {}", changes[0].key().kind)).await?;
        self.inner.commit(partition, changes, now).await
    }

    async fn list(
        &self,
        index: &Index,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        self.called(&format!("list {}", index.name)).await?;
        StateStore::list(&*self.inner, index, after, limit).await
    }

    async fn sweep(&self, until: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.called("sweep").await?;
        self.inner.sweep(until, limit).await
    }
}

async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
