use std::error::Error as StdError;

type BoxError = Box<dyn StdError + Send + Sync>;

/// A request to a store or to a host's table failed. If a record does not exist, this is not an
/// error: the store then returns `None` or `false`.
///
/// # Security
///
/// A backend passes the error of its database driver to [`new`](Self::new). The text of that error
/// appears in logs, so it must contain no secret, no e-mail address and no SQL with values.
#[derive(Debug, thiserror::Error)]
#[error("storage backend request failed")]
pub struct StoreError {
    source: BoxError,
}

impl StoreError {
    /// Creates a store error with the driver's error as its [`source`](StdError::source).
    ///
    /// The HTTP adapters log the text of the driver's error, and of the errors that caused it (at
    /// most 1 KiB): see [the type](Self).
    #[must_use]
    pub fn new(source: impl Into<BoxError>) -> Self {
        Self { source: source.into() }
    }
}
