//! The embedded backend: keeps everything in the memory of this process.
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
/// The tables are sharded to reduce contention between cores. Every write sweeps a few expired
/// records, so you need not call [`Auth::purge`](crate::Auth::purge).
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
    /// up to a multiple of 256.
    ///
    /// Unknown addresses are counted too, so an attacker chooses their number. If the table is full
    /// of live counters, then none is forgotten. Further addresses share 64 sets of budgets for
    /// each kind of attempt until there is room again. A shared budget can lock an address that had
    /// no failures, but no longer than the shortest of the budgets lasts.
    #[must_use]
    pub fn with_attempt_capacity(accounts: usize) -> Self {
        Self {
            // A locked account takes two documents.
            state: state::State::with_capacity(accounts.saturating_mul(2)),
            ..Self::default()
        }
    }
}
