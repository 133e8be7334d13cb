//! The embedded backend. It keeps everything in the memory of this process.
//!
//! It is for a single node, for development, and for tests. A restart signs everybody out and
//! forgets every lock. The memory that an attacker can fill is bounded: see
//! [`MemoryStore::with_attempt_capacity`].

mod accounts;
mod grant_map;
mod shards;
mod state;
mod token;

pub use accounts::{MemoryAdmins, MemoryCustomers};

/// Tokens and documents in memory.
///
/// The tables are sharded to reduce contention between cores. After a number of insertions, a shard
/// removes its expired records, so you need not call [`Auth::purge`](crate::Auth::purge).
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
    /// [`MemoryStore::new`] uses 250,000. Each account takes about 500 bytes. The number is rounded
    /// up to a multiple of 128.
    ///
    /// The store counts attempts on unknown addresses too, so an attacker decides how many
    /// addresses there are. If the table is full, then the store keeps all live counters. Until
    /// there is room again, further addresses share 64 sets of budgets for each kind of attempt. A
    /// shared budget can lock an address that had no failures. Such a lock lasts no longer than the
    /// shortest of the budgets, and at most one hour.
    #[must_use]
    pub fn with_attempt_capacity(accounts: usize) -> Self {
        Self {
            // A locked account takes two documents.
            state: state::State::with_capacity(accounts.saturating_mul(2)),
            ..Self::default()
        }
    }
}
