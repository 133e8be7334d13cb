use super::ErrorKind;

/// A bearer token is not accepted for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The bearer token is malformed, unknown, expired or revoked. The error does not
    /// distinguish these cases.
    #[error("Composite reader could not read a token")]
    Invalid,
    /// The bearer token is live, but not valid for this operation. It is a customer's token where
    /// an admin user's is needed or the reverse, a token for another website, or an assistance
    /// token.
    #[error("The current customer isn't authorized.")]
    NotAuthorized,
}

impl TokenError {
    pub(super) const fn kind(self) -> ErrorKind {
        match self {
            Self::Invalid => ErrorKind::Authentication,
            Self::NotAuthorized => ErrorKind::Authorization,
        }
    }

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Invalid => "token.invalid",
            Self::NotAuthorized => "token.not_authorized",
        }
    }
}
