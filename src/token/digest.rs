use sha2::Digest as _;

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
