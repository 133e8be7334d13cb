use super::ErrorKind;

/// An e-mail address is not confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfirmationError {
    /// The confirmation token is unknown, is of another address or website, has expired, is spent, or was ended; or its
    /// account is disabled, or another account has the address by now. None of these are told apart.
    #[error("The confirmation token is invalid. Verify the token and try again.")]
    InvalidToken,
    /// The account has confirmed the address already, with this very token. Only someone with the token sees this.
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
