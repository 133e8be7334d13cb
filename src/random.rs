//! The source of random bytes for secrets.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use zeroize::Zeroize;

/// The error if the operating system, or a different source, fails to supply random bytes.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("failed to obtain random bytes from the operating system")]
#[allow(clippy::exhaustive_structs)] // A source of the host's own makes it.
pub struct RandomError;

/// A source of random bytes for secrets.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a source of secrets",
    label = "it must implement `SecureRandom`, or be an `Arc` of a type that does",
    note = "write `impl SecureRandom for {Self}` with the function `fill`",
    note = "the default source is `ChaChaRandom`"
)]
pub trait SecureRandom: fmt::Debug + Send + Sync + 'static {
    /// Fills the buffer with unpredictable bytes.
    ///
    /// # Errors
    ///
    /// If the source cannot supply random bytes. The caller must then discard the buffer.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError>;
}

/// The default source: ChaCha20 with a key from the operating system.
///
/// The source takes a new key from the operating system after 64 KiB of output, after one second,
/// and if the process id has changed. So an attacker who reads a key from memory learns the output
/// of at most one second. A forked child process takes a new key, so it does not repeat the secrets
/// of its parent process.
///
/// # Security
///
/// If two virtual machines start from one snapshot of a running process, then both machines have
/// the same key for up to one second. In this time, they can make equal tokens. If both machines
/// use one store, then the store refuses the second of two equal tokens. The encryption of the
/// keyring stays safe, because each nonce includes random bytes that come directly from the
/// operating system.
pub struct ChaChaRandom(Mutex<Option<Keyed>>);

struct Keyed {
    rng: ChaCha20Rng,
    left: usize,
    since: Instant,
    process: u32,
}

impl ChaChaRandom {
    /// Maximum number of bytes that one key supplies.
    const BYTES_PER_KEY: usize = 64 * 1024;
    /// Maximum age of a key.
    const KEY_LIFETIME: Duration = Duration::from_secs(1);

    /// Creates a source, which takes its first key from the operating system when it is first used.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(None))
    }
}

impl Default for ChaChaRandom {
    fn default() -> Self {
        Self::new()
    }
}

impl SecureRandom for ChaChaRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, process) = (Instant::now(), std::process::id());
        let is_fresh = |keyed: &&mut Keyed| {
            keyed.process == process
                && keyed.left >= buffer.len()
                && now.duration_since(keyed.since) < Self::KEY_LIFETIME
        };
        let keyed = match state.as_mut().filter(is_fresh) {
            Some(keyed) => keyed,
            None => {
                let mut seed = [0; 32];
                getrandom::fill(&mut seed).map_err(|_| RandomError)?;
                let rng = ChaCha20Rng::from_seed(seed);
                seed.zeroize();
                state.insert(Keyed { rng, left: Self::BYTES_PER_KEY, since: now, process })
            }
        };
        keyed.rng.fill_bytes(buffer);
        keyed.left = keyed.left.saturating_sub(buffer.len());
        Ok(())
    }
}

impl fmt::Debug for ChaChaRandom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChaChaRandom(..)")
    }
}

/// Returns `N` random bytes from a source.
pub(crate) fn draw<const N: usize>(random: &dyn SecureRandom) -> Result<[u8; N], RandomError> {
    let mut bytes = [0; N];
    random.fill(&mut bytes)?;
    Ok(bytes)
}

/// Returns a random nonce. Copies of this process get different nonces even if they share the state
/// of `random`, because the nonce includes random bytes of the operating system.
pub(crate) fn draw_nonce<const N: usize>(random: &dyn SecureRandom) -> Result<[u8; N], RandomError> {
    let (mut nonce, mut of_system) = (draw(random)?, [0; N]);
    getrandom::fill(&mut of_system).map_err(|_| RandomError)?;
    for (byte, mixed_in) in nonce.iter_mut().zip(of_system) {
        *byte ^= mixed_in;
    }
    Ok(nonce)
}

/// Sources of random bytes for tests. Never use them in production.
pub mod danger {
    use super::{ChaCha20Rng, Mutex, PoisonError, RandomError, Rng, SecureRandom, SeedableRng, fmt};

    /// A source of bytes that are the same for the same seed, for tests that must be repeatable.
    ///
    /// # Security
    ///
    /// An attacker who knows the seed knows every token that is made with this source, so use it
    /// only in tests.
    pub struct SeededRandom(Mutex<ChaCha20Rng>);

    impl SeededRandom {
        /// Creates a source whose output depends only on `seed`.
        #[must_use]
        pub fn from_seed(seed: [u8; 32]) -> Self {
            Self(Mutex::new(ChaCha20Rng::from_seed(seed)))
        }
    }

    impl SecureRandom for SeededRandom {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(buffer);
            Ok(())
        }
    }

    impl fmt::Debug for SeededRandom {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("SeededRandom(..)")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_used_for_a_second() {
        let random = ChaChaRandom::new();
        let age = |by: Duration| {
            let mut state = random.0.lock().unwrap();
            let keyed = state.as_mut().unwrap();
            keyed.since = keyed.since.checked_sub(by).unwrap();
        };
        random.fill(&mut [0; 1024]).unwrap();
        random.fill(&mut [0; 1024]).unwrap();
        assert_eq!(key_left(&random), 62 * 1024);
        age(ChaChaRandom::KEY_LIFETIME);
        random.fill(&mut [0; 1024]).unwrap();
        assert_eq!(key_left(&random), 63 * 1024, "a new key");
    }

    #[test]
    fn copies_of_a_process_draw_different_nonces() {
        let copy = || danger::SeededRandom::from_seed([1; 32]);
        let draw = |random: danger::SeededRandom| draw_nonce::<24>(&random).unwrap();
        assert_ne!(draw(copy()), draw(copy()));
    }

    fn key_left(random: &ChaChaRandom) -> usize {
        random.0.lock().unwrap().as_ref().unwrap().left
    }

    #[test]
    fn a_key_is_used_for_64_kib_and_in_one_process() {
        let random = ChaChaRandom::new();
        let mut buffer = [0; 1024];
        for kib in 1..=64 {
            random.fill(&mut buffer).unwrap();
            assert_eq!(key_left(&random), (64 - kib) * 1024);
        }
        random.fill(&mut buffer).unwrap();
        assert_eq!(key_left(&random), 63 * 1024, "a new key");
        random.0.lock().unwrap().as_mut().unwrap().process ^= 1;
        random.fill(&mut buffer).unwrap();
        assert_eq!(key_left(&random), 63 * 1024, "a child takes a key of its own");
        random.fill(&mut [0; 100_000]).unwrap();
        assert_eq!(key_left(&random), 0);
    }

    #[test]
    fn two_sources_differ_and_two_of_one_seed_do_not() {
        let draw = |random: &dyn SecureRandom| {
            let mut bytes = [0; 32];
            random.fill(&mut bytes).unwrap();
            bytes
        };
        assert_ne!(draw(&ChaChaRandom::new()), draw(&ChaChaRandom::new()));
        let random = danger::SeededRandom::from_seed([1; 32]);
        let first = draw(&random);
        assert_ne!(first, draw(&random));
        assert_eq!(first, draw(&danger::SeededRandom::from_seed([1; 32])));
    }
}
