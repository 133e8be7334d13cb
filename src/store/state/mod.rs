//! The storage trait for versioned documents. The library defines the content of the documents. For
//! a backend, the content is only bytes.

mod changes;
mod key;

use std::fmt::Debug;

use async_trait::async_trait;
pub use changes::{Change, Changes, ChangesError, Put};
pub use key::{DocumentId, Index, IndexEntry, Key, Name, NameError, Partition, Position, Version};
use time::OffsetDateTime;

use crate::error::StoreError;

/// The version and the content of a stored document.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "backends make it")]
pub struct Document {
    /// The version that the last [`Put`] of the document set.
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

/// The result of [`StateStore::commit`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a caller must handle each")]
pub enum CommitOutcome {
    /// All changes are made.
    Committed,
    /// At least one document does not have the version that its change expects, so the store
    /// changes nothing. The vector has one entry for each change, in the order of the changes: the
    /// current document, or `None` if the document does not exist. All entries are from one
    /// consistent snapshot.
    Conflict(Vec<Option<Document>>),
    /// The store has no room for the expendable documents that the commit creates (see
    /// [`Put::expendable`]). The store changes nothing.
    Full,
}

/// Keeps versioned documents.
///
/// A document is stored in a [`Partition`] under a document [`Key`]. The document has:
///
/// - a [`Version`],
/// - content, as bytes,
/// - entries in indexes, through which the library lists documents,
/// - an optional time `keep_until`. Without it, only a commit removes the document.
///
/// The library, and not the backend, encodes the bytes, draws the versions, and decides if the
/// content has expired.
///
/// **The result of a load or a commit does not depend on a time.** A document is loaded and
/// compared until it is removed, even after its `keep_until`.
///
/// A document may be removed once its `keep_until` has passed. Either [`sweep`](Self::sweep)
/// removes it, or the backend removes it without a call. Without a call, the backend must wait for
/// at least one hour after `keep_until`. For example, Redis removes expired records itself.
///
/// You can shard a backend by partition, because a commit changes documents of one partition only.
/// Within a partition, the backend needs an atomic compare-and-set over several documents. Only the
/// indexes of the whole shop have entries from several partitions.
///
/// If a commit failed, or if its future was dropped, then there are three possibilities: the
/// changes are made, they are not made, or they are made later. In each case a backend makes either
/// all changes of the commit or none.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not keep documents",
    label = "it must implement `StateStore`, or be an `Arc` of a type that does",
    note = "write `#[async_trait] impl StateStore for {Self}`; the attribute is `commerce_auth::async_trait`",
    note = "ready-made stores are `MemoryStore`, `SqliteStore` (feature `sqlite`), `PostgresStore` (feature `postgres`) and `RedisStore` (feature `redis`)"
)]
pub trait StateStore: Debug + Send + Sync + 'static {
    /// Returns the documents of these keys as one consistent snapshot. The result has exactly one
    /// entry for each key, in the order of the keys. An entry is `None` if the document does not
    /// exist. The library passes at most [`Changes::MAX`] keys, all different.
    ///
    /// If a load starts after a commit has returned, then the load sees the changes of that commit,
    /// even if two nodes made the two calls.
    ///
    /// # Security
    ///
    /// It is a vulnerability to return an earlier version of a document. The library refuses a
    /// sign-in if a loaded document holds a lock, so with an earlier version it would miss a new
    /// lock. It is a vulnerability, too, to return wrong or incomplete bytes.
    ///
    /// # Errors
    ///
    /// If the backend request failed.
    async fn load(&self, partition: &Partition, keys: &[Key]) -> Result<Vec<Option<Document>>, StoreError>;

    /// Makes all changes, if every document has the version that its change expects. Otherwise
    /// makes no change. The comparison of the versions and the changes together are one atomic
    /// step. The versions of documents with a [`Change::Check`] are compared, too.
    ///
    /// Use `now` only if the engine itself removes expired records, to compute when the engine
    /// removes the document. A document whose `keep_until` has passed still counts as present until
    /// it is removed.
    ///
    /// The engine may refuse the commit with an error which shows that it made no change. Then
    /// return [`CommitOutcome::Conflict`]. Examples are the SQLSTATEs 40001 and 40P01, and the
    /// Redis error `MOVED`. If it is unknown whether the changes were made, then return an error.
    ///
    /// # Security
    ///
    /// Three mistakes are vulnerabilities, because then a one-time code could work twice, or
    /// parallel guesses could exceed a budget:
    ///
    /// - to make a change although the version of a document differs from the expected version;
    /// - to make a change without the other changes of the commit;
    /// - to let a second commit change a document between the comparison and the changes of this
    ///   commit.
    ///
    /// It is a vulnerability, too, to return `Full` for a commit that creates no expendable
    /// document. It is no vulnerability to return a conflict although all versions match, but it
    /// costs speed.
    ///
    /// # Errors
    ///
    /// If the backend request failed. It is then unknown whether the changes were made, or will still
    /// be made, so the library does not send them again.
    async fn commit(
        &self,
        partition: &Partition,
        changes: &Changes,
        now: OffsetDateTime,
    ) -> Result<CommitOutcome, StoreError>;

    /// Returns at most `limit` documents that have an entry in this index, in the order of
    /// [`Position`]. If `after` is given, then the list begins behind that position. The result has
    /// fewer than `limit` documents only if the index has no more documents.
    ///
    /// A list of a partition's index is one consistent snapshot. An index of the whole shop may be
    /// changed in several steps. A backend may write a new entry before it commits the document. It
    /// may remove an old entry after the commit. In this order, a stored document always has its
    /// entries. For a moment, the index may also hold an entry that does not belong to the stored
    /// document. A list skips such an entry.
    ///
    /// # Security
    ///
    /// It is a vulnerability to omit a document. For example, the library uses lists to erase
    /// personal data and to re-encrypt second factors under a new secret key. It would skip the
    /// omitted document. It is no vulnerability if an index of the whole shop returns a document
    /// that no longer has the entry, but it costs speed.
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
    /// how many it removed. The library passes the current time minus one hour as `until`.
    ///
    /// # Security
    ///
    /// At the moment of removal, compare the document's current `keep_until` with `until`. Since
    /// the sweep found the document, another caller may have replaced it with a document that holds
    /// a new lock or a spent code. To remove this new document is a vulnerability. It is a
    /// vulnerability, too, to remove a document without a `keep_until`. If an expired document
    /// stays, then it only takes space.
    ///
    /// # Errors
    ///
    /// If the backend request failed. Some documents may have been removed.
    async fn sweep(&self, until: OffsetDateTime, limit: usize) -> Result<usize, StoreError>;
}
