use super::ErrorKind;

/// A sign-in, a password, a reset token or an unlock token is refused, or a limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// The sign-in is refused. The error does not show whether the account is unknown or disabled,
    /// the credential is wrong, or a budget is spent.
    #[error(
        "The account sign-in was incorrect or your account is disabled temporarily. Please wait and try again later."
    )]
    Refused,
    /// The credential is right, but the customer has not confirmed the e-mail address. Only a
    /// caller who presents the right credential gets this error.
    #[error("This account isn't confirmed. Verify and try again.")]
    NotConfirmed,
    /// The current password, which a signed-in customer or admin user must present again, is wrong.
    #[error("Invalid login or password.")]
    WrongPassword,
    /// A signed-in customer or admin user has presented too many wrong current passwords.
    #[error("The account is locked.")]
    Locked,
    /// The reset token belongs to another account, has expired or is spent. Or the account does not
    /// exist or is disabled. The error does not distinguish these cases.
    #[error("The password token is mismatched. Reset and try again.")]
    ResetTokenMismatched,
    /// The unlock token belongs to another admin user, has expired or is spent. Or no admin user
    /// has the name. The error does not distinguish these cases.
    #[error("the unlock link is invalid or has expired")]
    InvalidUnlockToken,
    /// A limit is reached, in one of these cases:
    ///
    /// - Too many mails or registrations were requested for this account or from this source.
    /// - Too many one-time credentials, or codes for the activation of an authenticator, were tried
    ///   for this account or from this source.
    /// - The source has failed too often over all accounts.
    #[error("We received too many requests. Please wait and try again later.")]
    TooManyRequests,
    /// The response to the host's [`Challenge`](crate::challenge::Challenge) is missing or wrong.
    /// The client should let the user solve a challenge and try again.
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
