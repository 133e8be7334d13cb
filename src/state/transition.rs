use time::OffsetDateTime;

use crate::store::{IndexEntry, Key};

/// A command for the documents of one partition.
pub(crate) trait Transition: Sync {
    /// The answer to the command: its result for the caller.
    type Answer: Send;

    /// Returns the document keys of all documents on which the answer of the command depends. A
    /// commit checks the version of each of these documents, also of those that the command does
    /// not change.
    fn keys(&self) -> Vec<Key>;

    /// Applies the command to `documents`, which are in the order of [`keys`](Self::keys). After a
    /// conflict, the command is applied again to the present documents. So the command must have no
    /// side effects.
    fn apply(
        &self,
        documents: &[Option<&[u8]>],
        now: OffsetDateTime,
    ) -> Result<Step<Self::Answer>, DocumentError>;
}

/// The answer to a command, and one write for each document key of the command, in the order of the
/// document keys. If every write is [`Write::Keep`], no commit is made, and the answer depends only
/// on the loaded documents.
#[derive(Debug)]
pub(crate) struct Step<A> {
    pub(crate) answer: A,
    pub(crate) writes: Vec<Write>,
}

impl<A> Step<A> {
    pub(crate) fn writes_nothing(&self) -> bool {
        self.writes.iter().all(|write| matches!(write, Write::Keep))
    }
}

/// The write for one document.
#[derive(Debug)]
pub(crate) enum Write {
    /// The document is not changed. The document does not always exist.
    Keep,
    Put(Content),
    Delete,
}

/// A new document without its document key and version.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    pub(crate) keep_until: Option<OffsetDateTime>,
    pub(crate) expendable: bool,
    pub(crate) index: Vec<IndexEntry>,
}

/// The error of a document that cannot be decoded or encoded. The caller of the operation gets
/// "unavailable", and the stored document is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DocumentError {
    #[error(
        "a stored document has format {found}, but this release of commerce-auth reads formats up to {known}"
    )]
    Newer { found: u32, known: u32 },
    /// The error contains the line and column, but not the content, because a document can contain
    /// personal data.
    #[error("a stored document is malformed at line {line}, column {column}")]
    Malformed { line: usize, column: usize },
    #[error("failed to encode a document")]
    Unencodable,
}
