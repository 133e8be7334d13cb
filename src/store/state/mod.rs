//! The trait for versioned documents. The library owns their meaning; a backend keeps bytes.

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
    /// The version that the last [`Put`] named.
    pub version: Version,
    /// The content that the last [`Put`] brought, byte for byte.
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
    /// Its place in the index.
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
    /// Some document does not have the version that its change expects. Nothing is changed. Holds the
    /// current document of each change, in the order of the changes, all of one moment.
    Conflict(Vec<Option<Document>>),
    /// The store has no room for another expendable document. Nothing is changed.
    Full,
}

/// Keeps versioned documents.
///
/// A document stands in a [`Partition`] under a [`Key`]. It has a [`Version`], bytes, index entries, and
/// possibly a time from which it may be swept. The library encodes the bytes, draws the versions, and
/// compares every time: **a backend compares versions only, never the time.** An engine may remove a
/// document by itself no earlier than one hour after its `keep_until`.
///
/// A backend may be sharded by partition. Within a partition it needs one atomic compare-and-set over
/// several keys; across partitions it needs nothing but the shop-wide indexes.
///
/// A call that was dropped or that failed may have taken effect, also later, but never in part.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not keep documents",
    label = "it must implement `StateStore`, or be an `Arc` of a type that does",
    note = "write `#[async_trait] impl StateStore for {Self}`; the attribute is `commerce_auth::async_trait`",
    note = "ready-made stores are `MemoryStore`, `SqliteStore` (feature `sqlite`), `PostgresStore` (feature `postgres`) and `RedisStore` (feature `redis`)"
)]
pub trait StateStore: Debug + Send + Sync + 'static {
    /// Returns the documents of these keys, in the order of the keys, all of one moment. The library asks
    /// for at most [`Changes::MAX`] keys, none of them twice.
    ///
    /// A load that starts after a commit has returned sees that commit, on every node.
    ///
    /// # Security
    ///
    /// An older document is a vulnerability: a refusal rests on a load, so a lock that was just set would
    /// be overlooked, although no grant rests on it. A document that lacks bytes or has others is one too.
    ///
    /// # Errors
    ///
    /// The backend failed.
    async fn load(&self, partition: &Partition, keys: &[Key]) -> Result<Vec<Option<Document>>, StoreError>;

    /// Makes all changes if every named document has the version that its change expects, and none of
    /// them otherwise. The comparison, [`Change::Check`] included, and the changes are one atomic step.
    ///
    /// `now` is for an engine's own expiry alone. A document whose `keep_until` has passed is present like
    /// any other. If the engine itself refuses to run the commit and certainly did not run it (SQLSTATE
    /// 40001 and 40P01, a Redis `MOVED`), the answer is a conflict. If the outcome is unknown, it is an
    /// error.
    ///
    /// # Security
    ///
    /// A change against another version than the expected one, a change without the others, or a document
    /// that changed between comparison and change is a vulnerability: a used code would work twice, and
    /// parallel guesses would exceed a budget. So is `Full` for anything but the creation of an expendable
    /// document. A needless conflict costs speed.
    ///
    /// # Errors
    ///
    /// The backend failed; the changes may be made. The library does not send them again.
    async fn commit(
        &self,
        partition: &Partition,
        changes: &Changes,
        now: OffsetDateTime,
    ) -> Result<CommitOutcome, StoreError>;

    /// Returns the documents that carry an entry of this index, in order of [`Position`], from behind
    /// `after`, at most `limit` of them. Fewer than `limit` means that the index has no more.
    ///
    /// The index of a partition is exact: the answer is of one moment. The entry of a shop-wide index may
    /// be written before its document and removed after it, each apart from the commit: so an entry is
    /// never missing, and one whose document no longer carries it is skipped.
    ///
    /// # Security
    ///
    /// A document that is missing is a vulnerability: it outlives its own erasure or the rotation of its
    /// key. A document that no longer carries the entry costs speed; no grant and no refusal rests on a
    /// shop-wide index.
    ///
    /// # Errors
    ///
    /// The backend failed.
    async fn list(
        &self,
        index: &Index,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError>;

    /// Removes at most `limit` documents whose `keep_until` is at or before `until` and returns how many.
    /// The library passes the current time minus one hour.
    ///
    /// # Security
    ///
    /// A document is removed only if its `keep_until` is at or before `until` at the moment of removal.
    /// Anything else is a vulnerability: a lock or a spent code that was just written would be lost. A
    /// document without a `keep_until` is never removed. To leave a document costs space.
    ///
    /// # Errors
    ///
    /// The backend failed; documents may be removed.
    async fn sweep(&self, until: OffsetDateTime, limit: usize) -> Result<usize, StoreError>;
}
