use std::{io, sync::Arc};

use tokio_postgres::error::SqlState;

use crate::{error::StoreError, store::columns::CorruptColumn};

/// What went wrong, without the statement and the values it went wrong with: the server's own words hold them.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("PostgreSQL answered with SQLSTATE {}{}", .0.code(), explanation(.0))]
    Server(SqlState),
    #[error("the connection to PostgreSQL failed")]
    Connection(#[source] io::Error),
    #[error("the connection to PostgreSQL is closed")]
    Closed,
    #[error("PostgreSQL did not answer in time, or no connection was free")]
    TimedOut,
    /// The runtime that drives the connections has ended.
    #[error("the runtime of the connections to PostgreSQL is gone")]
    Gone,
    /// The driver does not say which.
    #[error(
        "PostgreSQL is not as the address says (password, encryption), or what it answered cannot be read"
    )]
    Unreadable,
    #[error(transparent)]
    Corrupt(#[from] CorruptColumn),
    #[error("the right is missing: {0}")]
    NoRight(String),
    /// It was retired between two looks at the keyring.
    #[error("the key that signs the audit trail is not at hand")]
    NoKey,
    #[error(
        "record {0} of the audit trail, which was there, is gone: its end was cut off, or an older state of the database is back"
    )]
    CutOff(i64),
}

impl Failure {
    /// True if the driver has refused a server that only reads.
    pub(super) fn is_read_only(&self) -> bool {
        let driver_said = |error: &io::Error| {
            error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none()
        };
        matches!(self, Self::Connection(error) if driver_said(error))
    }

    /// True if the server has refused a statement that will run if it is sent again: a serialization failure, a
    /// deadlock, a lock that was not free in time. It has run nothing.
    pub(super) fn has_run_nothing(&self) -> bool {
        const REFUSALS: [SqlState; 3] = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::LOCK_NOT_AVAILABLE,
        ];
        matches!(self, Self::Server(state) if REFUSALS.contains(state))
    }
}

/// The cause of an answer that its code alone does not tell an operator.
fn explanation(state: &SqlState) -> &'static str {
    match *state {
        SqlState::TOO_MANY_CONNECTIONS => ": no connection is left for the store's user",
        SqlState::INVALID_SQL_STATEMENT_NAME | SqlState::DUPLICATE_PSTATEMENT => {
            ": a connection pooler does not keep a session for one client, and must be in session mode"
        }
        _ => "",
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(state) = error.code() {
            return Self::Server(state.clone());
        }
        if error.is_closed() {
            return Self::Closed;
        }
        match error.into_source().map(|source| source.downcast::<io::Error>()) {
            Some(Ok(error)) => Self::Connection(*error),
            _ => Self::Unreadable,
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::new(failure)
    }
}

/// What befell several callers at once.
impl From<Arc<Failure>> for StoreError {
    fn from(failure: Arc<Failure>) -> Self {
        Self::new(failure)
    }
}
