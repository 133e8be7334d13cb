use sha2::Digest as _;

use crate::bytes::{byte_newtype, hex_text};

byte_newtype! {
    /// A SHA-256 digest, the only stored form of a one-time code, reset token or other secret.
    ///
    /// A digest is not a secret: the secret behind it has at least 128 random bits and cannot be
    /// guessed, so a plain hash is enough (ASVS v5.0.0-6.5.2). Digests are compared in constant
    /// time. The digest of a bearer token is a [`GrantId`](super::GrantId).
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

    /// Returns the digest of these parts. Each part is hashed with its length, so that different
    /// lists of parts never share a digest.
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
