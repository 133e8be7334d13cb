use std::{num::NonZero, thread};

use super::ConfigError;
use crate::credential::Argon2Params;

/// Upper bound of [`Hashing::queue`]. In a longer queue, a hash could wait so long that the
/// attempt's reservation expires, and the attempt then counts as failed.
const MAX_QUEUE: usize = 4096;
const MAX_THREADS: NonZero<usize> = NonZero::<usize>::MIN.saturating_add(1023);

/// The cost of password hashes, and the pool of threads that computes them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hashing {
    /// The cost of a new password hash. If a stored hash has another cost, the library replaces
    /// this hash when the customer or admin user signs in with the password.
    pub argon2: Argon2Params,
    /// Number of hashing threads. The default is the number of cores.
    ///
    /// Each thread computes one hash at a time, in one memory block. So the number of threads also
    /// limits the memory that hashes use. With more threads than cores, hashing becomes slower,
    /// because the threads compete for the processor's cache.
    pub threads: NonZero<usize>,
    /// Maximum number of waiting hashes for one kind of caller. The default is 64 for each core.
    /// The largest value that is accepted is 4,096.
    ///
    /// There are three kinds of caller. Each kind has a queue of this size, and the threads take
    /// hashes from the three queues in turn. The kinds are:
    ///
    /// - customers who are not signed in, for example at a sign-in, a registration or a password
    ///   reset;
    /// - customers who are signed in, or who sign in from a known device or source, and the host;
    /// - admin users.
    ///
    /// Within a queue, the threads serve the sources in turn. One source can fill at most a quarter
    /// of the queue. A further hash of this source is refused, even if the queue is not full. All
    /// callers without an IP address take turns as if they were one source, but they can fill the
    /// whole queue.
    ///
    /// If the queue is full, a new hash can displace the last hash of the source with the most
    /// waiting hashes. That source must have at least two more hashes in the queue than the source
    /// of the new hash. Otherwise the new hash is refused. The caller of a refused or displaced
    /// hash gets [`Error::Overloaded`](crate::Error::Overloaded).
    pub queue: usize,
}

impl Hashing {
    pub(super) fn commerce() -> Self {
        Self::for_cores(thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN))
    }

    fn for_cores(cores: NonZero<usize>) -> Self {
        let threads = cores.min(MAX_THREADS);
        let queue = threads.get().saturating_mul(64).min(MAX_QUEUE);
        Self { argon2: Argon2Params::default(), threads, queue }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.threads > MAX_THREADS {
            return Err(ConfigError::OutOfRange("hashing.threads"));
        }
        if !(1..=MAX_QUEUE).contains(&self.queue) {
            return Err(ConfigError::OutOfRange("hashing.queue"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_fits_a_machine_of_any_size() {
        for cores in [1, 2, 64, 65, 128, 1024, 4096] {
            let hashing = Hashing::for_cores(NonZero::new(cores).unwrap());
            assert!(hashing.check().is_ok(), "{hashing:?}");
        }
    }
}
