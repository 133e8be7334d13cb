use std::time::Duration;

use super::ErrorKind;

/// The second factor of an admin user is missing, wrong, or cannot be set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecondFactorError {
    /// The password is right, but the code of the second factor is missing. Only a caller who
    /// presents the right password gets this error.
    #[error("Please use the 2fa provider-specific endpoints to obtain a token.")]
    Required,
    /// The password is right, but the admin user must first set up an authenticator. The library
    /// has mailed an enrolment token for the setup.
    #[error(
        "You are required to configure personal Two-Factor Authorization in order to login. Please check your email."
    )]
    EnrolmentRequired,
    /// Like [`EnrolmentRequired`](Self::EnrolmentRequired), but the mail could not be sent.
    #[error("Failed to send the message. Please contact the administrator")]
    EnrolmentNotSent,
    /// The admin user has no authenticator. Only a caller who presents the right password or a
    /// valid token gets this error.
    #[error("Provider is not configured.")]
    NotEnrolled,
    /// The admin user already has an authenticator, or the authenticator was replaced or removed
    /// after the enrolment began.
    #[error("Provider is already configured.")]
    AlreadyEnrolled,
    /// The enrolment token is unknown, has expired, is spent, or was replaced by a newer one. Or
    /// the admin user is disabled, or the admin user's tokens were ended after the enrolment began.
    #[error("Invalid two-factor authorization token")]
    InvalidEnrolmentToken,
    /// The second-factor code is wrong: it is not a current code of the authenticator and not a
    /// recovery code. Or the code was used before.
    #[error("Invalid code.")]
    InvalidCode,
    /// The admin user's sign-in is too old for this operation, or was made without a second factor.
    /// The admin user must sign in again or step up ([`Auth::step_up`](crate::Auth::step_up)). The
    /// value of this variant is the maximum age of a sign-in for the operation.
    #[error("Sign in again with your second factor to do this.")]
    StepUpRequired(Duration),
}

impl SecondFactorError {
    pub(super) const fn kind(self) -> ErrorKind {
        match self {
            Self::Required
            | Self::EnrolmentRequired
            | Self::EnrolmentNotSent
            | Self::NotEnrolled
            | Self::AlreadyEnrolled => ErrorKind::Input,
            Self::InvalidEnrolmentToken | Self::InvalidCode | Self::StepUpRequired(_) => {
                ErrorKind::Authentication
            }
        }
    }

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Required => "second_factor.required",
            Self::EnrolmentRequired => "second_factor.enrolment_required",
            Self::EnrolmentNotSent => "second_factor.enrolment_not_sent",
            Self::NotEnrolled => "second_factor.not_enrolled",
            Self::AlreadyEnrolled => "second_factor.already_enrolled",
            Self::InvalidEnrolmentToken => "second_factor.invalid_enrolment_token",
            Self::InvalidCode => "second_factor.invalid_code",
            Self::StepUpRequired(_) => "second_factor.step_up_required",
        }
    }
}
