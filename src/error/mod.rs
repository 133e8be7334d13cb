//! Errors, in Commerce's words.

mod assistance;
mod confirmation;
mod input;
mod internal;
mod second_factor;
mod sign_in;
mod store;
mod token;

pub use assistance::AssistanceError;
pub use confirmation::ConfirmationError;
pub use input::{Field, InputError, PolicyViolation};
pub use internal::{InternalError, Part};
pub use second_factor::SecondFactorError;
pub use sign_in::SignInError;
pub use store::StoreError;
pub use token::TokenError;

use crate::random::RandomError;

/// The reason why a flow did not do what was asked, by area.
///
/// Its `Display` is the message that Commerce documents, fit for the client; it never holds a secret, an e-mail
/// address or any other input. [`kind`](Error::kind) is what a transport maps to a category and a status,
/// [`code`](Error::code) a stable text for logs, metrics and clients.
///
#[doc = include_str!("codes.md")]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input is malformed, or breaks a rule.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A sign-in, a password or a reset token is refused.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// An e-mail address is not confirmed.
    #[error(transparent)]
    Confirmation(#[from] ConfirmationError),
    /// The second factor of an admin user is missing, wrong, or cannot be set up.
    #[error(transparent)]
    SecondFactor(#[from] SecondFactorError),
    /// Assistance is not offered, not permitted, or not wanted.
    #[error(transparent)]
    Assistance(#[from] AssistanceError),
    /// The bearer token is not accepted.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// More password hashes are asked for than the queue holds, or other attempts at the account took too
    /// long. Try again.
    #[error("The service is busy. Please wait and try again later.")]
    Overloaded,
    /// Somebody else changed the same account in this moment, and nothing was changed. Try again.
    #[error("The service is busy. Please wait and try again later.")]
    Conflict,
    /// A store or a host's table could not be asked. The call may have taken effect.
    #[error("The service is unavailable. Please wait and try again later.")]
    Unavailable(#[from] StoreError),
    /// The operating system gave no random bytes.
    #[error("The service is unavailable. Please wait and try again later.")]
    Random(#[from] RandomError),
    /// The host or this crate is at fault. Any flow may answer it; the lists of errors name it only where a host
    /// can do something about it.
    #[error(transparent)]
    Internal(#[from] InternalError),
}

impl Error {
    /// The kind of an error, which a transport maps to a category and a status.
    ///
    /// ```
    /// use commerce_auth::{Error, ErrorKind, SignInError};
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

    /// A stable text that names the error: its area and its variant, such as `sign_in.refused`. It stays the
    /// same between versions, and holds no input. The table [Codes](Error#codes) has all of them.
    ///
    /// ```
    /// use commerce_auth::{Error, TokenError};
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

/// The kind of an error, which a transport maps to a category and a status. The categories and statuses are those of Commerce 2.4.8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input is not acceptable: `graphql-input` with status 200, REST 400.
    Input,
    /// The credential or the token is not accepted: `graphql-authentication`, 401.
    Authentication,
    /// The token is good, for something else: `graphql-authorization` with 403, REST 401.
    Authorization,
    /// The named thing does not exist: `graphql-no-such-entity` with status 200, REST 404.
    NotFound,
    /// Try again much later: 429.
    TooManyRequests,
    /// Try again in a moment: 503 with `Retry-After`.
    Overloaded,
    /// A store is down: 503, never "denied" and never "allowed".
    Unavailable,
    /// The host is at fault: 500.
    Internal,
}
