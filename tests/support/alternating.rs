//! Two stores on one database that take turns: what holds for one node must hold for two.

use std::{
    fmt,
    num::NonZero,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use commerce_auth::{
    AdminId, CustomerId, Digest, Grant, KeyId, Origin, Sealed, StoreError, Subject,
    store::{
        Changes, CommitOutcome, Document, Enrolment, Factor, FactorStore, Generation, GenerationId, Index,
        Insert, Key, Listed, Partition, Position, StateStore, Store, TokenStore,
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

#[async_trait]
impl<S: Store> TokenStore for Alternating<S> {
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
impl<S: Store> StateStore for Alternating<S> {
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

#[async_trait]
impl<S: Store> FactorStore for Alternating<S> {
    async fn factor(&self, admin: &AdminId) -> Result<Option<Factor>, StoreError> {
        self.next().factor(admin).await
    }

    async fn begin_enrolment(&self, enrolment: &Enrolment, now: OffsetDateTime) -> Result<(), StoreError> {
        self.next().begin_enrolment(enrolment, now).await
    }

    async fn enrolment(&self, token: &Digest, now: OffsetDateTime) -> Result<Option<Enrolment>, StoreError> {
        self.next().enrolment(token, now).await
    }

    async fn activate(
        &self,
        token: &Digest,
        step: u64,
        recovery_codes: &[Digest],
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.next().activate(token, step, recovery_codes, now).await
    }

    async fn use_step(&self, admin: &AdminId, factor: &Digest, step: u64) -> Result<bool, StoreError> {
        self.next().use_step(admin, factor, step).await
    }

    async fn lower_step(
        &self,
        admin: &AdminId,
        factor: &Digest,
        from: u64,
        to: u64,
    ) -> Result<bool, StoreError> {
        self.next().lower_step(admin, factor, from, to).await
    }

    async fn use_recovery_code(
        &self,
        admin: &AdminId,
        factor: &Digest,
        code: &Digest,
    ) -> Result<bool, StoreError> {
        self.next().use_recovery_code(admin, factor, code).await
    }

    async fn replace_recovery_codes(
        &self,
        admin: &AdminId,
        factor: &Digest,
        codes: &[Digest],
    ) -> Result<bool, StoreError> {
        self.next().replace_recovery_codes(admin, factor, codes).await
    }

    async fn reseal(
        &self,
        admin: &AdminId,
        factor: &Digest,
        expected: &Sealed,
        new: &Sealed,
    ) -> Result<bool, StoreError> {
        self.next().reseal(admin, factor, expected, new).await
    }

    async fn sealed_by_others(&self, key: KeyId, limit: usize) -> Result<Vec<(AdminId, Factor)>, StoreError> {
        self.next().sealed_by_others(key, limit).await
    }

    async fn remove_factor(&self, admin: &AdminId) -> Result<bool, StoreError> {
        self.next().remove_factor(admin).await
    }

    async fn purge_enrolments(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.next().purge_enrolments(now, limit).await
    }
}
