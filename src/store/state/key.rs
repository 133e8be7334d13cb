use std::{fmt, str::FromStr};

use tinystr::TinyAsciiStr;

use crate::{
    audit::AccountKey,
    bytes::byte_newtype,
    random::{RandomError, SecureRandom, draw},
    token::Digest,
};

byte_newtype! {
    /// The identifier of a partition. It is a digest of the parts that name the partition, such as
    /// a kind and an id. A load or a commit uses one partition only.
    ///
    /// The documents of a partition belong to one of these:
    ///
    /// - a customer or an admin user,
    /// - the name of an account in a sign-in, such as the e-mail address, even if no account has
    ///   this name,
    /// - a source (an IPv4 address, or an IPv6 network),
    /// - the digest of a secret, such as a confirmation token,
    /// - the whole shop, for counts over all accounts,
    /// - a shared slot. Several accounts use it for their budgets when the store is full.
    #[derive(PartialEq)]
    pub struct Partition([u8; 32]);
}

impl Partition {
    /// Creates the identifier of a partition from the parts that name the partition, such as a kind
    /// and an id. Each part is hashed together with its length. So different lists of parts have
    /// different partitions, such as the lists "ab", "c" and "a", "bc".
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        Self(*Digest::of_parts(parts).as_bytes())
    }

    /// Returns the account key: the digest by which audit records name an account. `self` must be
    /// the partition of the account's budgets.
    pub(crate) const fn account_key(self) -> AccountKey {
        AccountKey::from_bytes(self.0)
    }

    /// Returns the first 32 bits of the digest. Two partitions seldom have the same 32 bits.
    pub(crate) fn first_bits(&self) -> u32 {
        self.0.first_chunk().map_or(0, |first| u32::from_be_bytes(*first))
    }
}

byte_newtype! {
    /// The identifier of a document. It is unique among the documents of the same kind in a
    /// partition.
    #[derive(PartialEq)]
    pub struct DocumentId([u8; 32]);
}

impl DocumentId {
    /// The id of the only document of its kind in a partition: 32 zero bytes.
    pub const ONLY: Self = Self::from_bytes([0; 32]);

    /// Creates a document id from parts. Each part is hashed together with its length, so that
    /// different lists of parts have different ids.
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        Self(*Digest::of_parts(parts).as_bytes())
    }
}

/// The error of a text that is not a valid [`Name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to {} lower-case letters, digits and hyphens", Name::MAX_BYTES)]
#[non_exhaustive]
pub struct NameError;

/// The name of a kind of documents, or the name of an index. It has 1 to 32 bytes of `[a-z0-9-]`.
/// The library chooses all names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(TinyAsciiStr<{ Self::MAX_BYTES }>);

impl Name {
    /// Maximum length of a name, in bytes.
    pub const MAX_BYTES: usize = 32;

    /// Creates a name from a constant of the library, without a check. A longer text is cut after 32
    /// bytes.
    pub(crate) const fn of(name: &'static str) -> Self {
        Self(TinyAsciiStr::from_utf8_lossy(name.as_bytes(), b'-'))
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if text.is_empty() || !text.bytes().all(allowed) {
            return Err(NameError);
        }
        TinyAsciiStr::try_from_str(text).map(Self).map_err(|_| NameError)
    }
}

/// The document key: it identifies a document within its partition. Document keys are ordered by
/// kind, then by id. Kinds and ids are compared as bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "backends make it from their columns")]
pub struct Key {
    /// The kind of document.
    pub kind: Name,
    /// The id of the document among those of its kind.
    pub id: DocumentId,
}

byte_newtype! {
    /// The version of a document: 128 random bits. The library draws a new version for each
    /// [`Put`](super::Put). Therefore a document that is deleted and created again does not get a
    /// version that it had before.
    #[derive(PartialEq)]
    pub struct Version([u8; 16]);
}

impl Version {
    pub(crate) fn draw(random: &dyn SecureRandom) -> Result<Self, RandomError> {
        draw(random).map(Self)
    }
}

/// Identifies an index: an index of one partition, or an index of the whole shop. An index of a
/// partition and an index of the shop never share entries, even if they have the same name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "backends read it")]
pub struct Index {
    /// The partition whose documents the index lists. None for an index of the whole shop, which
    /// can list documents of any partition.
    pub partition: Option<Partition>,
    /// The name of the index.
    pub name: Name,
}

/// The entry of a document in an index. A document has at most one entry in each index.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "backends read it")]
pub struct IndexEntry {
    /// True if the entry is in an index of the whole shop. False if it is in an index of the
    /// document's partition.
    pub shop_wide: bool,
    /// The name of the index.
    pub name: Name,
    /// The rank of the document in the index. [`list`](super::StateStore::list) returns documents
    /// in ascending order of rank.
    pub rank: i64,
}

impl IndexEntry {
    /// Returns the index of this entry, for a document in `partition`.
    #[must_use]
    pub fn index(&self, partition: &Partition) -> Index {
        Index { partition: (!self.shop_wide).then_some(*partition), name: self.name.clone() }
    }
}

/// The position of a document in an index. Positions are ordered by rank, then by partition, then
/// by document key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "backends make it")]
pub struct Position {
    /// The rank of the entry.
    pub rank: i64,
    /// The partition of the document.
    pub partition: Partition,
    /// The key of the document.
    pub key: Key,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        for name in ["a", "budget-scope", "0", &"x".repeat(32)] {
            assert_eq!(name.parse::<Name>().unwrap().as_str(), name);
        }
        for text in ["", "A", "a_b", "a b", "a\0", "ä", &"x".repeat(33)] {
            assert_eq!(text.parse::<Name>(), Err(NameError), "{text:?}");
        }
    }
}
