use std::time::Duration;

use time::OffsetDateTime;

use super::{Changed, Documents, Held, counted};
use crate::{
    clock::before,
    error::StoreError,
    state::Transition,
    store::{Document, Index, Listed, Partition, Position},
};

/// The error of a store that refuses a document because it is full, although even a full store must
/// accept this document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the storage backend refused a document that is not expendable")]
struct Refused;

/// Time for which a sweep still keeps a document after its `keep_until`: 1 h. A node whose clock is
/// behind possibly still needs the document.
const SWEEP_SLACK: Duration = Duration::from_secs(60 * 60);

impl Documents {
    pub(crate) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// Returns at most `limit` documents of an index, in the order of the index. If `after` is a
    /// position, the list begins after this position.
    ///
    /// # Errors
    ///
    /// If the store request failed.
    pub(crate) async fn list(
        &self,
        index: &Index,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        self.store.list(index, after, limit).await
    }

    /// Removes at most `limit` documents whose `keep_until` passed more than an hour ago, and
    /// returns their number.
    ///
    /// # Errors
    ///
    /// If the store request failed. Some documents are then possibly removed.
    pub(crate) async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.store.sweep(before(self.clock.now(), SWEEP_SLACK), limit).await
    }
}

impl Held {
    /// Creates a snapshot from documents that were read in another way than by [`Documents::load`],
    /// for example by [`Documents::list`].
    ///
    /// # Errors
    ///
    /// If `documents` does not have exactly one entry for each document key of the transition.
    pub(crate) fn of(
        partition: &Partition,
        transition: &impl Transition,
        documents: Vec<Option<Document>>,
    ) -> Result<Self, StoreError> {
        let keys = transition.keys();
        let documents = counted(&keys, documents)?;
        Ok(Self { partition: *partition, keys, documents })
    }

    pub(crate) fn into_documents(self) -> Vec<Option<Document>> {
        self.documents
    }
}

impl<A> Changed<A> {
    /// Returns the answer of a transition whose writes even a full store must accept. Such a
    /// transition creates no expendable document, which a full store may refuse.
    ///
    /// # Errors
    ///
    /// If the store nevertheless refused the documents because it is full.
    pub(crate) fn kept(self) -> Result<A, StoreError> {
        match self {
            Self::Answer(answer) => Ok(answer),
            Self::Full => Err(StoreError::new(Refused)),
        }
    }
}
