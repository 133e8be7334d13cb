//! The embedded backend. It keeps tokens and documents in the memory of this process.
//!
//! Use this backend for a shop of a single node, for development, and for tests. A restart of the
//! process loses all tokens and documents. Users must then sign in again, all locks end, and admin
//! users must set up their second factors again. An attacker can fill only a limited part of the
//! memory with counts of failed attempts: see [`MemoryStore::with_attempt_capacity`].

mod accounts;
mod grant_map;
mod row;
mod shards;
mod state;
mod subjects;
mod token;
mod user_agents;

pub use accounts::{MemoryAdmins, MemoryCustomers};

/// A store that keeps tokens and documents in the memory of this process.
///
/// The tables are divided into shards. Each shard has a lock for itself, so that threads seldom
/// wait for each other. After a number of insertions, a shard removes its expired records, so you
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

    /// Creates an empty store that can hold the counts of failed attempts of about `accounts`
    /// accounts at the same time.
    ///
    /// [`MemoryStore::new`] creates a store for the counts of 250,000 accounts. The counts of an
    /// account take about 500 bytes. The capacity is rounded up to a multiple of 128 accounts.
    ///
    /// The library also counts attempts on e-mail addresses that belong to no account. An attacker
    /// can therefore fill the store with counters of invented e-mail addresses. If the store is
    /// full, then it keeps all counters that have not expired. Until there is room again, accounts
    /// that have no counter yet share counters: 64 sets for each kind of attempt, such as
    /// customers' sign-ins. The failed attempts of one account can then lock a second account that
    /// uses the same set. Such a lock lasts at most one hour, and no longer than the shortest
    /// period or lock of the budgets in the set.
    #[must_use]
    pub fn with_attempt_capacity(accounts: usize) -> Self {
        Self {
            // The counts of a locked account are in two documents.
            state: state::State::with_capacity(accounts.saturating_mul(2)),
            ..Self::default()
        }
    }
}
