use std::{num::NonZero, thread};

use super::ConfigError;
use crate::credential::Argon2Params;

/// Upper bound of [`Hashing::queue`]. In a longer queue, a hash could wait until its reserved
/// attempt has expired.
const MAX_QUEUE: usize = 4096;

/// The cost of password hashes, and the pool of threads that computes them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hashing {
    /// The cost of a password hash. If a stored hash has another cost, it is replaced when its
    /// owner signs in.
    pub argon2: Argon2Params,
    /// Number of hashing threads: the number of cores.
    ///
    /// The number limits how many hashes run at once and how many memory blocks they use. More
    /// threads than cores are slower, since they compete for the cache.
    pub threads: NonZero<usize>,
    /// Maximum number of hashes of one kind of caller that wait for a thread: 64 for each thread,
    /// at most 4,096.
    ///
    /// There are three kinds of caller. Each kind has this number of places, and the kinds take
    /// turns:
    ///
    /// - customers who are not signed in, for example at a sign-in, a registration or a reset;
    /// - customers who are signed in or use a known device, and the host;
    /// - admin users.
    ///
    /// Within a kind, the sources take turns, and a source holds at most a quarter of the places.
    /// If there is no place, the caller gets [`Error::Overloaded`](crate::Error::Overloaded).
    pub queue: usize,
}

impl Hashing {
    pub(super) fn commerce() -> Self {
        let threads = thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        Self { argon2: Argon2Params::default(), threads, queue: threads.get().saturating_mul(64) }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.threads.get() > 1024 {
            return Err(ConfigError::OutOfRange("hashing.threads"));
        }
        if !(1..=MAX_QUEUE).contains(&self.queue) {
            return Err(ConfigError::OutOfRange("hashing.queue"));
        }
        Ok(())
    }
}
