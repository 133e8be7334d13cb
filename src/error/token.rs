use super::ErrorKind;

/// A bearer token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The bearer token is malformed, unknown, expired or revoked; the four are not told apart.
    #[error("Composite reader could not read a token")]
    Invalid,
    /// The bearer token is live, and may not do this: another kind, another website, or assistance.
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
