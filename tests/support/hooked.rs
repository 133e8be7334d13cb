//! A memory store whose every verb is noticed first.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use commerce_auth::{
    AuditEvent, AuditSink, CustomerId, Digest, Grant, MemoryStore, Origin, StoreError, Subject,
    store::{
        Attempt, Generation, Insert, OneTimeCredential, OtcStore, Outcome, Presented, Reserve, Store, Take,
        ThrottleKey, ThrottleStore, TokenStore,
    },
};
use time::OffsetDateTime;

type Hook = Box<dyn Fn(&str) -> Result<(), StoreError> + Send + Sync>;

/// Calls its hook with the name of each verb, and the verb only if the hook allows it.
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
    fn audit_sink(&self) -> Option<Arc<dyn AuditSink>> {
        self.inner.audit_sink().filter(|_| self.keeps_audit)
    }
}

#[async_trait]
impl TokenStore for Hooked {
    async fn generation(&self, subject: &Subject) -> Result<Generation, StoreError> {
        (self.hook)("generation")?;
        self.inner.generation(subject).await
    }

    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
        now: OffsetDateTime,
    ) -> Result<Insert, StoreError> {
        (self.hook)("insert")?;
        self.inner.insert(grant, origin, generation, now).await
    }

    async fn find(&self, digest: &Digest, now: OffsetDateTime) -> Result<Option<Grant>, StoreError> {
        (self.hook)("find")?;
        self.inner.find(digest, now).await
    }

    async fn revoke(
        &self,
        d: &Digest,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        (self.hook)("revoke")?;
        self.inner.revoke(d, now, until).await
    }

    async fn revoke_all(
        &self,
        s: &Subject,
        keep: Option<&Digest>,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        (self.hook)("revoke_all")?;
        self.inner.revoke_all(s, keep, now).await
    }

    async fn revoke_everything(&self, now: OffsetDateTime) -> Result<(), StoreError> {
        (self.hook)("revoke_everything")?;
        self.inner.revoke_everything(now).await
    }

    async fn list(&self, subject: &Subject, now: OffsetDateTime) -> Result<Vec<(Grant, Origin)>, StoreError> {
        (self.hook)("list")?;
        self.inner.list(subject, now).await
    }

    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        (self.hook)("purge_tokens")?;
        self.inner.purge_tokens(now, limit).await
    }
}

#[async_trait]
impl OtcStore for Hooked {
    async fn put(&self, c: &OneTimeCredential, keep: usize, now: OffsetDateTime) -> Result<bool, StoreError> {
        (self.hook)("put")?;
        self.inner.put(c, keep, now).await
    }

    async fn peek(
        &self,
        p: &Presented,
        now: OffsetDateTime,
    ) -> Result<Option<OneTimeCredential>, StoreError> {
        (self.hook)("peek")?;
        self.inner.peek(p, now).await
    }

    async fn take(
        &self,
        p: &Presented,
        buys: Option<&Digest>,
        now: OffsetDateTime,
    ) -> Result<Take, StoreError> {
        (self.hook)("take")?;
        self.inner.take(p, buys, now).await
    }

    async fn discard(&self, customer: &CustomerId) -> Result<(), StoreError> {
        (self.hook)("discard")?;
        self.inner.discard(customer).await
    }

    async fn purge_codes(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        (self.hook)("purge_codes")?;
        self.inner.purge_codes(now, limit).await
    }
}

#[async_trait]
impl ThrottleStore for Hooked {
    async fn reserve(&self, attempt: &Attempt, now: OffsetDateTime) -> Result<Reserve, StoreError> {
        (self.hook)(&format!("reserve {}", attempt.charges.len()))?;
        self.inner.reserve(attempt, now).await
    }

    async fn settle(
        &self,
        attempt: &Attempt,
        outcome: Outcome,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        (self.hook)(&format!("settle {outcome:?}"))?;
        self.inner.settle(attempt, outcome, now).await
    }

    async fn clear(&self, account: &ThrottleKey) -> Result<(), StoreError> {
        (self.hook)("clear")?;
        self.inner.clear(account).await
    }

    async fn purge_attempts(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        (self.hook)("purge_attempts")?;
        self.inner.purge_attempts(now, limit).await
    }
}
