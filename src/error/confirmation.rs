use super::ErrorKind;

/// The confirmation of an e-mail address failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfirmationError {
    /// The confirmation token was not accepted. The error does not distinguish the reasons.
    ///
    /// The confirmation token is unknown, is for another e-mail address or website, has expired, is
    /// spent, or was revoked. Or the account is disabled, or another account has the e-mail address
    /// now.
    #[error("The confirmation token is invalid. Verify the token and try again.")]
    InvalidToken,
    /// The e-mail address was already confirmed with this token. Only a caller who presents the
    /// right token gets this error.
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
