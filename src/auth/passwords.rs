use super::Auth;
#[cfg(doc)]
use crate::error::{InputError, InternalError, SignInError, TokenError};
use crate::{
    account::{CustomerId, PasswordHash},
    credential::Credential,
    error::Error,
    flow::{self, PasswordReset, PasswordResetRequest},
    token::{Bearer, Origin},
};

/// # Passwords
///
/// Confirmation, change, reset and hashing of customers' passwords.
impl Auth {
    /// Checks a signed-in customer's current password.
    ///
    /// Call it before an operation that asks for the password again, such as a new e-mail address
    /// or payment data. The host must not compare passwords itself.
    ///
    /// Failures count in a separate budget with the size of
    /// [`AuthConfig::source_budget`](crate::AuthConfig::source_budget), and in the account's wider
    /// budget. A stolen token therefore does not allow unlimited guesses.
    ///
    /// # Errors
    ///
    /// - As [`verify_customer`](Self::verify_customer), and [`TokenError::NotAuthorized`] for an
    ///   assistance token.
    /// - [`InputError::Required`], [`InputError::PasswordTooLong`]: the input is malformed. Nothing
    ///   was looked up.
    /// - [`SignInError::WrongPassword`]: the password is wrong, or the account has no password or
    ///   is not active.
    /// - [`SignInError::Locked`]: there were too many wrong passwords.
    /// - [`Error::Overloaded`]: too many hashes are waiting.
    /// - [`InternalError::ForeignRow`]: the customer table returned the row of another customer or
    ///   website, or a row without a valid address.
    /// - [`Error::Unavailable`], [`Error::Random`]: the password was not confirmed.
    pub async fn confirm_password(
        &self,
        bearer: impl Into<Bearer<'_>>,
        password: impl Into<Credential>,
    ) -> Result<(), Error> {
        flow::confirm_password(&self.services, bearer.into(), password.into()).await
    }

    /// Changes a signed-in customer's password: Commerce's `changeCustomerPassword`.
    ///
    /// The current password is checked as in [`confirm_password`](Self::confirm_password). Success
    /// ends all other tokens of the customer, and all reset tokens and one-time codes. The
    /// presented token stays valid.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Policy`]: the current password was not checked. A
    ///   password from a data breach is refused only after the current password was found right.
    /// - As [`confirm_password`](Self::confirm_password).
    /// - [`Error::Conflict`]: another request changed the password at the same time.
    /// - [`TokenError::Invalid`]: another request ended the presented token, or all tokens of the
    ///   customer, meanwhile. The previous password is restored, and all tokens end.
    /// - [`Error::Unavailable`], [`Error::Random`]: the customer's other tokens may still be valid.
    ///   If the new password was written, it is undone, because the crate cannot tell whether it is
    ///   safe to keep. If the undo fails too, the new password stays. Try again with either
    ///   password.
    ///
    /// The same holds if the call is dropped before it ends, as some servers do when a client
    /// disconnects. To prevent this, run the call in a separate task.
    #[doc(alias("changeCustomerPassword", "/V1/customers/me/password"))]
    pub async fn change_password(
        &self,
        bearer: impl Into<Bearer<'_>>,
        current: impl Into<Credential>,
        new: impl Into<Credential>,
    ) -> Result<(), Error> {
        flow::change_password(&self.services, bearer.into(), current.into(), new.into()).await
    }

    /// Makes a reset token for the customer with this address and passes it to the
    /// [`Notifier`](crate::notifier::Notifier): Commerce's `requestPasswordResetEmail`.
    ///
    /// If no account has the address, or the account is disabled, no mail is sent. The work and the
    /// result are the same for every address, whether its account is missing, locked or disabled.
    /// The rate limits do not depend on an account either: they count the address as it was typed.
    ///
    /// The token lives for
    /// [`AuthConfig::reset_token_lifetime`](crate::AuthConfig::reset_token_lifetime). It works
    /// once, in [`reset_password`](Self::reset_password) or as the `password` of
    /// [`generate_customer_token`](Self::generate_customer_token). The newest three tokens are
    /// valid, so the request of an attacker does not invalidate the link in the customer's mail.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`]: the input is malformed. Nothing was
    ///   looked up.
    /// - [`InternalError::NotConfigured`]: there is no notifier.
    /// - [`SignInError::ChallengeRequired`]: the host's [`Challenge`](crate::challenge::Challenge) requires a
    ///   right answer. Nothing was looked up, and the request was not counted.
    /// - [`SignInError::TooManyRequests`]: too many requests for this address, or from this source.
    /// - [`Error::Unavailable`], [`Error::Random`]: a token may have been made, but no mail was
    ///   sent.
    #[doc(alias("requestPasswordResetEmail", "/V1/customers/password"))]
    pub async fn request_password_reset(&self, request: PasswordResetRequest) -> Result<(), Error> {
        flow::request_password_reset(&self.services, request).await
    }

    /// Sets a new password by a reset token: Commerce's `resetPassword`.
    ///
    /// Success ends all tokens, reset tokens and one-time codes of the customer, and clears the
    /// locks. An unconfirmed account stays unconfirmed. If the policy refuses the password, the
    /// token stays valid for another try.
    ///
    /// A lock on the old password does not affect the reset, because nobody can guess a reset
    /// token. The reset has a separate budget for each source, with the size of
    /// [`AuthConfig::source_budget`](crate::AuthConfig::source_budget). Within this budget every
    /// refusal does the same work.
    ///
    /// If a reset token is presented a second time, this is a replay, and an attacker may have used
    /// it. The token obtained with it ends. If it was used to set a new password, all of the
    /// customer's tokens end. The customer is notified
    /// ([`Notice::CredentialReplayed`](crate::notifier::Notice)) and should ask for a new link. A second
    /// click while the first reset is still running is a replay too, and the first reset succeeds.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`], [`InputError::Policy`]: nothing was
    ///   looked up. A password from a data breach is refused only after the reset token was found
    ///   valid, and the token stays valid.
    /// - [`SignInError::ChallengeRequired`]: the host's [`Challenge`](crate::challenge::Challenge) requires a
    ///   right answer. Nothing was looked up, and the attempt was not counted.
    /// - [`SignInError::ResetTokenMismatched`]: the token belongs to another account, is expired or
    ///   spent, or ended meanwhile; or the account does not exist or is disabled. The same error is
    ///   returned if another request ended the customer's tokens while the password was written.
    ///   The previous password is then restored, and all tokens end. If there was none, the account
    ///   has no working password.
    /// - [`SignInError::TooManyRequests`]: the budget is spent.
    /// - [`Error::Overloaded`]: too many hashes are waiting. The token is still valid.
    /// - [`Error::Unavailable`], [`Error::Random`]: the token may be spent, the password may be
    ///   set, and earlier tokens may still be valid. The customer should ask for another reset.
    ///
    /// The same holds if the call is dropped before it ends, as some servers do when a client
    /// disconnects. To prevent this, run the call in a separate task.
    #[doc(alias("resetPassword", "/V1/customers/resetPassword"))]
    pub async fn reset_password(&self, reset: PasswordReset) -> Result<(), Error> {
        flow::reset_password(&self.services, reset).await
    }

    /// Checks a customer's reset token without spending it.
    ///
    /// Implements Commerce's `GET /V1/customers/{id}/password/resetLinkToken/{token}`.
    ///
    /// Returns `Ok` if the token is valid. An unknown customer and a wrong token cause the same
    /// work and the same error. Wrong tokens count for each customer and source, in a budget with
    /// the size of [`AuthConfig::source_budget`](crate::AuthConfig::source_budget), and for the
    /// source over all customers. Commerce does not limit this request.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`]: the token is empty. Nothing was looked up.
    /// - [`SignInError::ResetTokenMismatched`]: the token belongs to another customer, is expired
    ///   or spent, or ended meanwhile; or the customer does not exist or is disabled. The error
    ///   does not distinguish these cases.
    /// - [`SignInError::TooManyRequests`]: the budget is spent.
    /// - [`Error::Unavailable`], [`Error::Random`]: the token could not be checked.
    #[doc(alias(
        "resetLinkToken",
        "/V1/customers/{customerId}/password/resetLinkToken/{resetPasswordLinkToken}"
    ))]
    pub async fn check_reset_token(
        &self,
        customer: &CustomerId,
        token: impl Into<Credential>,
        origin: &Origin,
    ) -> Result<(), Error> {
        flow::check_reset_token(&self.services, customer, token.into(), origin).await
    }

    /// Checks a new password against the policy and returns the hash to store.
    ///
    /// A host calls it when it creates an account. The host must not hash passwords itself.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`]: the input is malformed.
    /// - [`InputError::Policy`]: names the rule that the password breaks, in Commerce's words.
    /// - [`Error::Overloaded`]: too many hashes are waiting.
    /// - [`Error::Random`]: failed to obtain a random salt.
    /// - [`Error::Unavailable`]: the request to the host's
    ///   [`BreachedPasswords`](crate::credential::BreachedPasswords) failed.
    pub async fn hash_new_password(
        &self,
        email: &str,
        password: impl Into<Credential>,
    ) -> Result<PasswordHash, Error> {
        flow::hash_new_password(&self.services, email, password.into()).await
    }
}
