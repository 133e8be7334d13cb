//! The embedded backend: everything in this process's memory.
//!
//! For a single node, for development, and for tests. A restart signs everybody out and forgets every lock.
//! It is bounded in what a stranger can make it hold: see [`MemoryStore::with_attempt_capacity`].

mod accounts;
mod digest_map;
mod factors;
mod shards;
mod state;
mod token;

pub use accounts::{MemoryAdmins, MemoryCustomers};

use std::num::NonZero;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::{Enrolment, Factor, FactorStore, Generation, GenerationId, Insert, TokenStore};
use crate::{
    account::AdminId,
    error::StoreError,
    keyring::{KeyId, Sealed},
    token::{Digest, Grant, Origin, Subject},
};

/// Tokens and documents in memory.
///
/// Sharded, so that cores do not wait for each other. Every write sweeps a little of what has expired, so
/// nothing needs to call [`Auth::purge`](crate::Auth::purge).
#[derive(Debug, Default)]
pub struct MemoryStore {
    tokens: token::Tokens,
    factors: factors::Factors,
    state: state::State,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store that counts failed attempts for about `accounts` accounts at once (250,000 by default, at about
    /// 500 bytes each; rounded up to a multiple of 256).
    ///
    /// Addresses that nobody has are counted too, so an attacker chooses how many there are. When the table is full of
    /// live counters, nothing in it is forgotten; further addresses share 64 sets of budgets for each kind of attempt, until room
    /// is free.
    /// Shared budgets lock addresses that did nothing wrong, but for no longer than the shortest of their budgets.
    #[must_use]
    pub fn with_attempt_capacity(accounts: usize) -> Self {
        Self {
            // A locked account takes two documents.
            state: state::State::with_capacity(accounts.saturating_mul(2)),
            ..Self::default()
        }
    }
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn generation(&self, subject: &Subject, fresh: GenerationId) -> Result<Generation, StoreError> {
        Ok(self.tokens.generation(subject, fresh))
    }

    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
        cap: NonZero<usize>,
        now: OffsetDateTime,
    ) -> Result<Insert, StoreError> {
        Ok(self.tokens.insert(grant, origin, generation, cap, now))
    }

    async fn find(&self, digest: &Digest, now: OffsetDateTime) -> Result<Option<Grant>, StoreError> {
        Ok(self.tokens.find(digest, now))
    }

    async fn revoke(
        &self,
        digest: &Digest,
        now: OffsetDateTime,
        bar_until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        Ok(self.tokens.revoke(digest, now, bar_until))
    }

    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&Digest>,
        fresh: GenerationId,
        _now: OffsetDateTime,
    ) -> Result<Generation, StoreError> {
        Ok(self.tokens.revoke_all(subject, keep, fresh))
    }

    async fn revoke_everything(
        &self,
        fresh: GenerationId,
        _now: OffsetDateTime,
    ) -> Result<GenerationId, StoreError> {
        Ok(self.tokens.revoke_everything(fresh))
    }

    async fn grants(
        &self,
        subject: &Subject,
        limit: usize,
        now: OffsetDateTime,
    ) -> Result<Vec<(Grant, Origin)>, StoreError> {
        Ok(self.tokens.grants(subject, limit, now))
    }

    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        Ok(self.tokens.purge(now, limit))
    }
}

#[async_trait]
impl FactorStore for MemoryStore {
    async fn factor(&self, admin: &AdminId) -> Result<Option<Factor>, StoreError> {
        Ok(self.factors.factor(admin))
    }

    async fn begin_enrolment(&self, enrolment: &Enrolment, _now: OffsetDateTime) -> Result<(), StoreError> {
        self.factors.begin_enrolment(enrolment);
        Ok(())
    }

    async fn enrolment(&self, token: &Digest, now: OffsetDateTime) -> Result<Option<Enrolment>, StoreError> {
        Ok(self.factors.enrolment(token, now))
    }

    async fn activate(
        &self,
        token: &Digest,
        step: u64,
        recovery_codes: &[Digest],
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        Ok(self.factors.activate(token, step, recovery_codes, now))
    }

    async fn use_step(&self, admin: &AdminId, factor: &Digest, step: u64) -> Result<bool, StoreError> {
        Ok(self.factors.use_step(admin, factor, step))
    }

    async fn lower_step(
        &self,
        admin: &AdminId,
        factor: &Digest,
        from: u64,
        to: u64,
    ) -> Result<bool, StoreError> {
        Ok(self.factors.lower_step(admin, factor, from, to))
    }

    async fn use_recovery_code(
        &self,
        admin: &AdminId,
        factor: &Digest,
        code: &Digest,
    ) -> Result<bool, StoreError> {
        Ok(self.factors.use_recovery_code(admin, factor, code))
    }

    async fn replace_recovery_codes(
        &self,
        admin: &AdminId,
        factor: &Digest,
        codes: &[Digest],
    ) -> Result<bool, StoreError> {
        Ok(self.factors.replace_recovery_codes(admin, factor, codes))
    }

    async fn reseal(
        &self,
        admin: &AdminId,
        factor: &Digest,
        expected: &Sealed,
        new: &Sealed,
    ) -> Result<bool, StoreError> {
        Ok(self.factors.reseal(admin, factor, expected, new))
    }

    async fn sealed_by_others(&self, key: KeyId, limit: usize) -> Result<Vec<(AdminId, Factor)>, StoreError> {
        Ok(self.factors.sealed_by_others(key, limit))
    }

    async fn remove_factor(&self, admin: &AdminId) -> Result<bool, StoreError> {
        Ok(self.factors.remove(admin))
    }

    async fn purge_enrolments(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        Ok(self.factors.purge(now, limit))
    }
}
