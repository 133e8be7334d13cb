//! The embedded backend. It keeps everything in the memory of this process.
//!
//! Use this backend for a shop of a single node, for development, and for tests. A restart of the
//! process loses all tokens and documents, so all users must sign in again and all locks end. The
//! memory that an attacker can fill is limited: see [`MemoryStore::with_attempt_capacity`].

mod accounts;
mod grant_map;
mod shards;
mod state;
mod token;

pub use accounts::{MemoryAdmins, MemoryCustomers};

/// A store that keeps tokens and documents in the memory of this process.
///
/// The tables are divided into shards, each with a separate lock, so that threads seldom wait for
/// each other. After a number of insertions, a shard removes its expired records by itself, so you
/// need not call [`Auth::purge`](crate::Auth::purge).
#[derive(Debug, Default)]
pub struct MemoryStore {
    tokens: token::TokenTables,
    state: state::State,
}

impl MemoryStore {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an empty store that counts failed attempts for about `accounts` accounts at once.
    ///
    /// [`MemoryStore::new`] creates a store for 250,000 accounts. Each account takes about 500
    /// bytes. The capacity is rounded up to a multiple of 128 accounts.
    ///
    /// The library also counts attempts on e-mail addresses that belong to no account. An attacker
    /// can therefore fill the store with counters of invented e-mail addresses. If the store is
    /// full, then it keeps all counters that have not expired. Until there is room again, accounts
    /// that have no counter yet share 64 sets of budgets for each kind of attempt, such as
    /// customers' sign-ins. A shared budget can lock an account that had no failed attempt. Such a
    /// lock lasts no longer than the shortest of the budgets, and at most one hour.
    #[must_use]
    pub fn with_attempt_capacity(accounts: usize) -> Self {
        Self {
            // A locked account takes two documents.
            state: state::State::with_capacity(accounts.saturating_mul(2)),
            ..Self::default()
        }
    }
}
