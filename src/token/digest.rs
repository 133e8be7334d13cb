use sha2::{Digest as _, block_api::compress256};

use crate::bytes::{byte_newtype, hex_text};

byte_newtype! {
    /// The SHA-256 digest of a secret, such as a reset token or a one-time code. The library stores
    /// the digest in place of the secret.
    ///
    /// A digest of a secret is not a secret itself. The secret has at least 128 random bits, so an
    /// attacker cannot find it from the digest. Therefore a slow hash or a salt is not needed (ASVS
    /// v5.0.0-6.5.2). Digests are compared in constant time. The digest of a bearer token has its
    /// own type: [`GrantId`](super::GrantId).
    #[allow(clippy::derived_hash_with_manual_eq)] // Equal as derived, in constant time.
    pub struct Digest([u8; 32]);
}

hex_text!(Digest);

impl Digest {
    /// Returns the digest of a secret, which must have at least 128 random bits.
    #[must_use]
    pub fn of(secret: &[u8]) -> Self {
        Self(sha2::Sha256::digest(secret).into())
    }

    /// Returns the digest of a secret of 32 bytes: the same digest as [`of`](Self::of), but
    /// faster. The secret and its padding (FIPS 180-4, section 5.1.1) fill one block, so no buffer
    /// is needed.
    #[inline(always)]
    pub(crate) fn of_32_bytes(secret: &[u8; 32]) -> Self {
        /// The initial hash value of FIPS 180-4, section 5.3.3.
        const INITIAL: [u32; 8] = [
            0x6a09_e667,
            0xbb67_ae85,
            0x3c6e_f372,
            0xa54f_f53a,
            0x510e_527f,
            0x9b05_688c,
            0x1f83_d9ab,
            0x5be0_cd19,
        ];
        /// The padding: one bit, zeros, and the length of the secret, which is 256 bits.
        const PADDING: [u8; 32] = {
            let mut padding = [0; 32];
            padding[0] = 0x80;
            padding[30] = 1;
            padding
        };
        let mut state = INITIAL;
        compress256(&mut state, [*secret, PADDING].as_flattened().as_chunks().0);
        let words = state.map(u32::to_be_bytes);
        Self(words.as_flattened().first_chunk().copied().unwrap_or_default())
    }

    /// Returns the digest of several parts together. The length of each part is hashed, too, so two
    /// different lists of parts never have the same hash input.
    pub(crate) fn of_parts(parts: &[&[u8]]) -> Self {
        let mut joined = Vec::new();
        for part in parts {
            joined.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            joined.extend_from_slice(part);
        }
        Self::of(&joined)
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        let differences = self.0.iter().zip(&other.0).fold(0, |found, (a, b)| found | (a ^ b));
        differences == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_digest_of_32_bytes_is_their_digest(secret: [u8; 32]) {
            prop_assert_eq!(Digest::of_32_bytes(&secret), Digest::of(&secret));
        }
    }
}
