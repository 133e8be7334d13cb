//! A memory store whose every verb is noticed first.

use std::{fmt, future::poll_fn, num::NonZero, sync::Arc, task::Poll};

use async_trait::async_trait;
use commerce_auth::{
    AuditEvent, AuditSink, CustomerId, Digest, Grant, Keyring, MemoryStore, Origin, StoreError, Subject,
    store::{
        AssistanceEnd, AssistanceEntry, Changes, CommitOutcome, Document, Generation, GenerationId, Index,
        Insert, Key, LedgerStore, Listed, OneTimeCredential, OtcStore, Partition, Position, Presented,
        StateStore, Store, Take, TokenStore,
    },
};
use time::OffsetDateTime;

type Hook = Box<dyn Fn(&str) -> Result<(), StoreError> + Send + Sync>;

/// Calls its hook with the name of each verb, and the verb only if the hook allows it. As with a real store, no verb is
/// done at once: what begins in one poll of a flow is asked at the same time.
pub struct Hooked {
    inner: MemoryStore,
    hook: Hook,
    keeps_audit: bool,
}

impl Hooked {
    pub fn new(hook: impl Fn(&str) -> Result<(), StoreError> + Send + Sync + 'static) -> Self {
        Self { inner: MemoryStore::new(), hook: Box::new(hook), keeps_audit: true }
    }

    /// A store that keeps no audit trail.
    pub fn without_audit() -> Self {
        Self { keeps_audit: false, ..Self::new(|_| Ok(())) }
    }

    async fn called(&self, verb: &str) -> Result<(), StoreError> {
        (self.hook)(verb)?;
        yield_now().await;
        Ok(())
    }

    pub fn audit_events(&self) -> Vec<AuditEvent> {
        self.inner.audit_events()
    }
}

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooked(..)")
    }
}

impl Store for Hooked {
    fn audit_sink(&self, keyring: Option<&Keyring>) -> Option<Arc<dyn AuditSink>> {
        self.inner.audit_sink(keyring).filter(|_| self.keeps_audit)
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
impl OtcStore for Hooked {
    async fn put(&self, c: &OneTimeCredential, keep: usize, now: OffsetDateTime) -> Result<bool, StoreError> {
        self.called("put").await?;
        self.inner.put(c, keep, now).await
    }

    async fn peek(
        &self,
        p: &Presented,
        now: OffsetDateTime,
    ) -> Result<Option<OneTimeCredential>, StoreError> {
        self.called("peek").await?;
        self.inner.peek(p, now).await
    }

    async fn take(
        &self,
        p: &Presented,
        buys: Option<&Digest>,
        now: OffsetDateTime,
    ) -> Result<Take, StoreError> {
        self.called("take").await?;
        self.inner.take(p, buys, now).await
    }

    async fn discard(&self, customer: &CustomerId) -> Result<(), StoreError> {
        self.called("discard").await?;
        self.inner.discard(customer).await
    }

    async fn purge_codes(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.called("purge_codes").await?;
        self.inner.purge_codes(now, limit).await
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
        StateStore::list(&self.inner, index, after, limit).await
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

#[async_trait]
impl LedgerStore for Hooked {
    async fn begin_assistance(&self, entry: &AssistanceEntry) -> Result<(), StoreError> {
        self.called("begin_assistance").await?;
        self.inner.begin_assistance(entry).await
    }

    async fn end_assistance(
        &self,
        grant: &Digest,
        end: AssistanceEnd,
        at: OffsetDateTime,
    ) -> Result<Option<AssistanceEntry>, StoreError> {
        self.called("end_assistance").await?;
        self.inner.end_assistance(grant, end, at).await
    }

    async fn find_assistance(&self, grant: &Digest) -> Result<Option<AssistanceEntry>, StoreError> {
        self.called("find_assistance").await?;
        self.inner.find_assistance(grant).await
    }

    async fn open_assistance(&self, limit: usize) -> Result<Vec<AssistanceEntry>, StoreError> {
        self.called("open_assistance").await?;
        self.inner.open_assistance(limit).await
    }

    async fn assistance_of(
        &self,
        customer: &CustomerId,
        limit: usize,
    ) -> Result<Vec<AssistanceEntry>, StoreError> {
        self.called("assistance_of").await?;
        self.inner.assistance_of(customer, limit).await
    }

    async fn erase_assistance(&self, customer: &CustomerId) -> Result<usize, StoreError> {
        self.called("erase_assistance").await?;
        self.inner.erase_assistance(customer).await
    }

    async fn purge_assistance(&self, until: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.called("purge_assistance").await?;
        self.inner.purge_assistance(until, limit).await
    }
}
