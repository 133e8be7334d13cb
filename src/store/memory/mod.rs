//! The embedded backend: everything in this process's memory.
//!
//! For a single node, for development, and for tests. A restart signs everybody out and forgets every lock.
//! It is bounded in what a stranger can make it hold: see [`MemoryStore::with_throttle_capacity`].

mod accounts;
mod digest_map;
mod otc;
mod shards;
mod throttle;
mod token;

pub use accounts::{MemoryAdmins, MemoryCustomers};

use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::{
    Attempt, Generation, Insert, OneTimeCredential, OtcStore, Outcome, Presented, Reserve, Store, Take,
    ThrottleKey, ThrottleStore, TokenStore,
};
use crate::{
    account::CustomerId,
    audit::{AuditEvent, AuditSink, MemoryAudit},
    error::StoreError,
    keyring::Keyring,
    token::{Digest, Grant, Origin, Subject},
};

/// Tokens, one-time credentials, attempt budgets and the newest audit events in memory.
///
/// Sharded, so that cores do not wait for each other. Every write sweeps a little of what has expired, so
/// nothing needs to call [`Auth::purge`](crate::Auth::purge).
#[derive(Debug, Default)]
pub struct MemoryStore {
    tokens: token::Tokens,
    codes: otc::Codes,
    throttle: throttle::Throttle,
    audit: Arc<MemoryAudit>,
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
    /// live counters, nothing in it is forgotten; further addresses share 1,024 counters among them until room is free.
    /// Shared counters lock addresses that did nothing wrong, but for no longer than the shortest of their budgets.
    #[must_use]
    pub fn with_throttle_capacity(accounts: usize) -> Self {
        Self { throttle: throttle::Throttle::with_capacity(accounts), ..Self::default() }
    }

    /// The newest 10,000 audit events, the oldest first.
    #[must_use]
    pub fn audit_events(&self) -> Vec<AuditEvent> {
        self.audit.events()
    }
}

impl Store for MemoryStore {
    fn audit_sink(&self, _keyring: Option<&Keyring>) -> Option<Arc<dyn AuditSink>> {
        Some(self.audit.clone())
    }
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn generation(&self, subject: &Subject) -> Result<Generation, StoreError> {
        Ok(self.tokens.generation(subject))
    }

    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
        now: OffsetDateTime,
    ) -> Result<Insert, StoreError> {
        Ok(self.tokens.insert(grant, origin, generation, now))
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
        _now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        self.tokens.revoke_all(subject, keep);
        Ok(())
    }

    async fn revoke_everything(&self, _now: OffsetDateTime) -> Result<(), StoreError> {
        self.tokens.revoke_everything();
        Ok(())
    }

    async fn list(&self, subject: &Subject, now: OffsetDateTime) -> Result<Vec<(Grant, Origin)>, StoreError> {
        Ok(self.tokens.list(subject, now))
    }

    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        Ok(self.tokens.purge(now, limit))
    }
}

#[async_trait]
impl OtcStore for MemoryStore {
    async fn put(
        &self,
        credential: &OneTimeCredential,
        keep: usize,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        Ok(self.codes.put(credential, keep, now))
    }

    async fn peek(
        &self,
        presented: &Presented,
        now: OffsetDateTime,
    ) -> Result<Option<OneTimeCredential>, StoreError> {
        Ok(self.codes.peek(presented, now))
    }

    async fn take(
        &self,
        presented: &Presented,
        buys: Option<&Digest>,
        now: OffsetDateTime,
    ) -> Result<Take, StoreError> {
        Ok(self.codes.take(presented, buys, now))
    }

    async fn discard(&self, customer: &CustomerId) -> Result<(), StoreError> {
        self.codes.discard(customer);
        Ok(())
    }

    async fn purge_codes(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        Ok(self.codes.purge(now, limit))
    }
}

#[async_trait]
impl ThrottleStore for MemoryStore {
    async fn reserve(&self, attempt: &Attempt, now: OffsetDateTime) -> Result<Reserve, StoreError> {
        Ok(self.throttle.reserve(attempt, now))
    }

    async fn settle(
        &self,
        attempt: &Attempt,
        outcome: Outcome,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        Ok(self.throttle.settle(attempt, outcome, now))
    }

    async fn clear(&self, account: &ThrottleKey) -> Result<(), StoreError> {
        self.throttle.clear(account);
        Ok(())
    }

    async fn purge_attempts(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        Ok(self.throttle.purge(now, limit))
    }
}
