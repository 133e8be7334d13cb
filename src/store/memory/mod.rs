//! The embedded backend: everything in this process's memory.
//!
//! For a single node, for development, and for tests. A restart signs everybody out and forgets every lock.
//! It is bounded in what a stranger can make it hold: see [`MemoryStore::with_attempt_capacity`].

mod accounts;
mod digest_map;
mod ledger;
mod otc;
mod shards;
mod state;
mod token;

pub use accounts::{MemoryAdmins, MemoryCustomers};

use std::{num::NonZero, sync::Arc};

use async_trait::async_trait;
use time::OffsetDateTime;

use super::{
    AssistanceEnd, AssistanceEntry, Generation, GenerationId, Insert, LedgerStore, OneTimeCredential,
    OtcStore, Presented, Store, Take, TokenStore,
};
use crate::{
    account::CustomerId,
    audit::{AuditEvent, AuditSink, MemoryAudit},
    error::StoreError,
    keyring::Keyring,
    token::{Digest, Grant, Origin, Subject},
};

/// Tokens, one-time credentials, attempt budgets, second factors, the ledger of assistance and the newest audit events in
/// memory.
///
/// Sharded, so that cores do not wait for each other. Every write sweeps a little of what has expired, so
/// nothing needs to call [`Auth::purge`](crate::Auth::purge).
#[derive(Debug, Default)]
pub struct MemoryStore {
    tokens: token::Tokens,
    codes: otc::Codes,
    ledger: ledger::Ledger,
    state: state::State,
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
impl LedgerStore for MemoryStore {
    async fn begin_assistance(&self, entry: &AssistanceEntry) -> Result<(), StoreError> {
        self.ledger.begin(entry);
        Ok(())
    }

    async fn end_assistance(
        &self,
        grant: &Digest,
        end: AssistanceEnd,
        at: OffsetDateTime,
    ) -> Result<Option<AssistanceEntry>, StoreError> {
        Ok(self.ledger.end(grant, end, at))
    }

    async fn find_assistance(&self, grant: &Digest) -> Result<Option<AssistanceEntry>, StoreError> {
        Ok(self.ledger.find(grant))
    }

    async fn open_assistance(&self, limit: usize) -> Result<Vec<AssistanceEntry>, StoreError> {
        Ok(self.ledger.open(limit))
    }

    async fn assistance_of(
        &self,
        customer: &CustomerId,
        limit: usize,
    ) -> Result<Vec<AssistanceEntry>, StoreError> {
        Ok(self.ledger.of(customer, limit))
    }

    async fn erase_assistance(&self, customer: &CustomerId) -> Result<usize, StoreError> {
        Ok(self.ledger.erase(customer))
    }

    async fn purge_assistance(&self, until: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        Ok(self.ledger.purge(until, limit))
    }
}
