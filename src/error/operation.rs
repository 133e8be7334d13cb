use super::{
    AssistanceError, ConfirmationError, ErrorKind, InputError, InternalError, PolicyViolation,
    SecondFactorError, SignInError, StoreError, TokenError,
};
use crate::random::RandomError;

/// The reason why an operation of [`Auth`](crate::Auth) failed. Each area, such as sign-in or
/// assistance, has a variant.
///
/// The `Display` text is Commerce's message, or a similar one if Commerce does not have the error.
/// The client can see the text, because it contains no secret, no e-mail address and no other
/// input. From [`kind`](Error::kind), an adapter chooses the GraphQL category and the HTTP status.
/// [`code`](Error::code) is a stable text for logs, metrics and clients.
///
#[doc = include_str!("codes.md")]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input is malformed, or a new password breaks the policy.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A sign-in, a password or a reset token is refused.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// The confirmation of an e-mail address failed.
    #[error(transparent)]
    Confirmation(#[from] ConfirmationError),
    /// The second factor of an admin user is missing, wrong, or cannot be set up.
    #[error(transparent)]
    SecondFactor(#[from] SecondFactorError),
    /// The shop does not offer remote shopping assistance, the admin user has no permission for it,
    /// or the customer cannot be assisted.
    #[error(transparent)]
    Assistance(#[from] AssistanceError),
    /// The bearer token is not accepted.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Too many password hashes are waiting, or other attempts at the same account took too long.
    /// Try again.
    #[error("The service is busy. Please wait and try again later.")]
    Overloaded,
    /// Another request changed the same account at the same time, so this operation changed
    /// nothing. Try again.
    #[error("The service is busy. Please wait and try again later.")]
    Conflict,
    /// A request to a store or to a host's table failed. The operation may have taken effect.
    #[error("The service is unavailable. Please wait and try again later.")]
    Unavailable(#[from] StoreError),
    /// The operating system failed to supply random bytes.
    #[error("The service is unavailable. Please wait and try again later.")]
    Random(#[from] RandomError),
    /// A mistake of the host or of this crate. Any operation can return it. The `# Errors` section
    /// of an operation mentions it only if the host can correct it.
    #[error(transparent)]
    Internal(#[from] InternalError),
}

impl Error {
    /// Returns the kind of the error, from which an adapter chooses the GraphQL category and the
    /// HTTP status.
    ///
    /// ```
    /// use commerce_auth::{Error, ErrorKind, error::SignInError};
    ///
    /// assert_eq!(Error::SignIn(SignInError::Refused).kind(), ErrorKind::Authentication);
    /// ```
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Input(_) => ErrorKind::Input,
            Self::SignIn(error) => error.kind(),
            Self::Confirmation(error) => error.kind(),
            Self::SecondFactor(error) => error.kind(),
            Self::Assistance(error) => error.kind(),
            Self::Token(error) => error.kind(),
            Self::Overloaded | Self::Conflict => ErrorKind::Overloaded,
            Self::Unavailable(_) | Self::Random(_) => ErrorKind::Unavailable,
            Self::Internal(_) => ErrorKind::Internal,
        }
    }

    /// Returns a text that names the error's area and variant, such as `sign_in.refused`. The text
    /// stays the same between versions and contains no input. The table [Codes](Error#codes) lists
    /// all codes.
    ///
    /// ```
    /// use commerce_auth::{Error, error::TokenError};
    ///
    /// assert_eq!(Error::Token(TokenError::Invalid).code(), "token.invalid");
    /// ```
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Input(error) => error.code(),
            Self::SignIn(error) => error.code(),
            Self::Confirmation(error) => error.code(),
            Self::SecondFactor(error) => error.code(),
            Self::Assistance(error) => error.code(),
            Self::Token(error) => error.code(),
            Self::Overloaded => "overloaded",
            Self::Conflict => "conflict",
            Self::Unavailable(_) => "unavailable",
            Self::Random(_) => "random",
            Self::Internal(error) => error.code(),
        }
    }
}

impl From<PolicyViolation> for Error {
    fn from(violation: PolicyViolation) -> Self {
        Self::Input(InputError::Policy(violation))
    }
}
