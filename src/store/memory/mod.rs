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
