use rusqlite::{Error, ffi, types::Type};

use crate::{error::StoreError, store::columns::CorruptColumn};

/// An error of a SQLite store. It omits the SQL statement and its values, because the values may be
/// secret.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Engine(#[from] ffi::Error),
    #[error(transparent)]
    Corrupt(#[from] CorruptColumn),
    #[error("the thread that writes to the database file has ended")]
    Gone,
    /// Other callers kept the readers or the writer busy, or another process locked the file.
    #[error("the database file was busy for too long")]
    TimedOut,
    #[error("a write to the database file panicked")]
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

/// Wraps a [`CorruptColumn`] in the error type of the driver, because a closure that reads a
/// database row must return the driver's error type.
impl From<CorruptColumn> for Error {
    fn from(corrupt: CorruptColumn) -> Self {
        Self::FromSqlConversionFailure(0, Type::Null, Box::new(corrupt))
    }
}

impl Failure {
    /// True if a new value violates a constraint of the table, for example because a unique column
    /// has this value already.
    pub(super) fn is_conflict(self) -> bool {
        matches!(self, Self::Engine(error) if error.code == ffi::ErrorCode::ConstraintViolation)
    }
}
