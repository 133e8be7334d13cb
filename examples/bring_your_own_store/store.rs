//! A store of the host's own.

use std::{
    cmp::Reverse,
    collections::HashMap,
    num::NonZero,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use commerce_auth::{
    AuditSink, CustomerId, Digest, Grant, Keyring, MemoryStore, Origin, StoreError, Subject,
    store::{
        AssistanceEnd, AssistanceEntry, Changes, CommitOutcome, Document, Generation, GenerationId, Index,
        Insert, Key, LedgerStore, Listed, OneTimeCredential, OtcStore, Partition, Position, Presented,
        StateStore, Store, Take, TokenStore,
    },
};
use time::OffsetDateTime;

/// Tokens under one lock over plain maps: each verb is one atomic operation because each takes the lock once.
/// In a real shop: one statement of a database. All else is left to the crate's memory store.
#[derive(Debug, Default)]
pub struct OwnStore {
    tables: Mutex<Tables>,
    rest: MemoryStore,
}

#[derive(Debug, Default)]
struct Tables {
    grants: HashMap<Digest, (Grant, Origin)>,
    barred: HashMap<Digest, OffsetDateTime>,
    /// Only what the library hands in; a subject has none before it is revoked.
    generations: HashMap<Subject, GenerationId>,
    shop: Option<GenerationId>,
}

impl OwnStore {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn generation(&mut self, subject: &Subject, fresh: GenerationId) -> Generation {
        let shop = *self.shop.get_or_insert(fresh);
        Generation { shop, subject: self.generations.get(subject).copied() }
    }

    /// The newest first; of one time, the largest digest first.
    fn live(&self, subject: &Subject, now: OffsetDateTime) -> Vec<(Grant, Origin)> {
        let is_live = |grant: &Grant| grant.subject == *subject && now < grant.expires_at;
        let mut live: Vec<_> = self.grants.values().filter(|(grant, _)| is_live(grant)).cloned().collect();
        live.sort_by_key(|(grant, _)| Reverse((grant.issued_at, *grant.digest.as_bytes())));
        live
    }
}

impl Store for OwnStore {
    /// This store keeps no audit trail. A shop with admin users names a sink: `AuthBuilder::audit`.
    fn audit_sink(&self, _keyring: Option<&Keyring>) -> Option<Arc<dyn AuditSink>> {
        None
    }
}

#[async_trait]
impl TokenStore for OwnStore {
    async fn generation(&self, subject: &Subject, fresh: GenerationId) -> Result<Generation, StoreError> {
        Ok(self.tables().generation(subject, fresh))
    }

    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
        cap: NonZero<usize>,
        now: OffsetDateTime,
    ) -> Result<Insert, StoreError> {
        let mut tables = self.tables();
        let subject = tables.generations.get(&grant.subject).copied();
        // A shop without a generation counts as moved.
        if (tables.shop, subject) != (Some(generation.shop), generation.subject) {
            return Ok(Insert::Revoked);
        }
        if tables.barred.get(&grant.digest).is_some_and(|until| now < *until) {
            return Ok(Insert::Barred);
        }
        if tables.grants.contains_key(&grant.digest) {
            return Ok(Insert::Collision);
        }
        // The oldest others go, until there is room for this one.
        let others = tables.live(&grant.subject, now).into_iter().skip(cap.get() - 1);
        for (other, _) in others.collect::<Vec<_>>() {
            tables.grants.remove(&other.digest);
        }
        tables.grants.insert(grant.digest, (grant.clone(), origin.clone()));
        Ok(Insert::Stored)
    }

    async fn find(&self, digest: &Digest, now: OffsetDateTime) -> Result<Option<Grant>, StoreError> {
        let tables = self.tables();
        let found = tables.grants.get(digest).map(|(grant, _)| grant.clone());
        Ok(found.filter(|grant| now < grant.expires_at))
    }

    async fn revoke(
        &self,
        digest: &Digest,
        now: OffsetDateTime,
        bar_until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let until = tables.barred.entry(*digest).or_insert(bar_until);
        *until = bar_until.max(*until);
        Ok(tables.grants.remove(digest).is_some_and(|(grant, _)| now < grant.expires_at))
    }

    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&Digest>,
        fresh: GenerationId,
        _now: OffsetDateTime,
    ) -> Result<Generation, StoreError> {
        let mut tables = self.tables();
        tables.generations.insert(subject.clone(), fresh);
        tables.grants.retain(|digest, (grant, _)| grant.subject != *subject || Some(digest) == keep);
        Ok(tables.generation(subject, fresh))
    }

    async fn revoke_everything(
        &self,
        fresh: GenerationId,
        _now: OffsetDateTime,
    ) -> Result<GenerationId, StoreError> {
        let mut tables = self.tables();
        tables.grants.clear();
        Ok(*tables.shop.insert(fresh))
    }

    async fn grants(
        &self,
        subject: &Subject,
        limit: usize,
        now: OffsetDateTime,
    ) -> Result<Vec<(Grant, Origin)>, StoreError> {
        let mut live = self.tables().live(subject, now);
        live.truncate(limit);
        Ok(live)
    }

    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        let mut tables = self.tables();
        let before = tables.grants.len();
        let mut left = limit;
        tables.grants.retain(|_, (grant, _)| {
            let goes = left > 0 && grant.expires_at <= now;
            left -= usize::from(goes);
            !goes
        });
        tables.barred.retain(|_, until| now < *until);
        Ok(before - tables.grants.len())
    }
}

#[async_trait]
impl OtcStore for OwnStore {
    async fn put(
        &self,
        credential: &OneTimeCredential,
        keep: usize,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.rest.put(credential, keep, now).await
    }

    async fn peek(
        &self,
        presented: &Presented,
        now: OffsetDateTime,
    ) -> Result<Option<OneTimeCredential>, StoreError> {
        self.rest.peek(presented, now).await
    }

    async fn take(
        &self,
        presented: &Presented,
        buys: Option<&Digest>,
        now: OffsetDateTime,
    ) -> Result<Take, StoreError> {
        self.rest.take(presented, buys, now).await
    }

    async fn discard(&self, customer: &CustomerId) -> Result<(), StoreError> {
        self.rest.discard(customer).await
    }

    async fn purge_codes(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.rest.purge_codes(now, limit).await
    }
}

#[async_trait]
impl StateStore for OwnStore {
    async fn load(&self, partition: &Partition, keys: &[Key]) -> Result<Vec<Option<Document>>, StoreError> {
        self.rest.load(partition, keys).await
    }

    async fn commit(
        &self,
        partition: &Partition,
        changes: &Changes,
        now: OffsetDateTime,
    ) -> Result<CommitOutcome, StoreError> {
        self.rest.commit(partition, changes, now).await
    }

    async fn list(
        &self,
        index: &Index,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        StateStore::list(&self.rest, index, after, limit).await
    }

    async fn sweep(&self, until: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.rest.sweep(until, limit).await
    }
}

#[async_trait]
impl LedgerStore for OwnStore {
    async fn begin_assistance(&self, entry: &AssistanceEntry) -> Result<(), StoreError> {
        self.rest.begin_assistance(entry).await
    }

    async fn end_assistance(
        &self,
        grant: &Digest,
        end: AssistanceEnd,
        at: OffsetDateTime,
    ) -> Result<Option<AssistanceEntry>, StoreError> {
        self.rest.end_assistance(grant, end, at).await
    }

    async fn find_assistance(&self, grant: &Digest) -> Result<Option<AssistanceEntry>, StoreError> {
        self.rest.find_assistance(grant).await
    }

    async fn open_assistance(&self, limit: usize) -> Result<Vec<AssistanceEntry>, StoreError> {
        self.rest.open_assistance(limit).await
    }

    async fn assistance_of(
        &self,
        customer: &CustomerId,
        limit: usize,
    ) -> Result<Vec<AssistanceEntry>, StoreError> {
        self.rest.assistance_of(customer, limit).await
    }

    async fn erase_assistance(&self, customer: &CustomerId) -> Result<usize, StoreError> {
        self.rest.erase_assistance(customer).await
    }

    async fn purge_assistance(&self, until: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.rest.purge_assistance(until, limit).await
    }
}

// The suite every store must pass, on this one. It stands where a host's own tests would have it; here they include this
// file: `cargo test --features conformance --test bring_your_own_store`.
#[cfg(all(test, feature = "conformance"))]
commerce_auth::store_conformance! {
    mod own_store;
    runtime: |future| pollster::block_on(future);
    store: || async { OwnStore::default() };
}
