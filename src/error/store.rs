use std::error::Error as StdError;

type BoxError = Box<dyn StdError + Send + Sync>;

/// A store, or a host's table, could not be asked. Never "not there", which is a value.
///
/// # Security
///
/// Wrap the driver's own error; put no secret, no e-mail address and no SQL with values in it. It reaches
/// logs.
#[derive(Debug, thiserror::Error)]
#[error("the store could not be asked")]
pub struct StoreError {
    source: BoxError,
}

impl StoreError {
    /// A store error that carries the driver's error as its [`source`](StdError::source).
    ///
    /// The adapters of HTTP log the text of the source and of its sources (at most 1 KiB): see [the type](Self).
    #[must_use]
    pub fn new(source: impl Into<BoxError>) -> Self {
        Self { source: source.into() }
    }
}
