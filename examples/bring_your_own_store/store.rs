//! A store of the host's own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use commerce_auth::{
    AdminId, AuditSink, CustomerId, Digest, Grant, KeyId, Keyring, MemoryStore, Origin, Sealed, StoreError,
    Subject,
    store::{
        AssistanceEnd, AssistanceEntry, Attempt, Enrolment, Factor, FactorStore, Generation, Insert,
        LedgerStore, OneTimeCredential, OtcStore, Outcome, Presented, Reserve, Store, Take, ThrottleKey,
        ThrottleStore, TokenStore,
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
    generations: HashMap<Subject, u64>,
    everything: u64,
}

impl OwnStore {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn generation(&self, subject: &Subject) -> Generation {
        let subject = self.generations.get(subject).copied().unwrap_or_default();
        Generation { subject, everything: self.everything }
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
    async fn generation(&self, subject: &Subject) -> Result<Generation, StoreError> {
        Ok(self.tables().generation(subject))
    }

    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
        now: OffsetDateTime,
    ) -> Result<Insert, StoreError> {
        let mut tables = self.tables();
        if tables.generation(&grant.subject) != generation {
            return Ok(Insert::Revoked);
        }
        if tables.barred.get(&grant.digest).is_some_and(|until| now < *until) {
            return Ok(Insert::Barred);
        }
        if tables.grants.contains_key(&grant.digest) {
            return Ok(Insert::Collision);
        }
        tables.grants.insert(grant.digest, (grant.clone(), origin.clone()));
        Ok(Insert::Stored)
    }

    async fn find(&self, digest: &Digest, now: OffsetDateTime) -> Result<Option<Grant>, StoreError> {
        Ok(self
            .tables()
            .grants
            .get(digest)
            .map(|(grant, _)| grant.clone())
            .filter(|grant| now < grant.expires_at))
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
        _now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut tables = self.tables();
        *tables.generations.entry(subject.clone()).or_default() += 1;
        tables.grants.retain(|digest, (grant, _)| grant.subject != *subject || Some(digest) == keep);
        Ok(())
    }

    async fn revoke_everything(&self, _now: OffsetDateTime) -> Result<(), StoreError> {
        let mut tables = self.tables();
        tables.everything += 1;
        tables.grants.clear();
        Ok(())
    }

    async fn list(&self, subject: &Subject, now: OffsetDateTime) -> Result<Vec<(Grant, Origin)>, StoreError> {
        let tables = self.tables();
        let live =
            tables.grants.values().filter(|(grant, _)| grant.subject == *subject && now < grant.expires_at);
        let mut listed: Vec<_> = live.cloned().collect();
        listed.sort_by_key(|(grant, _)| std::cmp::Reverse(grant.issued_at));
        Ok(listed)
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
impl ThrottleStore for OwnStore {
    async fn reserve(&self, attempt: &Attempt, now: OffsetDateTime) -> Result<Reserve, StoreError> {
        self.rest.reserve(attempt, now).await
    }

    async fn settle(
        &self,
        attempt: &Attempt,
        outcome: Outcome,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.rest.settle(attempt, outcome, now).await
    }

    async fn clear(&self, account: &ThrottleKey) -> Result<(), StoreError> {
        self.rest.clear(account).await
    }

    async fn purge_attempts(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.rest.purge_attempts(now, limit).await
    }
}

#[async_trait]
impl FactorStore for OwnStore {
    async fn factor(&self, admin: &AdminId) -> Result<Option<Factor>, StoreError> {
        self.rest.factor(admin).await
    }

    async fn begin_enrolment(&self, enrolment: &Enrolment, now: OffsetDateTime) -> Result<(), StoreError> {
        self.rest.begin_enrolment(enrolment, now).await
    }

    async fn enrolment(&self, token: &Digest, now: OffsetDateTime) -> Result<Option<Enrolment>, StoreError> {
        self.rest.enrolment(token, now).await
    }

    async fn activate(
        &self,
        token: &Digest,
        step: u64,
        recovery_codes: &[Digest],
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.rest.activate(token, step, recovery_codes, now).await
    }

    async fn use_step(&self, admin: &AdminId, factor: &Digest, step: u64) -> Result<bool, StoreError> {
        self.rest.use_step(admin, factor, step).await
    }

    async fn lower_step(
        &self,
        admin: &AdminId,
        factor: &Digest,
        from: u64,
        to: u64,
    ) -> Result<bool, StoreError> {
        self.rest.lower_step(admin, factor, from, to).await
    }

    async fn use_recovery_code(
        &self,
        admin: &AdminId,
        factor: &Digest,
        code: &Digest,
    ) -> Result<bool, StoreError> {
        self.rest.use_recovery_code(admin, factor, code).await
    }

    async fn replace_recovery_codes(
        &self,
        admin: &AdminId,
        factor: &Digest,
        codes: &[Digest],
    ) -> Result<bool, StoreError> {
        self.rest.replace_recovery_codes(admin, factor, codes).await
    }

    async fn reseal(
        &self,
        admin: &AdminId,
        factor: &Digest,
        expected: &Sealed,
        new: &Sealed,
    ) -> Result<bool, StoreError> {
        self.rest.reseal(admin, factor, expected, new).await
    }

    async fn sealed_by_others(&self, key: KeyId, limit: usize) -> Result<Vec<(AdminId, Factor)>, StoreError> {
        self.rest.sealed_by_others(key, limit).await
    }

    async fn remove_factor(&self, admin: &AdminId) -> Result<bool, StoreError> {
        self.rest.remove_factor(admin).await
    }

    async fn purge_enrolments(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.rest.purge_enrolments(now, limit).await
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
