//! The trait for versioned documents. The library defines their content, and a backend stores
//! bytes.

mod changes;
mod key;

use std::fmt::Debug;

use async_trait::async_trait;
pub use changes::{Change, Changes, ChangesError, Put};
pub use key::{DocumentId, Index, IndexEntry, Key, Name, NameError, Partition, Position, Version};
use time::OffsetDateTime;

use crate::error::StoreError;

/// A stored document.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "backends make it")]
pub struct Document {
    /// The version of the last [`Put`].
    pub version: Version,
    /// The content of the last [`Put`], byte for byte.
    pub bytes: Vec<u8>,
}

impl Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = format_args!("{} bytes", self.bytes.len());
        f.debug_struct("Document").field("version", &self.version).field("bytes", &bytes).finish()
    }
}

/// A document found through an index.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "backends make it")]
pub struct Listed {
    /// The position of the document in the index.
    pub position: Position,
    /// The document.
    pub document: Document,
}

/// The result of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle each")]
pub enum CommitOutcome {
    /// All changes are made.
    Committed,
    /// A document does not have the version that its change expects. Nothing is changed. Holds the
    /// present document of each change, in the order of the changes, as one consistent snapshot.
    Conflict(Vec<Option<Document>>),
    /// The store has no room for another expendable document. Nothing is changed.
    Full,
}

/// Keeps versioned documents.
///
/// A document is stored in a [`Partition`] under a [`Key`]. It has a [`Version`], bytes, index
/// entries and an optional time from which it may be swept. The library encodes the bytes, draws
/// the versions, and compares all times. **A backend compares versions and never times.** An engine
/// may remove a document itself one hour after its `keep_until` or later.
///
/// A backend may be sharded by partition. Within a partition, it needs an atomic compare-and-set
/// over several keys. Only the shop-wide indexes span partitions.
///
/// A call that failed or was dropped may have taken effect, or take effect later, but always as a
/// whole.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not keep documents",
    label = "it must implement `StateStore`, or be an `Arc` of a type that does",
    note = "write `#[async_trait] impl StateStore for {Self}`; the attribute is `commerce_auth::async_trait`",
    note = "ready-made stores are `MemoryStore`, `SqliteStore` (feature `sqlite`), `PostgresStore` (feature `postgres`) and `RedisStore` (feature `redis`)"
)]
pub trait StateStore: Debug + Send + Sync + 'static {
    /// Returns the document of each key, or none, in the order of the keys, as one consistent
    /// snapshot. The library passes at most [`Changes::MAX`] different keys.
    ///
    /// A load that starts after a commit has returned sees that commit, on every node.
    ///
    /// # Security
    ///
    /// Returning an older document is a vulnerability. The library decides refusals from loads, so
    /// it would miss a new lock. It never issues a grant on the result of a load alone. Returning
    /// wrong or incomplete bytes is a vulnerability, too.
    ///
    /// # Errors
    ///
    /// If the backend request failed.
    async fn load(&self, partition: &Partition, keys: &[Key]) -> Result<Vec<Option<Document>>, StoreError>;

    /// Makes all changes if every named document has the version that its change expects. Otherwise
    /// makes none. The comparison, including [`Change::Check`], and the changes are one atomic
    /// step.
    ///
    /// `now` is only for the engine's own expiry. A document whose `keep_until` has passed still
    /// counts as present. If the engine refused the commit and certainly did not run it (SQLSTATE
    /// 40001 and 40P01, a Redis `MOVED`), then the result is a conflict. If the outcome is unknown,
    /// then the result is an error.
    ///
    /// # Security
    ///
    /// Three failures are vulnerabilities, because a used code would work twice and parallel
    /// guesses would exceed a budget:
    ///
    /// - a change although the version differs from the expected one;
    /// - a change without the other changes of the commit;
    /// - a document that changes between the comparison and the change.
    ///
    /// Returning `Full` for anything except the creation of an expendable document is a
    /// vulnerability. A needless conflict costs speed.
    ///
    /// # Errors
    ///
    /// If the backend request failed. The changes may be made. The library does not send them
    /// again.
    async fn commit(
        &self,
        partition: &Partition,
        changes: &Changes,
        now: OffsetDateTime,
    ) -> Result<CommitOutcome, StoreError>;

    /// Returns the documents with an entry in this index, in the order of [`Position`], beginning
    /// after `after`. Returns fewer than `limit` documents only at the end of the index.
    ///
    /// The index of a partition is exact: the result is one consistent snapshot. In a shop-wide
    /// index, a backend may write an entry before it commits the document, and remove the entry
    /// after the commit. A stored document is therefore never without its entry. A list skips an
    /// entry that its document no longer has.
    ///
    /// # Security
    ///
    /// Omitting a document is a vulnerability: it would survive its erasure, or the rotation of its
    /// key. Returning a document that no longer has the entry costs speed. No grant and no refusal
    /// depends on a shop-wide index.
    ///
    /// # Errors
    ///
    /// If the backend request failed.
    async fn list(
        &self,
        index: &Index,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError>;

    /// Removes at most `limit` documents whose `keep_until` is at or before `until`, and returns
    /// their number. The library passes the current time minus one hour.
    ///
    /// # Security
    ///
    /// A document may be removed only if its `keep_until` is at or before `until` at the moment of
    /// removal. Otherwise a lock or a spent code that was just written would be lost, which is a
    /// vulnerability. A document without a `keep_until` is never removed. Leaving a document costs
    /// space.
    ///
    /// # Errors
    ///
    /// If the backend request failed. Some documents may be removed.
    async fn sweep(&self, until: OffsetDateTime, limit: usize) -> Result<usize, StoreError>;
}
