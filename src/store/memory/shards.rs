use std::{
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use crate::token::GrantId;

/// A table in 256 parts, each with a separate lock, so that threads seldom wait for each other.
pub(super) struct Shards<T> {
    shards: Box<[Shard<T>; 256]>,
    hasher: RandomState,
}

/// A lock in a separate cache line, so that locking one shard does not slow access to the next one.
#[repr(align(64))]
struct Shard<T>(RwLock<T>);

impl<T> Shards<T> {
    pub(super) const COUNT: usize = 256;

    /// Returns the shard of a key that an attacker can choose. The hash has a random key, so the
    /// attacker cannot choose keys of the same shard.
    pub(super) fn index_of(&self, key: &impl Hash) -> u8 {
        self.hasher.hash_one(key).to_le_bytes()[0]
    }

    /// Returns the shard of a grant's id, which no attacker can choose: its last byte. The first
    /// bytes order the [`GrantMap`](super::grant_map::GrantMap) within the shard.
    pub(super) const fn index_of_grant(id: &GrantId) -> u8 {
        id.as_bytes()[31]
    }

    pub(super) fn read(&self, index: u8) -> RwLockReadGuard<'_, T> {
        self.shard(index).read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self, index: u8) -> RwLockWriteGuard<'_, T> {
        self.shard(index).write().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(clippy::indexing_slicing, reason = "a u8 cannot leave an array of 256")]
    fn shard(&self, index: u8) -> &RwLock<T> {
        &self.shards[usize::from(index)].0
    }
}

impl<T: Default> Default for Shards<T> {
    fn default() -> Self {
        let shards = Box::new(std::array::from_fn(|_| Shard(RwLock::new(T::default()))));
        Self { shards, hasher: RandomState::new() }
    }
}

impl<T> fmt::Debug for Shards<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shards(..)")
    }
}
