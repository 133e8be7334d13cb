use std::{panic::catch_unwind, sync::OnceLock};

use argon2::{Algorithm, Params, Version};
use argon2_rust::{Argon2, Error, Hasher, params};

use super::plain::{Input, compute};

/// Computes a hash in the memory of the `Hasher`, with the hasher's parameters: password, salt and
/// output.
pub(super) type Kernel = fn(&mut Hasher, &[u8], &[u8], &mut [u8]) -> Result<(), Error>;

/// The crate `argon2-rust`, which chooses among SIMD code by the processor, and the memory that it
/// keeps between hashes. It wipes this memory after each hash.
pub(super) struct Fast {
    hasher: Hasher,
    kernel: Kernel,
}

impl Fast {
    /// Returns `None` if the results of the crate `argon2-rust` on this machine are not those of
    /// the crate `argon2`. The first call in a process compares them.
    pub(super) fn checked() -> Option<Self> {
        static CORRECT: OnceLock<bool> = OnceLock::new();
        CORRECT.get_or_init(|| is_correct(Hasher::hash_into)).then(|| Self::of(Hasher::hash_into))
    }

    /// Allocates no memory for hashes yet.
    pub(super) fn of(kernel: Kernel) -> Self {
        let (algorithm, version) = (argon2_rust::Algorithm::Argon2id, argon2_rust::Version::V0x13);
        Self { hasher: Argon2::new(algorithm, version, argon2_rust::Params::DEFAULT).hasher(), kernel }
    }

    pub(super) fn compute(&mut self, input: &Input<'_>, output: &mut [u8]) -> Option<()> {
        let algorithm = match input.algorithm {
            Algorithm::Argon2d => argon2_rust::Algorithm::Argon2d,
            Algorithm::Argon2i => argon2_rust::Algorithm::Argon2i,
            Algorithm::Argon2id => argon2_rust::Algorithm::Argon2id,
        };
        let version = match input.version {
            Version::V0x10 => argon2_rust::Version::V0x10,
            Version::V0x13 => argon2_rust::Version::V0x13,
        };
        let params = argon2_rust::Params::builder()
            .memory(params::Memory::kib(input.params.m_cost().into()))
            .passes(input.params.t_cost())
            .lanes(input.params.p_cost())
            .threads(1)
            .tag_len(params::TagLen::bytes(output.len().try_into().ok()?))
            .build()
            .ok()?;
        self.hasher.set_argon2(Argon2::new(algorithm, version, params));
        (self.kernel)(&mut self.hasher, input.password, input.salt, output).ok()
    }

    /// Number of blocks of kept memory.
    pub(super) fn blocks(&self) -> usize {
        self.hasher.reserved_blocks()
    }

    /// Frees the memory if it has more than this number of blocks.
    pub(super) fn shrink(&mut self, blocks: usize) {
        if self.blocks() > blocks {
            self.hasher.clear();
        }
    }
}

/// True if the results of a kernel are those of the crate `argon2`.
///
/// The inputs have each algorithm and version, one lane and several, and up to 4 MiB of memory. The
/// comparison takes some milliseconds. A panic of the kernel counts as a wrong result.
pub(super) fn is_correct(kernel: Kernel) -> bool {
    const COSTS: [(u32, u32, u32); 4] = [(8, 1, 1), (64, 3, 1), (100, 2, 4), (4096, 1, 1)];
    let agrees = |algorithm, version, (memory_kib, passes, lanes)| {
        let params = Params::new(memory_kib, passes, lanes, Some(32)).ok()?;
        let input = Input { algorithm, version, params, password: b"password", salt: b"sixteen bytes of" };
        let (mut expected, mut output) = ([0; 32], [0; 32]);
        let computed = compute(&input, &mut Vec::new(), &mut expected);
        Fast::of(kernel).compute(&input, &mut output)?;
        Some(computed && output == expected)
    };
    catch_unwind(|| {
        [Algorithm::Argon2id, Algorithm::Argon2i, Algorithm::Argon2d].iter().all(|algorithm| {
            [Version::V0x13, Version::V0x10]
                .iter()
                .all(|version| COSTS.iter().all(|&cost| agrees(*algorithm, *version, cost).unwrap_or(false)))
        })
    })
    .unwrap_or(false)
}
