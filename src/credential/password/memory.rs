use argon2::Block;

#[cfg(feature = "fast-argon2")]
use super::fast::Fast;
use super::plain::{Input, compute};

/// The memory of one hashing thread, in which the thread computes one hash after another.
///
/// The thread keeps the memory between hashes, because the allocation of new memory takes more than
/// half the time of a hash.
pub(super) struct Memory {
    /// Computes the hashes, in its own memory. If this is `None`, because its results were wrong,
    /// the crate `argon2` computes the hashes in `blocks`.
    #[cfg(feature = "fast-argon2")]
    fast: Option<Fast>,
    blocks: Vec<Block>,
    /// Work done in this memory so far, in KiB times passes.
    pub(super) work_kib: u64,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            #[cfg(feature = "fast-argon2")]
            fast: Fast::checked(),
            blocks: Vec::new(),
            work_kib: 0,
        }
    }

    /// True if the crate `argon2-rust` computes the hashes.
    pub(super) fn is_fast() -> bool {
        #[cfg(feature = "fast-argon2")]
        return Fast::checked().is_some();
        #[cfg(not(feature = "fast-argon2"))]
        return false;
    }

    /// Fills `output` with the hash. Returns false if Argon2 does not allow the input.
    pub(super) fn compute(&mut self, input: &Input<'_>, output: &mut [u8]) -> bool {
        self.work_kib += u64::from(input.params.m_cost()) * u64::from(input.params.t_cost());
        #[cfg(feature = "fast-argon2")]
        if let Some(fast) = &mut self.fast
            && fast.compute(input, output).is_some()
        {
            return true;
        }
        compute(input, &mut self.blocks, output)
    }

    /// Frees memory, if a stored hash has needed more of it than the current cost does, which needs
    /// this number of blocks.
    pub(super) fn shrink(&mut self, blocks: usize) {
        #[cfg(feature = "fast-argon2")]
        if let Some(fast) = &mut self.fast {
            fast.shrink(blocks);
        }
        if self.blocks.len() > blocks {
            self.blocks.truncate(blocks);
            self.blocks.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "fast-argon2")]
    use argon2_rust::{Error, Hasher};

    use super::*;
    #[cfg(feature = "fast-argon2")]
    use crate::credential::password::fast::{Kernel, is_correct};
    use crate::credential::{Argon2Params, password::argon2id};

    const SALT: &[u8; 16] = b"0123456789abcdef";
    /// Made by the reference implementation, with 19 MiB, two passes and one lane.
    const EXPECTED: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$H135HeXWCU5wvqaB2L9VKbj7U0cPEPmjkgnGHtHXi8o";

    fn hash(memory: &mut Memory) -> String {
        let (password, params) = ("Pässw0rd".as_bytes(), Argon2Params::default());
        argon2id::hash(password, SALT, &params, memory).unwrap()
    }

    /// Number of page faults of this thread so far.
    #[cfg(target_os = "linux")]
    fn page_faults() -> u64 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        fields.split(' ').nth(7).unwrap().parse().unwrap()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_hash_in_kept_memory_causes_no_page_fault() {
        let mut memory = Memory::new();
        hash(&mut memory);
        // The system may move a page at any time, which causes a fault.
        let fewest = (0..5).map(|_| {
            memory.shrink(Argon2Params::default().blocks());
            let before = page_faults();
            hash(&mut memory);
            page_faults() - before
        });
        assert_eq!(fewest.min(), Some(0));
    }

    #[cfg(feature = "fast-argon2")]
    #[test]
    fn this_machine_uses_the_fast_code() {
        assert!(Memory::is_fast());
    }

    #[cfg(feature = "fast-argon2")]
    fn memory(kernel: Kernel) -> Memory {
        Memory { fast: is_correct(kernel).then(|| Fast::of(kernel)), ..Memory::new() }
    }

    #[cfg(feature = "fast-argon2")]
    #[test]
    fn a_wrong_kernel_is_not_used() {
        let wrong_bit: Kernel = |hasher, password, salt, output| {
            hasher.hash_into(password, salt, output)?;
            output[31] ^= 1;
            Ok(())
        };
        let wrong_with_lanes: Kernel = |hasher, password, salt, output| {
            let salt = if hasher.params().lanes() > 1 { SALT } else { salt };
            hasher.hash_into(password, salt, output)
        };
        let wrong_by_megabytes: Kernel = |hasher, password, salt, output| {
            let salt = if hasher.params().memory_kib() > 1024 { SALT } else { salt };
            hasher.hash_into(password, salt, output)
        };
        let of_argon2id: Kernel = |hasher, password, salt, output| {
            let params = *hasher.params();
            let id = argon2_rust::Algorithm::Argon2id;
            argon2_rust::Argon2::new(id, hasher.version(), params).hash_into(password, salt, output)
        };
        let refuses: Kernel = |_, _, _, _| Err(Error::IncorrectParameter);
        let panics: Kernel = |_, _, _, _| panic!("a defect of the kernel");
        for kernel in [wrong_bit, wrong_with_lanes, wrong_by_megabytes, of_argon2id, refuses, panics] {
            let mut memory = memory(kernel);
            assert!(memory.fast.is_none());
            assert_eq!(hash(&mut memory), EXPECTED);
        }
        let mut right = memory(Hasher::hash_into);
        assert!(right.fast.is_some());
        assert_eq!(hash(&mut right), EXPECTED);
    }

    #[cfg(feature = "fast-argon2")]
    #[test]
    fn the_other_implementation_computes_what_the_fast_one_refuses() {
        let refuses: Kernel = |_, _, _, _| Err(Error::MemoryAllocationError);
        let mut memory = Memory { fast: Some(Fast::of(refuses)), ..Memory::new() };
        assert_eq!(hash(&mut memory), EXPECTED);
    }

    #[cfg(feature = "fast-argon2")]
    #[test]
    fn a_fast_hash_is_computed_in_memory_of_one_copy() {
        let mut memory = Memory::new();
        assert_eq!(hash(&mut memory), EXPECTED);
        assert!(memory.blocks.is_empty());
    }

    #[test]
    fn memory_that_only_a_costlier_hash_needed_is_freed() {
        let mut memory = Memory::new();
        hash(&mut memory);
        let (before, current) = (memory.kept(), Argon2Params::danger_fast().blocks());
        memory.shrink(current);
        assert!(before >= Argon2Params::default().blocks() && memory.kept() <= current);
        assert_eq!(hash(&mut memory), EXPECTED);
    }

    impl Memory {
        /// Number of blocks that the memory has.
        fn kept(&self) -> usize {
            #[cfg(feature = "fast-argon2")]
            if let Some(fast) = &self.fast {
                return fast.blocks() + self.blocks.len();
            }
            self.blocks.len()
        }
    }
}
