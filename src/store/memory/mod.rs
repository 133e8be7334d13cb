//! The embedded backend: everything in this process's memory.
//!
//! For a single node, for development, and for tests. A restart signs everybody out and forgets every lock.
//! It is bounded in what a stranger can make it hold: see [`MemoryStore::with_attempt_capacity`].

mod accounts;
mod digest_map;
mod shards;
mod state;
mod token;

pub use accounts::{MemoryAdmins, MemoryCustomers};

use std::num::NonZero;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::{Generation, GenerationId, Insert, TokenStore};
use crate::{
    error::StoreError,
    token::{Digest, Grant, Origin, Subject},
};

/// Tokens and documents in memory.
///
/// Sharded, so that cores do not wait for each other. Every write sweeps a little of what has expired, so
/// nothing needs to call [`Auth::purge`](crate::Auth::purge).
#[derive(Debug, Default)]
pub struct MemoryStore {
    tokens: token::Tokens,
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
