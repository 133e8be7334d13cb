use argon2::{
    Algorithm, Params, Version,
    password_hash::phc::{self, Output, Salt},
};
use subtle::ConstantTimeEq;

use super::{memory::Memory, plain::Input};

/// The Argon2 parameters are out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Argon2id parameters are weaker than OWASP recommends or exceed the maximum of this crate")]
#[non_exhaustive]
pub struct ParamsError;

/// The cost of one password hash: the memory (in KiB), passes and lanes of Argon2id.
///
/// The default is 19 MiB, 2 passes and 1 lane. This is OWASP's first recommendation (Password
/// Storage Cheat Sheet) and is in appendix C of ASVS 5.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Params {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Argon2Params {
    /// Maximum memory of one hash, in KiB: 128 MiB. A stored hash that needs more is not verified.
    pub const MAX_MEMORY_KIB: u32 = 128 * 1024;
    /// Maximum work of one hash, in KiB times passes: 512 MiB. A stored hash that needs more is not
    /// verified.
    pub const MAX_WORK_KIB: u32 = 512 * 1024;
    /// Maximum number of lanes.
    pub const MAX_LANES: u32 = 16;

    /// Creates parameters that are at least as strong as OWASP recommends.
    ///
    /// The minimum memory is 46 MiB with one pass, 19 MiB with two, and 12 MiB with three or more
    /// (ASVS 5.0, appendix C). The `MAX_` constants of this type are the maximum values.
    ///
    /// # Errors
    ///
    /// [`ParamsError`] if a value is out of these bounds.
    pub const fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, ParamsError> {
        let least = match passes {
            0 => return Err(ParamsError),
            1 => 46 * 1024,
            2 => 19 * 1024,
            _ => 12 * 1024,
        };
        let params = Self { memory_kib, passes, lanes };
        if memory_kib < least || !params.is_bounded() { Err(ParamsError) } else { Ok(params) }
    }

    /// Returns parameters with the lowest cost of Argon2, for tests that sign in many times.
    ///
    /// # Security
    ///
    /// An attacker who has a hash with these parameters can guess the password quickly. Do not use
    /// the parameters in production. [`AuthBuilder::build`](crate::AuthBuilder::build) does not
    /// refuse them, because tests need them.
    #[must_use]
    pub const fn danger_fast() -> Self {
        Self { memory_kib: 8, passes: 1, lanes: 1 }
    }

    const fn is_bounded(&self) -> bool {
        self.lanes >= 1
            && self.lanes <= Self::MAX_LANES
            && self.passes >= 1
            && self.memory_kib >= 8 * self.lanes
            && self.memory_kib <= Self::MAX_MEMORY_KIB
            && self.memory_kib.saturating_mul(self.passes) <= Self::MAX_WORK_KIB
    }

    const fn work(&self) -> u32 {
        self.memory_kib.saturating_mul(self.passes)
    }

    /// Returns the cost of a second hash that makes up for a cheaper first hash. The first hash, of
    /// cost `done`, and the second hash together are as much work as one hash of cost `self`.
    pub(super) fn remainder(&self, done: &Self) -> Option<Self> {
        let missing = self.work().checked_sub(done.work())?;
        let memory_kib = missing.checked_div(self.passes)?;
        let rest = Self { memory_kib, ..*self };
        rest.is_bounded().then_some(rest)
    }

    /// Number of blocks of memory that a hash of this cost needs, of 1 KiB each.
    pub(super) fn blocks(&self) -> usize {
        self.params(OUTPUT_BYTES).map_or(0, |params| params.block_count())
    }

    fn params(&self, output: usize) -> Option<Params> {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(output)).ok()
    }
}

impl Default for Argon2Params {
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 }
    }
}

/// Length of new hashes, in bytes.
const OUTPUT_BYTES: usize = 32;

/// A password hash from the host's table, whose parameters are within the bounds of
/// [`Argon2Params`].
pub(super) struct StoredHash {
    algorithm: Algorithm,
    version: Version,
    pub(super) params: Argon2Params,
    salt: Salt,
    expected: Output,
}

impl StoredHash {
    /// Parses a PHC string of Argon2. Returns `None` if the text is not such a string, or if the
    /// hash needs more memory or work than the bounds allow.
    pub(super) fn read(text: &str) -> Option<Self> {
        // A longer text cannot be a PHC string of Argon2, even with the longest salt and output.
        if text.len() > 512 {
            return None;
        }
        let hash = phc::PasswordHash::new(text).ok()?;
        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
        let version = match hash.version {
            Some(version) => Version::try_from(version).ok()?,
            None => Version::V0x10,
        };
        let read = Params::try_from(&hash).ok()?;
        if !read.keyid().is_empty() || !read.data().is_empty() {
            return None;
        }
        let params = Argon2Params { memory_kib: read.m_cost(), passes: read.t_cost(), lanes: read.p_cost() };
        let bounded = params.is_bounded();
        bounded.then_some(Self { algorithm, version, params, salt: hash.salt?, expected: hash.hash? })
    }

    /// Creates a hash of the current form from this salt and output.
    pub(super) fn current(salt: &[u8], output: &[u8], params: Argon2Params) -> Option<Self> {
        let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
        let (salt, expected) = (Salt::new(salt).ok()?, Output::new(output).ok()?);
        Some(Self { algorithm, version, params, salt, expected })
    }

    /// True if the hash has the current form and cost.
    pub(super) fn is_current(&self, current: &Argon2Params) -> bool {
        self.params == *current
            && self.algorithm == Algorithm::Argon2id
            && self.version == Version::V0x13
            && self.expected.len() == OUTPUT_BYTES
    }

    pub(super) fn verify(&self, password: &[u8], memory: &mut Memory) -> bool {
        let mut output = [0; Output::MAX_LENGTH];
        let Some(output) = output.get_mut(..self.expected.len()) else { return false };
        let Some(params) = self.params.params(output.len()) else { return false };
        let (algorithm, version) = (self.algorithm, self.version);
        let input = Input { algorithm, version, params, password, salt: &self.salt };
        memory.compute(&input, output) && output.ct_eq(self.expected.as_bytes()).into()
    }
}

/// Makes a PHC string of Argon2id.
pub(super) fn hash(
    password: &[u8],
    salt: &[u8; 16],
    params: &Argon2Params,
    memory: &mut Memory,
) -> Option<String> {
    let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
    let input = Input { algorithm, version, params: params.params(OUTPUT_BYTES)?, password, salt };
    let mut output = [0; OUTPUT_BYTES];
    memory.compute(&input, &mut output).then_some(())?;
    let hash = phc::PasswordHash {
        algorithm: algorithm.ident(),
        version: Some(version.into()),
        params: (&input.params).try_into().ok()?,
        salt: Some(Salt::new(salt).ok()?),
        hash: Some(Output::new(&output).ok()?),
    };
    Some(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_no_weaker_than_owasp_recommends() {
        assert_eq!(Argon2Params::new(19 * 1024, 2, 1), Ok(Argon2Params::default()));
        assert!(Argon2Params::new(46 * 1024, 1, 1).is_ok() && Argon2Params::new(12 * 1024, 3, 4).is_ok());
        for (memory, passes, lanes) in [
            (19 * 1024 - 1, 2, 1),
            (19 * 1024, 1, 1),
            (12 * 1024, 2, 1),
            (19 * 1024, 0, 1),
            (19 * 1024, 2, 0),
        ] {
            assert_eq!(Argon2Params::new(memory, passes, lanes), Err(ParamsError));
        }
        for (memory, passes, lanes) in [
            (u32::MAX, 2, 1),
            (128 * 1024 + 1, 2, 1),
            (19 * 1024, u32::MAX, 1),
            (128 * 1024, 5, 1),
            (19 * 1024, 2, 17),
        ] {
            assert_eq!(Argon2Params::new(memory, passes, lanes), Err(ParamsError));
        }
    }

    #[test]
    fn another_implementations_hashes_verify() {
        // Made by the reference implementation through Python's argon2-cffi. The Argon2i hashes are
        // from its README.
        let mut memory = Memory::new();
        for (text, password) in [
            (
                "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$H135HeXWCU5wvqaB2L9VKbj7U0cPEPmjkgnGHtHXi8o",
                "Pässw0rd",
            ),
            (
                "$argon2id$v=19$m=4096,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$ufpk+iKgnbcWjTYVXG86w902E5i6OZpJ",
                "password",
            ),
            ("$argon2i$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG", "password"),
            ("$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ", "password"),
        ] {
            let stored = StoredHash::read(text).unwrap();
            assert!(stored.verify(password.as_bytes(), &mut memory), "{text}");
            assert!(!stored.verify(b"Password", &mut memory));
            assert_eq!(stored.is_current(&Argon2Params::default()), text.contains("m=19456"));
        }
    }

    #[test]
    fn the_remainder_makes_up_for_a_cheaper_hash() {
        let current = Argon2Params::default();
        let cheap = Argon2Params { memory_kib: 4096, passes: 3, lanes: 1 };
        assert_eq!(current.remainder(&cheap).unwrap().work() + cheap.work(), current.work());
        assert_eq!(current.remainder(&current), None);
        assert_eq!(current.remainder(&Argon2Params { memory_kib: 65536, ..current }), None);
    }

    #[test]
    fn what_asks_for_too_much_is_not_read() {
        let with = |params| {
            format!("$argon2id$v=19${params}$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b/dWRWJTmaaJObG")
        };
        assert!(StoredHash::read(&with("m=19456,t=2,p=1")).is_some());
        for params in [
            "m=4294967295,t=2,p=1",
            "m=19456,t=4294967295,p=1",
            "m=19456,t=2,p=16777215",
            "m=131072,t=5,p=1",
            "m=7,t=2,p=1",
            "m=0,t=0,p=0",
            "m=99999999999999999999,t=2,p=1",
            "m=-1,t=2,p=1",
            "m=19456,t=2,p=1,keyid=AAAA",
            "",
        ] {
            assert!(StoredHash::read(&with(params)).is_none(), "{params}");
        }
        for text in ["", "$", "$argon2id$", "password", "$2b$12$abc", &"$".repeat(1 << 20), "a\0b"] {
            assert!(StoredHash::read(text).is_none());
        }
    }
}
