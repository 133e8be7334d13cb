use std::{collections::HashSet, fmt, ops::Deref};

use time::OffsetDateTime;

use super::{IndexEntry, Key, Version};

/// A document to store. It replaces the stored document that has the same document key. If no
/// document has this key, then it creates the document.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "backends read it, and their tests make it")]
pub struct Put {
    /// The key of the document.
    pub key: Key,
    /// The expected version of the present document. None if no document is expected.
    pub expects: Option<Version>,
    /// The new version.
    pub version: Version,
    /// The time from which a [`sweep`](super::StateStore::sweep) or the backend itself may remove
    /// the document, in whole microseconds. None if only a [`Change::Delete`] may remove the
    /// document.
    pub keep_until: Option<OffsetDateTime>,
    /// True if a store that is full may refuse to create this document. The store then refuses the
    /// whole commit: it returns [`CommitOutcome::Full`](super::CommitOutcome::Full).
    pub expendable: bool,
    /// The index entries of the document. They replace all index entries of the stored document.
    pub index: Vec<IndexEntry>,
    /// The new content.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Put {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = format_args!("{} bytes", self.bytes.len());
        f.debug_struct("Put")
            .field("key", &self.key)
            .field("expects", &self.expects)
            .field("version", &self.version)
            .field("keep_until", &self.keep_until)
            .field("expendable", &self.expendable)
            .field("index", &self.index)
            .field("bytes", &bytes)
            .finish()
    }
}

/// A change to one document, as a part of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "backends must handle each")]
pub enum Change {
    /// Stores a document.
    Put(Put),
    /// Removes a document and its index entries.
    Delete {
        /// The key of the document.
        key: Key,
        /// The expected version of the present document.
        expects: Version,
    },
    /// Does not change the document. If the document does not have the expected version, then the
    /// store refuses the whole commit.
    Check {
        /// The key of the document.
        key: Key,
        /// The expected version of the present document. None if no document is expected.
        expects: Option<Version>,
    },
}

impl Change {
    /// The key of the document.
    #[must_use]
    pub const fn key(&self) -> &Key {
        match self {
            Self::Put(Put { key, .. }) | Self::Delete { key, .. } | Self::Check { key, .. } => key,
        }
    }

    /// Returns the expected version of the document. None if no document is expected.
    #[must_use]
    pub const fn expects(&self) -> Option<Version> {
        match self {
            Self::Put(Put { expects, .. }) | Self::Check { expects, .. } => *expects,
            Self::Delete { expects, .. } => Some(*expects),
        }
    }
}

/// The list of changes of one commit. [`Changes::new`] checks these limits, so a backend need not
/// check them again:
///
/// - There are at most [`MAX`](Self::MAX) changes, each to a different document.
/// - A document has at most [`MAX_BYTES`](Self::MAX_BYTES) bytes.
/// - A document has at most [`MAX_ENTRIES`](Self::MAX_ENTRIES) index entries, each in a different
///   index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes(Vec<Change>);

impl Changes {
    /// Maximum number of changes in a commit. It is also the maximum number of document keys in a
    /// load.
    pub const MAX: usize = 32;
    /// Maximum size of a document: 64 KiB.
    pub const MAX_BYTES: usize = 64 * 1024;
    /// Maximum number of index entries of a document.
    pub const MAX_ENTRIES: usize = 8;

    /// Creates the list of changes of a commit, if the list is within the limits.
    ///
    /// # Errors
    ///
    /// [`ChangesError`] names the exceeded limit.
    pub fn new(changes: Vec<Change>) -> Result<Self, ChangesError> {
        if changes.len() > Self::MAX {
            return Err(ChangesError::TooMany);
        }
        let mut keys = HashSet::new();
        if !changes.iter().all(|change| keys.insert(change.key())) {
            return Err(ChangesError::RepeatedKey);
        }
        for change in &changes {
            let Change::Put(put) = change else { continue };
            if put.bytes.len() > Self::MAX_BYTES {
                return Err(ChangesError::TooLong);
            }
            if put.index.len() > Self::MAX_ENTRIES {
                return Err(ChangesError::TooManyEntries);
            }
            let mut indexes = HashSet::new();
            if !put.index.iter().all(|entry| indexes.insert((entry.shop_wide, &entry.name))) {
                return Err(ChangesError::RepeatedIndex);
            }
        }
        Ok(Self(changes))
    }

    pub(crate) fn into_vec(self) -> Vec<Change> {
        self.0
    }
}

impl Deref for Changes {
    type Target = [Change];

    fn deref(&self) -> &[Change] {
        &self.0
    }
}

/// A list of changes that exceeds a limit of [`Changes`], so it cannot be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangesError {
    /// The list has more than [`Changes::MAX`] changes.
    #[error("a commit has at most {} changes", Changes::MAX)]
    TooMany,
    /// The list has two changes to the same document.
    #[error("a commit has two changes of one document")]
    RepeatedKey,
    /// A document has more than [`Changes::MAX_BYTES`] bytes.
    #[error("a document has at most {} bytes", Changes::MAX_BYTES)]
    TooLong,
    /// A document has more than [`Changes::MAX_ENTRIES`] index entries.
    #[error("a document has at most {} index entries", Changes::MAX_ENTRIES)]
    TooManyEntries,
    /// A document has two entries in the same index.
    #[error("a document has two entries in one index")]
    RepeatedIndex,
}

#[cfg(test)]
mod tests {
    use super::{super::DocumentId, *};

    fn put(number: u8, bytes: usize, entries: usize) -> Change {
        let name = |number: usize| format!("index-{number}").parse().unwrap();
        let entry = |number| IndexEntry { shop_wide: false, name: name(number), rank: 0 };
        Change::Put(Put {
            key: Key { kind: "kind".parse().unwrap(), id: DocumentId::from_bytes([number; 32]) },
            expects: None,
            version: Version::from_bytes([0; 16]),
            keep_until: None,
            expendable: false,
            index: (0..entries).map(entry).collect(),
            bytes: vec![b'x'; bytes],
        })
    }

    #[test]
    fn the_bounds_are_inclusive() {
        let full = (0..32).map(|number| put(number, 65_536, 8)).collect();
        assert!(Changes::new(full).is_ok());
        let refused = |changes: Vec<Change>| Changes::new(changes).unwrap_err();
        assert_eq!(refused((0..33).map(|number| put(number, 0, 0)).collect()), ChangesError::TooMany);
        assert_eq!(refused(vec![put(0, 65_537, 0)]), ChangesError::TooLong);
        assert_eq!(refused(vec![put(0, 0, 9)]), ChangesError::TooManyEntries);
        let check = Change::Check { key: put(0, 0, 0).key().clone(), expects: None };
        assert_eq!(refused(vec![put(0, 0, 0), check]), ChangesError::RepeatedKey);
    }

    #[test]
    fn a_document_has_one_entry_in_an_index_of_each_reach() {
        let Change::Put(mut two) = put(0, 0, 2) else { panic!() };
        two.index[1].name = two.index[0].name.clone();
        assert_eq!(Changes::new(vec![Change::Put(two.clone())]), Err(ChangesError::RepeatedIndex));
        two.index[1].shop_wide = true;
        assert!(Changes::new(vec![Change::Put(two)]).is_ok());
    }
}
