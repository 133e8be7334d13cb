use time::OffsetDateTime;

use crate::store::{IndexEntry, Key};

/// A command to the documents of one partition.
pub(crate) trait Transition: Sync {
    /// The answer to the command.
    type Answer: Send;

    /// The documents that the answer rests on. A commit names the version of each, unchanged ones included.
    fn keys(&self) -> Vec<Key>;

    /// Applies the command to the documents of [`keys`](Self::keys), in their order. It is applied again to
    /// other documents if the first commit meets a conflict, so it changes nothing but its result.
    fn apply(
        &self,
        documents: &[Option<&[u8]>],
        now: OffsetDateTime,
    ) -> Result<Step<Self::Answer>, DocumentError>;
}

/// The answer to a command, and a write for each of its keys, in their order. If every write is
/// [`Write::Keep`], nothing is committed and the answer rests on the load.
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

/// The fate of one document.
#[derive(Debug)]
pub(crate) enum Write {
    /// It stays as it is, present or absent.
    Keep,
    Put(Content),
    Delete,
}

/// A new document without its key and version.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    pub(crate) keep_until: Option<OffsetDateTime>,
    pub(crate) expendable: bool,
    pub(crate) index: Vec<IndexEntry>,
}

/// The reason why a stored document was not used. The answer to the caller is "unavailable", and the
/// document stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DocumentError {
    #[error("a stored document has format {found}, and this release reads up to {known}")]
    Newer { found: u32, known: u32 },
    /// Says where, but not what: a document can hold personal data.
    #[error("a stored document is malformed at line {line}, column {column}")]
    Malformed { line: usize, column: usize },
    #[error("a document could not be encoded")]
    Unencodable,
}
