use argon2::{Algorithm, Argon2, Block, Params, Version};

/// Everything that determines the output of Argon2, except the length of the output.
pub(super) struct Input<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) version: Version,
    pub(super) params: Params,
    pub(super) password: &'a [u8],
    pub(super) salt: &'a [u8],
}

/// Computes a hash with the crate `argon2`, in memory that grows if the hash needs more.
pub(super) fn compute(input: &Input<'_>, blocks: &mut Vec<Block>, output: &mut [u8]) -> bool {
    let count = input.params.block_count();
    if blocks.len() < count {
        blocks.resize(count, Block::new());
    }
    let blocks = blocks.get_mut(..count).unwrap_or_default();
    Argon2::new(input.algorithm, input.version, input.params.clone())
        .hash_password_into_with_memory(input.password, input.salt, output, blocks)
        .is_ok()
}
