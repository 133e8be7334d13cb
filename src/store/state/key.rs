use std::{fmt, str::FromStr};

use smol_str::SmolStr;

use crate::{
    random::{RandomError, SecureRandom},
    token::Digest,
};

/// The owner of documents, as a digest: an account, a customer, an admin user, a source, a secret's digest,
/// or a shared slot. One load or commit touches one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition(Digest);

impl Partition {
    /// The partition of these parts, each counted with its length: two lists of parts never share one.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        Self(Digest::of_parts(parts))
    }

    pub(crate) const fn digest(self) -> Digest {
        self.0
    }

    /// 32 bits that tell most partitions apart.
    pub(crate) fn first_bits(&self) -> u32 {
        self.as_bytes().first_chunk().map_or(0, |first| u32::from_be_bytes(*first))
    }

    /// A partition from a backend's column.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Digest::from_bytes(bytes))
    }

    /// The 32 bytes for a backend's column.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

/// The identifier of a document among those of its kind in its partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentId(Digest);

impl DocumentId {
    /// The id of the only document of its kind in a partition: 32 zero bytes.
    pub const ONLY: Self = Self::from_bytes([0; 32]);

    /// The id of these parts, each counted with its length: two lists of parts never share one.
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        Self(Digest::of_parts(parts))
    }

    /// An id from a backend's column.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Digest::from_bytes(bytes))
    }

    /// The 32 bytes for a backend's column.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl From<Digest> for DocumentId {
    fn from(digest: Digest) -> Self {
        Self(digest)
    }
}

/// Text that is not a [`Name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to {} lower-case letters, digits and hyphens", Name::MAX_BYTES)]
#[non_exhaustive]
pub struct NameError;

/// The name of a kind of documents, or of an index: 1 to 32 bytes of `[a-z0-9-]`. The library chooses it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(SmolStr);

impl Name {
    /// The most bytes of a name.
    pub const MAX_BYTES: usize = 32;

    /// A name of the library's, not checked.
    pub(crate) const fn of(name: &'static str) -> Self {
        Self(SmolStr::new_static(name))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = (1..=Self::MAX_BYTES).contains(&text.len()) && text.bytes().all(allowed);
        if is_name { Ok(Self(text.into())) } else { Err(NameError) }
    }
}

/// The key of a document within its partition. Keys are ordered by kind, then by id, both as bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "backends make it from their columns")]
pub struct Key {
    /// The kind of document.
    pub kind: Name,
    /// Which one of its kind.
    pub id: DocumentId,
}

/// The version of a document: 128 random bits, drawn by the library for each [`Put`](super::Put). A document
/// that is deleted and created again therefore never has an earlier version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version([u8; 16]);

impl Version {
    pub(crate) fn draw(random: &dyn SecureRandom) -> Result<Self, RandomError> {
        let mut bytes = [0; 16];
        random.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// A version from a backend's column.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes for a backend's column.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// An index: of one partition, or of the whole shop. The two never share entries, whatever their names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "backends read it")]
pub struct Index {
    /// The partition whose documents it lists. None for an index of the whole shop.
    pub partition: Option<Partition>,
    /// Its name.
    pub name: Name,
}

/// The entry of a document in an index. A document has at most one in each.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "backends read it")]
pub struct IndexEntry {
    /// True for the index of the whole shop, false for that of the document's partition.
    pub shop_wide: bool,
    /// The name of the index.
    pub name: Name,
    /// The place of the document in it, in ascending order.
    pub rank: i64,
}

impl IndexEntry {
    /// The index that the entry of a document in this partition belongs to.
    #[must_use]
    pub fn index(&self, partition: &Partition) -> Index {
        Index { partition: (!self.shop_wide).then_some(*partition), name: self.name.clone() }
    }
}

/// A place in an index: ordered by rank, then by partition, then by key.
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
