//! Two stores on one database that take turns: what holds for one node must hold for two.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use commerce_auth::{
    AuditSink, CustomerId, Digest, Grant, Keyring, Origin, StoreError, Subject,
    store::{
        Attempt, Generation, Insert, OneTimeCredential, OtcStore, Outcome, Presented, Reserve, Store, Take,
        ThrottleKey, ThrottleStore, TokenStore,
    },
};
use time::OffsetDateTime;

pub struct Alternating<S> {
    nodes: [S; 2],
    calls: AtomicUsize,
}

impl<S> Alternating<S> {
    pub fn new(nodes: [S; 2]) -> Self {
        Self { nodes, calls: AtomicUsize::new(0) }
    }

    fn next(&self) -> &S {
        &self.nodes[self.calls.fetch_add(1, Ordering::Relaxed) % 2]
    }
}

impl<S> fmt::Debug for Alternating<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alternating(..)")
    }
}

impl<S: Store> Store for Alternating<S> {
    fn audit_sink(&self, keyring: Option<&Keyring>) -> Option<Arc<dyn AuditSink>> {
        self.next().audit_sink(keyring)
    }
}

#[async_trait]
impl<S: Store> TokenStore for Alternating<S> {
    async fn generation(&self, subject: &Subject) -> Result<Generation, StoreError> {
        self.next().generation(subject).await
    }

    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
        now: OffsetDateTime,
    ) -> Result<Insert, StoreError> {
        self.next().insert(grant, origin, generation, now).await
    }

    async fn find(&self, digest: &Digest, now: OffsetDateTime) -> Result<Option<Grant>, StoreError> {
        self.next().find(digest, now).await
    }

    async fn revoke(
        &self,
        digest: &Digest,
        now: OffsetDateTime,
        bar_until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.next().revoke(digest, now, bar_until).await
    }

    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&Digest>,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        self.next().revoke_all(subject, keep, now).await
    }

    async fn revoke_everything(&self, now: OffsetDateTime) -> Result<(), StoreError> {
        self.next().revoke_everything(now).await
    }

    async fn list(&self, subject: &Subject, now: OffsetDateTime) -> Result<Vec<(Grant, Origin)>, StoreError> {
        self.next().list(subject, now).await
    }

    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.next().purge_tokens(now, limit).await
    }
}

#[async_trait]
impl<S: Store> OtcStore for Alternating<S> {
    async fn put(
        &self,
        credential: &OneTimeCredential,
        keep: usize,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.next().put(credential, keep, now).await
    }

    async fn peek(
        &self,
        presented: &Presented,
        now: OffsetDateTime,
    ) -> Result<Option<OneTimeCredential>, StoreError> {
        self.next().peek(presented, now).await
    }

    async fn take(
        &self,
        presented: &Presented,
        buys: Option<&Digest>,
        now: OffsetDateTime,
    ) -> Result<Take, StoreError> {
        self.next().take(presented, buys, now).await
    }

    async fn discard(&self, customer: &CustomerId) -> Result<(), StoreError> {
        self.next().discard(customer).await
    }

    async fn purge_codes(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.next().purge_codes(now, limit).await
    }
}

#[async_trait]
impl<S: Store> ThrottleStore for Alternating<S> {
    async fn reserve(&self, attempt: &Attempt, now: OffsetDateTime) -> Result<Reserve, StoreError> {
        self.next().reserve(attempt, now).await
    }

    async fn settle(
        &self,
        attempt: &Attempt,
        outcome: Outcome,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.next().settle(attempt, outcome, now).await
    }

    async fn clear(&self, account: &ThrottleKey) -> Result<(), StoreError> {
        self.next().clear(account).await
    }

    async fn purge_attempts(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.next().purge_attempts(now, limit).await
    }
}
