use std::error::Error as StdError;

type BoxError = Box<dyn StdError + Send + Sync>;

/// A request to a store, or to a host's table, failed. A missing record is a value and never an
/// error.
///
/// # Security
///
/// Wrap the driver's own error. It appears in logs, so it must hold no secret, no e-mail address
/// and no SQL with values.
#[derive(Debug, thiserror::Error)]
#[error("storage backend request failed")]
pub struct StoreError {
    source: BoxError,
}

impl StoreError {
    /// Creates a store error with the driver's error as its [`source`](StdError::source).
    ///
    /// The HTTP adapters log the text of the source and of its sources (at most 1 KiB): see [the
    /// type](Self).
    #[must_use]
    pub fn new(source: impl Into<BoxError>) -> Self {
        Self { source: source.into() }
    }
}
