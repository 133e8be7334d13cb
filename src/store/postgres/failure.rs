use std::{io, sync::Arc};

use tokio_postgres::error::SqlState;

use crate::{error::StoreError, store::columns::CorruptColumn};

/// An error of PostgreSQL. It omits the server's message, because the message may contain the
/// statement and its values.
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
    #[error("the runtime that drives the connections to PostgreSQL has ended")]
    Gone,
    /// The login failed, or a reply of the server cannot be read. The driver reports these two
    /// errors in the same way.
    #[error("login to PostgreSQL failed (check password and encryption), or its answer could not be read")]
    Unreadable,
    #[error(transparent)]
    Corrupt(#[from] CorruptColumn),
    #[error("missing right: {0}")]
    NoRight(String),
    /// A record cannot be signed with the newest secret key of the keyring, for example because the
    /// key was retired meanwhile.
    #[error("cannot sign the audit record: the signing key is not available")]
    NoKey,
    #[error("audit trail truncated: record {0} is missing (rows deleted, or an older backup restored)")]
    CutOff(i64),
}

impl Failure {
    /// True if the driver refused the server because it is read-only.
    pub(super) fn is_read_only(&self) -> bool {
        let driver_said = |error: &io::Error| {
            error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none()
        };
        matches!(self, Self::Connection(error) if driver_said(error))
    }

    /// True if the error shows that the server has rolled the statement back, so that it is safe to
    /// send the statement again. These errors are a serialization failure, a deadlock and a lock
    /// timeout.
    pub(super) fn has_run_nothing(&self) -> bool {
        const REFUSALS: [SqlState; 3] = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::LOCK_NOT_AVAILABLE,
        ];
        matches!(self, Self::Server(state) if REFUSALS.contains(state))
    }
}

/// Returns the cause of an SQLSTATE, for the operator of the shop. Returns an empty text for an
/// SQLSTATE without a known cause.
fn explanation(state: &SqlState) -> &'static str {
    match *state {
        SqlState::TOO_MANY_CONNECTIONS => ": no connection is left for the store's user",
        SqlState::INVALID_SQL_STATEMENT_NAME | SqlState::DUPLICATE_PSTATEMENT => {
            ": a connection pooler must be in session mode, but shares sessions between clients"
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

/// Converts the error of a batch of audit records. The error is in an `Arc`, because all callers
/// whose records were in the batch get the same error.
impl From<Arc<Failure>> for StoreError {
    fn from(failure: Arc<Failure>) -> Self {
        Self::new(failure)
    }
}
