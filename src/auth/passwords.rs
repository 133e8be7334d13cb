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
/// Customers' passwords are confirmed, changed, forgotten and made.
impl Auth {
    /// Checks a signed-in customer's current password, before an act that asks for it again: a new e-mail
    /// address, payment data. Hosts never compare by themselves.
    ///
    /// Failures are counted in a budget of their own, of the size of
    /// [`AuthConfig::source_budget`](crate::AuthConfig::source_budget), and in the account's wider one: a
    /// stolen token does not allow guessing.
    ///
    /// # Errors
    ///
    /// - As [`verify_customer`](Self::verify_customer), and [`TokenError::NotAuthorized`] for a token born of
    ///   assistance.
    /// - [`InputError::Required`], [`InputError::PasswordTooLong`]: nothing was looked up.
    /// - [`SignInError::WrongPassword`]: it is not the password, or the account has none or is not active.
    /// - [`SignInError::Locked`]: too many wrong ones.
    /// - [`Error::Overloaded`]: too many hashes are waiting.
    /// - [`InternalError::ForeignRow`]: the customer's row is of another customer or website, or has no valid
    ///   address.
    /// - [`Error::Unavailable`], [`Error::Random`].
    pub async fn confirm_password(
        &self,
        bearer: impl Into<Bearer<'_>>,
        password: impl Into<Credential>,
    ) -> Result<(), Error> {
        flow::confirm_password(&self.services, bearer.into(), password.into()).await
    }

    /// Changes a signed-in customer's password: Commerce's `changeCustomerPassword`.
    ///
    /// The current password is checked as by [`confirm_password`](Self::confirm_password). Success ends all the
    /// customer's other tokens, reset tokens and one-time codes; the token presented stays good.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Policy`]: nothing was checked. A password from a data breach is refused once
    ///   the current password was found right.
    /// - As [`confirm_password`](Self::confirm_password).
    /// - [`Error::Conflict`]: somebody else changed the password in this moment.
    /// - [`TokenError::Invalid`]: the customer's tokens, or this one, were ended by somebody else meanwhile. The password
    ///   does not stand: the earlier one is back, and all tokens end.
    /// - [`Error::Unavailable`], [`Error::Random`]: the other tokens may live. A password that was written is put back, since
    ///   nobody can see whether it may stand; if the table fails too, it is the new one. Try again with either password.
    ///
    /// The same holds for a call that is dropped midway, as some servers do when a client goes away: run it to its end
    /// (in a task of its own).
    #[doc(alias("changeCustomerPassword", "/V1/customers/me/password"))]
    pub async fn change_password(
        &self,
        bearer: impl Into<Bearer<'_>>,
        current: impl Into<Credential>,
        new: impl Into<Credential>,
    ) -> Result<(), Error> {
        flow::change_password(&self.services, bearer.into(), current.into(), new.into()).await
    }

    /// Makes a reset token for the customer with this address, if there is one, and hands it to the
    /// [`Notifier`](crate::Notifier): Commerce's `requestPasswordResetEmail`.
    ///
    /// Known and unknown addresses, locked and disabled accounts are the same work and the same answer; so are the
    /// limits, which count the address as it was typed. The token lives for
    /// [`AuthConfig::reset_token_lifetime`](crate::AuthConfig::reset_token_lifetime) and works once, in
    /// [`reset_password`](Self::reset_password) or as the `password` of
    /// [`generate_customer_token`](Self::generate_customer_token). The newest three stay good, so a stranger's request
    /// does not kill the link in the customer's mail. A disabled account gets none.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`]: nothing was looked up.
    /// - [`InternalError::NotConfigured`]: there is no notifier.
    /// - [`SignInError::ChallengeRequired`]: the host's [`Challenge`](crate::Challenge) asks for a right answer. Nothing was
    ///   looked up, and nothing counted.
    /// - [`SignInError::TooManyRequests`]: for this address, or from this source.
    /// - [`Error::Unavailable`], [`Error::Random`]: a token may have been made; none was mailed.
    #[doc(alias("requestPasswordResetEmail", "/V1/customers/password"))]
    pub async fn request_password_reset(&self, request: PasswordResetRequest) -> Result<(), Error> {
        flow::request_password_reset(&self.services, request).await
    }

    /// Sets a new password by a reset token: Commerce's `resetPassword`.
    ///
    /// Success ends all the customer's tokens, reset tokens, one-time codes and locks. An unconfirmed account stays
    /// unconfirmed. A password that the policy refuses leaves the token good for another try. A lock on the old
    /// password does not stop it, as nobody guesses a reset token; it has a budget of its own for each source,
    /// of the size of [`AuthConfig::source_budget`](crate::AuthConfig::source_budget). Every refusal within it
    /// is the same work.
    ///
    /// A reset token that was spent before is a replay: somebody else may have used it. The token that it bought ends; if
    /// a new password was set with it, all the customer's tokens end. The customer is told
    /// ([`Notice::CredentialReplayed`](crate::Notice)) and should ask for a new link. A second click while the first
    /// reset is on its way is a replay, too; the first reset stands.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`], [`InputError::Policy`]: nothing was looked up. A password from a data
    ///   breach is refused once the reset token was found good; the token stays good.
    /// - [`SignInError::ChallengeRequired`]: the host's [`Challenge`](crate::Challenge) asks for a right answer. Nothing was
    ///   looked up, and nothing counted.
    /// - [`SignInError::ResetTokenMismatched`]: not the account's, expired, spent, ended meanwhile, no such
    ///   account, or a disabled one. If the customer's tokens were ended by somebody else while the password
    ///   was being set, it does not stand: the earlier one is back, or none that works, and all tokens end.
    /// - [`SignInError::TooManyRequests`]: the budget is spent.
    /// - [`Error::Overloaded`]: too many hashes are waiting; the token is still good.
    /// - [`Error::Unavailable`], [`Error::Random`]: the token may be spent, the password may be set, and earlier tokens
    ///   may live. Let the customer ask for another reset.
    ///
    /// The same holds for a call that is dropped midway, as some servers do when a client goes away: run it to its end
    /// (in a task of its own).
    #[doc(alias("resetPassword", "/V1/customers/resetPassword"))]
    pub async fn reset_password(&self, reset: PasswordReset) -> Result<(), Error> {
        flow::reset_password(&self.services, reset).await
    }

    /// Returns `Ok` if this is a good reset token of the customer: Commerce's
    /// `GET /V1/customers/{id}/password/resetLinkToken/{token}`. Nothing is spent.
    ///
    /// Unknown customers and wrong tokens are the same work and the same answer. Wrong tokens are counted for each
    /// customer and source, in a budget of the size of [`AuthConfig::source_budget`](crate::AuthConfig::source_budget), and
    /// for the source over all customers. In Commerce this is not limited.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`]: nothing was looked up.
    /// - [`SignInError::ResetTokenMismatched`]: not the customer's, expired, spent, ended meanwhile, no such customer, or a
    ///   disabled account. Not told apart.
    /// - [`SignInError::TooManyRequests`]: the budget is spent.
    /// - [`Error::Unavailable`], [`Error::Random`].
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

    /// Judges a new password by the policy and makes the hash to store: for a host that creates accounts.
    /// Hosts never hash by themselves.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`].
    /// - [`InputError::Policy`]: which rule it breaks, in Commerce's words.
    /// - [`Error::Overloaded`]: too many hashes are waiting.
    /// - [`Error::Random`]: there was no salt to be had.
    /// - [`Error::Unavailable`]: the request to the host's [`BreachedPasswords`](crate::BreachedPasswords) failed.
    pub async fn hash_new_password(
        &self,
        email: &str,
        password: impl Into<Credential>,
    ) -> Result<PasswordHash, Error> {
        flow::hash_new_password(&self.services, email, password.into()).await
    }
}
