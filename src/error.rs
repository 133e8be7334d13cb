//! What can go wrong, in Commerce's words.

use std::{error::Error as StdError, time::Duration};

use crate::random::RandomError;

type BoxError = Box<dyn StdError + Send + Sync>;

/// A store, or a host's table, could not be asked. Never "not there", which is a value.
///
/// # Security
///
/// Wrap the driver's own error; put no secret, no e-mail address and no SQL with values in it. It reaches
/// logs.
#[derive(Debug, thiserror::Error)]
#[error("the store could not be asked")]
pub struct StoreError {
    source: BoxError,
}

impl StoreError {
    /// A store error that carries the driver's error as its [`source`](StdError::source).
    #[must_use]
    pub fn new(source: impl Into<BoxError>) -> Self {
        Self { source: source.into() }
    }
}

/// Why a flow did not do what was asked.
///
/// Its `Display` is the message Commerce documents, fit for the client; it never holds a secret, an e-mail
/// address or any other input. [`kind`](Error::kind) is what a transport maps to a category and a status.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A required argument is empty. `"0"` is a value, unlike in Commerce.
    #[error("{}", .0.message())]
    Required(Field),
    /// The e-mail address is not exactly one valid address. [`Email`](crate::Email) tells which rule it
    /// broke.
    #[error("The email address has an invalid format.")]
    InvalidEmail,
    /// The user name is longer than 160 bytes, or has a control or look-alike character. [`Username`](crate::Username)
    /// tells more.
    #[error("The username has an invalid format.")]
    InvalidUsername,
    /// The password argument is longer than 1,024 bytes: nothing is hashed, nothing is looked up.
    #[error("The password is too long.")]
    PasswordTooLong,
    /// A new password breaks the policy.
    #[error(transparent)]
    PasswordPolicy(#[from] PolicyViolation),
    /// The sign-in is refused: unknown account, wrong credential, disabled account and spent budget alike.
    #[error(
        "The account sign-in was incorrect or your account is disabled temporarily. Please wait and try again later."
    )]
    SignInRefused,
    /// The admin user's password is right, and a code of the authenticator is needed too. Only someone with the right
    /// password sees this.
    #[error("Please use the 2fa provider-specific endpoints to obtain a token.")]
    SecondFactorRequired,
    /// The admin user's password is right, and there is no authenticator yet, which must be: a mail says how to set it up.
    #[error(
        "You are required to configure personal Two-Factor Authorization in order to login. Please check your email."
    )]
    EnrolmentRequired,
    /// As [`EnrolmentRequired`](Self::EnrolmentRequired), and the mail could not be sent.
    #[error("Failed to send the message. Please contact the administrator")]
    EnrolmentNotSent,
    /// The admin user has no authenticator. Only someone with the right password sees this.
    #[error("Provider is not configured.")]
    NotEnrolled,
    /// The admin user has an authenticator already.
    #[error("Provider is already configured.")]
    AlreadyEnrolled,
    /// The enrolment token is unknown, has expired, was replaced by a newer one, or is spent.
    #[error("Invalid two-factor authorization token")]
    InvalidEnrolmentToken,
    /// The code is not the authenticator's at this time, was used before, or is no recovery code that is left.
    #[error("Invalid code.")]
    InvalidCode,
    /// The admin user's sign-in is not fresh enough for this, or was without a second factor: sign in again, or use
    /// [`Auth::step_up`](crate::Auth::step_up). It may be this old at most.
    #[error("Sign in again with your second factor to do this.")]
    StepUpRequired(Duration),
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
    /// Too many resets were asked for, or too many one-time credentials tried, for this address or from this source.
    #[error("We received too many requests. Please wait and try again later.")]
    TooManyRequests,
    /// The shop offers no assistance, or the admin user may not sign in as a customer. Nothing was looked up.
    #[error("Login as Customer is disabled.")]
    AssistanceDisabled,
    /// The admin user may not give remote shopping assistance. Nothing was looked up.
    #[error("Allow remote shopping assistance is disabled.")]
    AssistanceNotPermitted,
    /// The customer does not consent to remote shopping assistance. Only a permitted admin user sees this.
    #[error("Login as Customer assistance is disabled for this Customer.")]
    NoConsent,
    /// No customer has this e-mail address. Only a permitted admin user sees this.
    #[error("Customer email provided does not exist")]
    NoSuchEmail,
    /// No customer has this id. Only a permitted admin user sees this.
    #[error("Customer with this ID no longer exists.")]
    NoSuchCustomer,
    /// The customer's account is disabled. Only a permitted admin user sees this.
    #[error("The customer's account is disabled.")]
    CustomerDisabled,
    /// The bearer token is malformed, unknown, expired or revoked; the four are not told apart.
    #[error("Composite reader could not read a token")]
    InvalidToken,
    /// The bearer token is live, and may not do this: another kind, another website, or assistance.
    #[error("The current customer isn't authorized.")]
    NotAuthorized,
    /// More password hashes are asked for than the queue holds, or other attempts at the account took too
    /// long. Try again.
    #[error("The service is busy. Please wait and try again later.")]
    Overloaded,
    /// The flow needs a part the host has not configured.
    #[error("The {} is not configured.", .0.name())]
    NotConfigured(Part),
    /// The host's table answered with a row of another customer or website than was asked for.
    #[error("The account could not be read.")]
    ForeignRow,
    /// A store or a host's table could not be asked. The call may have taken effect.
    #[error("The service is unavailable. Please wait and try again later.")]
    Unavailable(#[from] StoreError),
    /// The operating system gave no random bytes.
    #[error("The service is unavailable. Please wait and try again later.")]
    Random(#[from] RandomError),
}

impl Error {
    /// What a transport maps to a category and a status.
    ///
    /// ```
    /// use commerce_auth::{Error, ErrorKind};
    ///
    /// assert_eq!(Error::SignInRefused.kind(), ErrorKind::Authentication);
    /// ```
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Required(_)
            | Self::InvalidEmail
            | Self::InvalidUsername
            | Self::PasswordTooLong
            | Self::PasswordPolicy(_)
            | Self::ResetTokenMismatched
            | Self::SecondFactorRequired
            | Self::EnrolmentRequired
            | Self::EnrolmentNotSent
            | Self::NotEnrolled
            | Self::AlreadyEnrolled
            | Self::NoSuchEmail => ErrorKind::Input,
            Self::NoSuchCustomer => ErrorKind::NotFound,
            Self::SignInRefused
            | Self::NotConfirmed
            | Self::WrongPassword
            | Self::Locked
            | Self::InvalidEnrolmentToken
            | Self::InvalidCode
            | Self::StepUpRequired(_)
            | Self::InvalidToken => ErrorKind::Authentication,
            Self::NotAuthorized
            | Self::AssistanceDisabled
            | Self::AssistanceNotPermitted
            | Self::NoConsent
            | Self::CustomerDisabled => ErrorKind::Authorization,
            Self::TooManyRequests => ErrorKind::TooManyRequests,
            Self::Overloaded => ErrorKind::Overloaded,
            Self::Unavailable(_) | Self::Random(_) => ErrorKind::Unavailable,
            Self::NotConfigured(_) | Self::ForeignRow => ErrorKind::Internal,
        }
    }
}

/// What a transport maps to a category and a status. The categories and statuses are those of Commerce 2.4.8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input is not acceptable: `graphql-input` with status 200, REST 400.
    Input,
    /// The credential or the token is not accepted: `graphql-authentication`, 401.
    Authentication,
    /// The token is good, for something else: `graphql-authorization` with 403, REST 401.
    Authorization,
    /// What was named does not exist: `graphql-no-such-entity` with status 200, REST 404.
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

/// A required argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// The `email` argument of a sign-in.
    Email,
    /// The `password` argument.
    Password,
    /// The `otp` argument: a one-time code.
    Otp,
    /// The `tfaToken` argument: an enrolment token.
    TfaToken,
    /// The `username` argument of an admin user's sign-in.
    Username,
    /// The `customer_email` argument of an admin user.
    CustomerEmail,
    /// The `reason` argument, where the shop demands one.
    Reason,
    /// The `email` argument of a password reset.
    ResetEmail,
    /// The `resetPasswordToken` argument.
    ResetToken,
    /// The `currentPassword` argument.
    CurrentPassword,
    /// The `newPassword` argument of a password change.
    NewPassword,
    /// The `newPassword` argument of a password reset.
    ResetPassword,
}

impl Field {
    /// Commerce's words.
    const fn message(self) -> &'static str {
        match self {
            Self::Email => "Specify the \"email\" value.",
            Self::Password => "Specify the \"password\" value.",
            Self::Otp => "Specify the \"otp\" value.",
            Self::TfaToken => "Specify the \"tfaToken\" value.",
            Self::Username => "Specify the \"username\" value.",
            Self::CustomerEmail => "Specify the \"customer email\" value.",
            Self::Reason => "Specify the \"reason\" value.",
            Self::ResetEmail => "You must specify an email address.",
            Self::ResetToken => "resetPasswordToken must be specified",
            Self::CurrentPassword => "Specify the \"currentPassword\" value.",
            Self::NewPassword => "Specify the \"newPassword\" value.",
            Self::ResetPassword => "newPassword must be specified",
        }
    }
}

/// A part of the crate that a host may leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The admin user table: [`AuthBuilder::admins`](crate::AuthBuilder::admins).
    Admins,
    /// The notifier: [`AuthBuilder::notifier`](crate::AuthBuilder::notifier).
    Notifier,
    /// The keyring: [`AuthBuilder::keyring`](crate::AuthBuilder::keyring).
    Keyring,
    /// What lets a request into a GraphQL schema: [`Admission`](crate::graphql::Admission).
    #[cfg(feature = "graphql")]
    Admission,
    /// The layer around the router: [`AuthLayer`](crate::http::AuthLayer).
    #[cfg(feature = "axum")]
    Layer,
    /// The address of the peer: serve the router with
    /// [`into_make_service_with_connect_info`](axum::Router::into_make_service_with_connect_info), or say
    /// [`AuthLayer::without_addresses`](crate::http::AuthLayer::without_addresses).
    #[cfg(feature = "axum")]
    PeerAddress,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::Admins => "admin user table",
            Self::Notifier => "notifier",
            Self::Keyring => "keyring",
            #[cfg(feature = "graphql")]
            Self::Admission => "admission of GraphQL requests",
            #[cfg(feature = "axum")]
            Self::Layer => "AuthLayer around the router",
            #[cfg(feature = "axum")]
            Self::PeerAddress => "peer address",
        }
    }
}

/// Which rule of the policy a new password breaks. The messages are Commerce's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyViolation {
    /// More characters than the policy's maximum, which is given.
    #[error("Please enter a password with at most {0} characters.")]
    TooLong(usize),
    /// Fewer characters than the policy's minimum, which is given.
    #[error("The password needs at least {0} characters. Create a new password and try again.")]
    TooShort(usize),
    /// A space at the beginning or at the end.
    #[error("The password can't begin or end with a space. Verify the password and try again.")]
    EdgeSpace,
    /// Fewer classes of characters than the policy's minimum, which is given.
    #[error(
        "Minimum of different classes of characters in password is {0}. Classes of characters: Lower Case, Upper Case, Digits, Special Characters."
    )]
    TooFewClasses(usize),
    /// The password is the e-mail address.
    #[error("The password can't be the same as the email address. Create a new password and try again.")]
    SameAsEmail,
    /// The password is the admin user's name.
    #[error("The password can't be the same as the username. Create a new password and try again.")]
    SameAsUsername,
}
