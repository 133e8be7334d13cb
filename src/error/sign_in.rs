use super::ErrorKind;

/// A sign-in, a password or a reset token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// The sign-in is refused: unknown account, wrong credential, disabled account and spent budget alike.
    #[error(
        "The account sign-in was incorrect or your account is disabled temporarily. Please wait and try again later."
    )]
    Refused,
    /// The credential is right and the account is not confirmed. Only someone with a right credential sees
    /// this.
    #[error("This account isn't confirmed. Verify and try again.")]
    NotConfirmed,
    /// The customer's current password is wrong.
    #[error("Invalid login or password.")]
    WrongPassword,
    /// Too many wrong passwords were tried for this account.
    #[error("The account is locked.")]
    Locked,
    /// The reset token is not the account's, has expired, or is spent; there is no such account, or it is disabled. The
    /// five are not told apart.
    #[error("The password token is mismatched. Reset and try again.")]
    ResetTokenMismatched,
    /// The unlock token is not the admin user's, has expired, or is spent; or no admin user has the name.
    #[error("the unlock link is invalid or has expired")]
    InvalidUnlockToken,
    /// Too many resets were asked for, or too many one-time credentials tried, for this address or from this source; or
    /// the source has failed too often over all accounts.
    #[error("We received too many requests. Please wait and try again later.")]
    TooManyRequests,
    /// The answer to the host's [`Challenge`](crate::Challenge) is missing or wrong. The client should ask its user for one
    /// and try again.
    #[error("ReCaptcha validation failed, please try again")]
    ChallengeRequired,
}

impl SignInError {
    pub(super) const fn kind(self) -> ErrorKind {
        match self {
            Self::Refused | Self::NotConfirmed | Self::WrongPassword | Self::Locked => {
                ErrorKind::Authentication
            }
            Self::ResetTokenMismatched | Self::InvalidUnlockToken | Self::ChallengeRequired => {
                ErrorKind::Input
            }
            Self::TooManyRequests => ErrorKind::TooManyRequests,
        }
    }

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Refused => "sign_in.refused",
            Self::NotConfirmed => "sign_in.not_confirmed",
            Self::WrongPassword => "sign_in.wrong_password",
            Self::Locked => "sign_in.locked",
            Self::ResetTokenMismatched => "sign_in.reset_token_mismatched",
            Self::InvalidUnlockToken => "sign_in.invalid_unlock_token",
            Self::TooManyRequests => "sign_in.too_many_requests",
            Self::ChallengeRequired => "sign_in.challenge_required",
        }
    }
}
