use rusqlite::{Error, ffi, types::Type};

use crate::{error::StoreError, store::columns::CorruptColumn};

/// What SQLite said, without the statement and the values that it said it about.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Engine(#[from] ffi::Error),
    #[error(transparent)]
    Corrupt(#[from] CorruptColumn),
    /// The thread that writes has ended.
    #[error("the writer of the file is gone")]
    Gone,
    /// Other callers keep the readers or the writer busy, or another process keeps the file locked.
    #[error("the file was busy for too long")]
    TimedOut,
    #[error("a write has panicked")]
    Panicked,
    #[error("a row or a statement of the file cannot be read")]
    Unreadable,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::SqliteFailure(error, _) | Error::SqlInputError { error, .. } => Self::Engine(error),
            Error::FromSqlConversionFailure(_, _, source) => match source.downcast::<CorruptColumn>() {
                Ok(corrupt) => Self::Corrupt(*corrupt),
                Err(_) => Self::Unreadable,
            },
            _ => Self::Unreadable,
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::new(failure)
    }
}

/// On its way through the driver.
impl From<CorruptColumn> for Error {
    fn from(corrupt: CorruptColumn) -> Self {
        Self::FromSqlConversionFailure(0, Type::Null, Box::new(corrupt))
    }
}

impl Failure {
    /// True if a row is in the way of another's unique columns.
    pub(super) fn is_conflict(self) -> bool {
        matches!(self, Self::Engine(error) if error.code == ffi::ErrorCode::ConstraintViolation)
    }
}
