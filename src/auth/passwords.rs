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

// The documentation shows these methods below those of `registration.rs`, under the same heading.
impl Auth {
    /// Checks a signed-in customer's current password.
    ///
    /// Call this method before an operation for which the customer must enter the password again,
    /// such as a change of payment data. The host must not compare passwords itself.
    ///
    /// A wrong password counts in two budgets, so an attacker with a stolen bearer token has only a
    /// few guesses. One budget is for this method and changes of the password and the e-mail
    /// address. It has the size of [`Budgets::source`](crate::config::Budgets::source). The other
    /// is the account's budget over all sources, in which wrong passwords at a sign-in count as
    /// well.
    ///
    /// # Errors
    ///
    /// - The errors of [`verify_customer`](Self::verify_customer), and
    ///   [`TokenError::NotAuthorized`] for an assistance token.
    /// - [`InputError::Required`], [`InputError::PasswordTooLong`]: the input is malformed. Nothing
    ///   was looked up.
    /// - [`SignInError::WrongPassword`]: the password is wrong, or the account has no password or
    ///   is not active.
    /// - [`SignInError::Locked`]: there were too many wrong passwords.
    /// - [`Error::Overloaded`]: too many hashes are waiting, or other attempts at the account took
    ///   too long.
    /// - [`InternalError::ForeignRow`]: the customer table returned the row of another account, or
    ///   a row without a valid e-mail address.
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
    /// The current password is checked as in [`confirm_password`](Self::confirm_password). A
    /// successful change ends all other bearer tokens of the customer, and all reset tokens,
    /// one-time codes and confirmation tokens. The presented bearer token stays valid.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Policy`]: the input is malformed, or the new
    ///   password breaks the policy. The current password was not checked, with one exception: a
    ///   new password from a data breach is refused after the current password was found right.
    /// - The errors of [`confirm_password`](Self::confirm_password).
    /// - [`Error::Conflict`]: another request changed the password at the same time.
    /// - [`TokenError::Invalid`]: while the password was changed, another request ended the
    ///   presented token or all tokens of the customer. The previous password is restored, and all
    ///   tokens end.
    /// - [`Error::Unavailable`], [`Error::Random`]: the customer's other tokens may still be valid.
    ///   If the new password was already written, the library restores the previous one, because it
    ///   does not know whether the other tokens ended. If the restoration fails too, the new
    ///   password stays. So the customer should try again, and enter first the new password and
    ///   then the previous one as the current password.
    ///
    /// If the future of this call is dropped before it completes, the operation can be half done,
    /// as after [`Error::Unavailable`]. Some servers drop the future when a client disconnects. To
    /// prevent this, run the call in a separate task.
    #[doc(alias("changeCustomerPassword", "/V1/customers/me/password"))]
    pub async fn change_password(
        &self,
        bearer: impl Into<Bearer<'_>>,
        current: impl Into<Credential>,
        new: impl Into<Credential>,
    ) -> Result<(), Error> {
        flow::change_password(&self.services, bearer.into(), current.into(), new.into()).await
    }

    /// Makes a reset token for the customer with this e-mail address, and passes the token to the
    /// [`Notifier`](crate::notifier::Notifier), which mails it: Commerce's
    /// `requestPasswordResetEmail`.
    ///
    /// If no account has the e-mail address, or the account is disabled, no mail is sent. The work
    /// and the result are the same for every well-formed address: without an account, or with an
    /// active, locked or disabled account. The rate limits count the requests for an e-mail address
    /// and from a source. So they do not depend on the account either.
    ///
    /// The reset token is valid for
    /// [`Lifetimes::reset_token`](crate::config::Lifetimes::reset_token). It works once: in
    /// [`reset_password`](Self::reset_password) or as the `password` of
    /// [`generate_customer_token`](Self::generate_customer_token). The newest three reset tokens of
    /// an account are valid. So if an attacker requests one or two more resets, the link in the
    /// customer's mail still works.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`]: the input is malformed. Nothing was
    ///   looked up.
    /// - [`InternalError::NotConfigured`]: there is no notifier.
    /// - [`SignInError::ChallengeRequired`]: the attempt needs a response to the host's
    ///   [`Challenge`](crate::challenge::Challenge), and the response is missing or wrong. Nothing
    ///   was looked up, and the request was not counted.
    /// - [`SignInError::TooManyRequests`]: too many requests for this e-mail address, or from this
    ///   source.
    /// - [`Error::Overloaded`]: other attempts at the same account took too long.
    /// - [`Error::Unavailable`], [`Error::Random`]: a token may have been made, but no mail was
    ///   sent.
    #[doc(alias("requestPasswordResetEmail", "/V1/customers/password"))]
    pub async fn request_password_reset(&self, request: PasswordResetRequest) -> Result<(), Error> {
        flow::request_password_reset(&self.services, request).await
    }

    /// Sets a new password by a reset token: Commerce's `resetPassword`.
    ///
    /// A successful reset ends all bearer tokens, reset tokens, one-time codes and confirmation
    /// tokens of the customer, and clears the account's locks. An unconfirmed account stays
    /// unconfirmed. If the password policy refuses the new password, the reset token stays valid,
    /// so the customer can try again with another password.
    ///
    /// If the account is locked after wrong passwords, the customer can still reset the password,
    /// because a reset token cannot be guessed. For each e-mail address and source, failed resets
    /// have a budget with the size of [`Budgets::source`](crate::config::Budgets::source). Failed
    /// sign-ins do not count in it. Until this budget is spent, every wrong reset token causes the
    /// same work.
    ///
    /// If a spent reset token is presented again, this is a replay: one of the two uses may be an
    /// attacker's. If the first use was a sign-in, the library ends the bearer token that was
    /// obtained with the reset token. If the reset token was used to set a new password, all of the
    /// customer's bearer tokens end. The customer gets a notice
    /// ([`Notice::CredentialReplayed`](crate::notifier::Notice)) and should ask for a new link. If
    /// the customer clicks twice, the second request can arrive while the first reset is still
    /// running. The second request is then a replay too, but the first reset succeeds.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`], [`InputError::Policy`]: the input is
    ///   malformed, or the new password breaks the policy. Nothing was looked up, with one
    ///   exception: a password from a data breach is refused after the reset token was found valid.
    ///   In each case the reset token stays valid.
    /// - [`SignInError::ChallengeRequired`]: the attempt needs a response to the host's
    ///   [`Challenge`](crate::challenge::Challenge), and the response is missing or wrong. Nothing
    ///   was looked up, and the attempt was not counted.
    /// - [`SignInError::ResetTokenMismatched`]: the error does not distinguish these cases:
    ///   - The reset token belongs to another account, or is expired, spent or revoked.
    ///   - The account does not exist or is disabled.
    ///   - Another request ended the customer's tokens while the new password was written. Then the
    ///     previous password is restored, and all tokens end. If the account had no password
    ///     before, no password works for it now.
    /// - [`SignInError::TooManyRequests`]: too many wrong tokens were presented for this account
    ///   from this source, or the source has failed too often over all accounts.
    /// - [`Error::Overloaded`]: too many hashes are waiting, or other attempts at the account took
    ///   too long. The token is still valid.
    /// - [`Error::Unavailable`], [`Error::Random`]: the token may be spent, the password may be
    ///   set, and earlier tokens may still be valid. The customer should ask for another reset.
    ///
    /// If the future of this call is dropped before it completes, the operation can be half done,
    /// as after [`Error::Unavailable`]. Some servers drop the future when a client disconnects. To
    /// prevent this, run the call in a separate task.
    #[doc(alias("resetPassword", "/V1/customers/resetPassword"))]
    pub async fn reset_password(&self, reset: PasswordReset) -> Result<(), Error> {
        flow::reset_password(&self.services, reset).await
    }

    /// Checks a customer's reset token without spending it.
    ///
    /// Implements Commerce's `GET /V1/customers/{id}/password/resetLinkToken/{token}`.
    ///
    /// Returns `Ok` if the token is valid. An unknown customer and a wrong token cause the same
    /// work and the same error. Commerce does not limit the number of wrong tokens. The library
    /// counts wrong tokens in these budgets:
    ///
    /// - a budget for each customer and source, with the size of
    ///   [`Budgets::source`](crate::config::Budgets::source);
    /// - the budget of the source over all accounts
    ///   ([`Budgets::source_total`](crate::config::Budgets::source_total)), and that of its IPv6
    ///   network ([`Budgets::network`](crate::config::Budgets::network)).
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`]: the token is empty. Nothing was looked up.
    /// - [`SignInError::ResetTokenMismatched`]: the token belongs to another customer, or is
    ///   expired, spent or revoked. Or the customer does not exist or is disabled. The error does
    ///   not distinguish these cases.
    /// - [`SignInError::TooManyRequests`]: too many wrong tokens were presented for this account
    ///   from this source, or the source has failed too often over all accounts.
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

    /// Checks a customer's new password against the password policy, and returns the password hash
    /// for the host's table.
    ///
    /// Call this method when the host creates an account without
    /// [`begin_registration`](Self::begin_registration). The host must not hash passwords itself.
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
