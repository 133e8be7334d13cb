use crate::error::StoreError;

/// The e-mail address or the name of an account is not valid, or is another account's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the e-mail address or name is not valid, or is another account's")]
#[non_exhaustive]
pub struct AccountConflict;

/// Why a ready-made account table did not take a row.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpsertError {
    /// The row's address or name is not valid, or is another account's: nothing is changed.
    #[error(transparent)]
    Conflict(#[from] AccountConflict),
    /// The table could not be asked: the row may be there.
    #[error(transparent)]
    Unavailable(#[from] StoreError),
}
