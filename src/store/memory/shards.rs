use std::{
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

/// A table that is divided into 256 shards. Each shard has a lock for itself, so that threads
/// seldom wait for each other.
pub(super) struct Shards<T> {
    shards: Box<[Shard<T>; 256]>,
    hasher: RandomState,
}

/// A shard and its lock, aligned to a cache line of the processor (64 bytes), so that two locks are
/// not in the same cache line. Otherwise a thread that locks one shard would slow down threads that
/// use the next shard.
#[repr(align(64))]
struct Shard<T>(RwLock<T>);

impl<T> Shards<T> {
    pub(super) const COUNT: usize = 256;

    /// Returns the index of the shard for a key that an attacker can choose, such as a subject. The
    /// hash function uses a random secret. The attacker does not know the secret, and so cannot
    /// choose many keys that fall into one shard.
    pub(super) fn index_of(&self, key: &impl Hash) -> u8 {
        Self::index_of_hash(self.hash_of(key))
    }

    pub(super) fn hash_of(&self, key: &impl Hash) -> u64 {
        self.hasher.hash_one(key)
    }

    pub(super) const fn index_of_hash(hash: u64) -> u8 {
        hash.to_le_bytes()[0]
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
