use crate::error::StoreError;

/// The e-mail address or the name of an account is not valid, or belongs to another account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the e-mail address or name is not valid, or belongs to another account")]
#[non_exhaustive]
pub struct AccountConflict;

/// A ready-made account table could not store a row.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpsertError {
    /// The e-mail address or user name is not valid, or belongs to another account. The table is
    /// unchanged.
    #[error(transparent)]
    Conflict(#[from] AccountConflict),
    /// The request to the table failed. The row may be stored.
    #[error(transparent)]
    Unavailable(#[from] StoreError),
}
