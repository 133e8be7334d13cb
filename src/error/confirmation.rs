use super::ErrorKind;

/// An e-mail address is not confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfirmationError {
    /// The confirmation token was not accepted. The error does not distinguish the reasons.
    ///
    /// The token is unknown, is for another address or website, has expired, is spent, or was
    /// revoked. Or its account is disabled, or another account has the address now.
    #[error("The confirmation token is invalid. Verify the token and try again.")]
    InvalidToken,
    /// The account has already confirmed the address with this token. Only a caller with the token
    /// sees this.
    #[error("The account is already active.")]
    AlreadyConfirmed,
}

impl ConfirmationError {
    pub(super) const fn kind(self) -> ErrorKind {
        match self {
            Self::InvalidToken | Self::AlreadyConfirmed => ErrorKind::Input,
        }
    }

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::InvalidToken => "confirmation.invalid_token",
            Self::AlreadyConfirmed => "confirmation.already_confirmed",
        }
    }
}
