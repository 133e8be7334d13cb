use super::ErrorKind;

/// A bearer token is not accepted for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The bearer token is malformed, unknown, expired or revoked. The error does not
    /// distinguish these cases.
    #[error("Composite reader could not read a token")]
    Invalid,
    /// The bearer token is live, but not valid for this operation. The token belongs to a customer
    /// although the operation needs an admin user's token, or the reverse. Or it is a token of
    /// another website. Or it is an assistance token, but only the customer may do the operation.
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
