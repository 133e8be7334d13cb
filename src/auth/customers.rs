use super::Auth;
#[cfg(doc)]
use crate::error::{InputError, InternalError, SignInError};
use crate::{
    account::{CustomerId, Website},
    error::Error,
    flow::{self, CustomerChange, SignIn, SignedIn},
};

/// # Customers
///
/// Sign-in of customers, and changes that the host makes to their accounts.
impl Auth {
    /// Signs a customer in and issues a new bearer token: Commerce's `generateCustomerToken`.
    ///
    /// The `password` argument is tried as the account's password, then as a reset token, then as a
    /// one-time code that an admin user generated. The first match wins. If a one-time credential
    /// matches, it is spent.
    ///
    /// Before any check, a charge is reserved from the account's budgets, so parallel guesses
    /// cannot exceed them. Parallel sign-ins with the right password wait for each other. Within
    /// the budget every refusal does the same work and returns the same error. The refusal does not
    /// show whether the account is unknown, disabled or without a password, or the credential is
    /// wrong.
    ///
    /// A device that the account does not know gets a secret ([`SignedIn::device`]). If the client
    /// presents the secret at its next sign-ins ([`SignIn::device`]), it keeps a separate small
    /// budget, even after attackers have used up the account's budget.
    ///
    /// ```
    /// use commerce_auth::{
    ///     Auth, CustomerId, SignIn,
    ///     account::CustomerRecord,
    ///     store::memory::{MemoryCustomers, MemoryStore},
    ///     token::Obtained,
    /// };
    ///
    /// # pollster::block_on(async {
    /// let customers = MemoryCustomers::new();
    /// let auth = Auth::builder(MemoryStore::new()).customers(customers.clone()).without_notifier().build()?;
    /// let hash = auth.hash_new_password("bobloblaw@example.com", "b0bl0bl@w").await?;
    /// customers.upsert(CustomerRecord::new(1, "bobloblaw@example.com").with_password(hash))?;
    ///
    /// let signed_in = auth.generate_customer_token(SignIn::new("bobloblaw@example.com", "b0bl0bl@w")).await?;
    /// assert_eq!(signed_in.obtained(), Obtained::Password);
    /// let who = auth.verify_customer(signed_in.token()).await?;
    /// assert_eq!(who.customer_id(), &CustomerId::from(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Email`], [`InputError::PasswordTooLong`]: the
    ///   input is malformed. Nothing was looked up.
    /// - [`SignInError::ChallengeRequired`]: the host's [`Challenge`](crate::challenge::Challenge)
    ///   requires a right answer. Nothing was looked up, and the attempt was not counted.
    /// - [`SignInError::Refused`]: the account does not exist or is disabled, the credential is
    ///   wrong, or the budget is spent. Or the admin user behind a one-time code may no longer
    ///   assist, or all tokens were revoked during the sign-in. The error does not distinguish
    ///   these cases.
    /// - [`SignInError::NotConfirmed`]: the credential is right, but the account is not confirmed.
    /// - [`SignInError::TooManyRequests`]: the source has failed too often over all accounts
    ///   ([`Budgets::source_total`](crate::config::Budgets::source_total)). Nothing was
    ///   looked up.
    /// - [`Error::Overloaded`]: too many hashes are waiting.
    /// - [`Error::Unavailable`], [`Error::Random`], [`InternalError::NotConfigured`]: no token was
    ///   issued. A one-time credential may be spent. A one-time code is never spent without a
    ///   record in the audit trail.
    ///
    /// If a one-time code or reset token is presented a second time, this is a replay. The caller
    /// gets the usual refusal, the token obtained with the credential ends, and the customer is
    /// notified ([`Notice::CredentialReplayed`](crate::notifier::Notice)). If the credential was
    /// used to set a new password, all of the customer's tokens end. If the replay arrives while
    /// the first sign-in is still running, the first caller gets a token that has already ended.
    #[doc(alias("generateCustomerToken", "/V1/integration/customer/token"))]
    pub async fn generate_customer_token(&self, sign_in: SignIn) -> Result<SignedIn, Error> {
        flow::generate_customer_token(&self.services, sign_in).await
    }

    /// Exchanges an admin-generated one-time code for a customer's token: Commerce's
    /// `exchangeOtpForCustomerToken`.
    ///
    /// This is the last step of [`generate_customer_token`](Self::generate_customer_token) alone.
    /// It accepts the customer's address and the code, but no password and no reset token. A lock
    /// on the customer's password does not affect it, because nobody can guess a code. It has a
    /// separate budget for each source, with the size of
    /// [`Budgets::source`](crate::config::Budgets::source).
    ///
    /// # Errors
    ///
    /// - As [`generate_customer_token`](Self::generate_customer_token).
    /// - [`SignInError::TooManyRequests`]: the budget is spent.
    /// - [`InternalError::NotConfigured`]: there is no admin user table.
    #[doc(alias = "exchangeOtpForCustomerToken")]
    pub async fn exchange_one_time_code(&self, exchange: SignIn) -> Result<SignedIn, Error> {
        flow::exchange_one_time_code(&self.services, exchange).await
    }

    /// Ends all tokens, reset tokens and one-time codes of a customer whose account the host has
    /// changed.
    ///
    /// Call it after the change is stored. It may be called again. Sign-ins that are still running
    /// get no token, and the account's known devices are forgotten, for every kind of change.
    ///
    /// Every call notifies the customer of a changed password, or of a changed address at both
    /// addresses. The notices contain no origin. If the customer's row was deleted, no notice is
    /// sent. If a notice cannot be queued, the call still succeeds.
    ///
    /// # Security
    ///
    /// A change of the row alone ends no token, because a customer's token is verified without the
    /// row. Without this call, the tokens of a disabled or deleted customer work until they expire.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: the storage backend request failed. Some tokens may still be valid.
    /// Call it again.
    pub async fn customer_changed(&self, customer: &CustomerId, change: CustomerChange) -> Result<(), Error> {
        flow::customer_changed(&self.services, customer, change).await
    }

    /// Clears the failed attempts and locks of a customer's account, over all sources.
    ///
    /// A support desk calls it after it has verified the customer's identity.
    ///
    /// # Errors
    ///
    /// - [`InputError::Email`]: the address is malformed.
    /// - [`Error::Unavailable`]: the storage backend request failed. The attempts may have been
    ///   cleared.
    pub async fn unlock_customer(&self, website: &Website, email: &str) -> Result<(), Error> {
        flow::unlock_customer(&self.services, website, email).await
    }

    /// Erases a customer's personal data from the crate's records (GDPR article 17).
    ///
    /// The host calls it after it has removed the account because the customer asked for it.
    ///
    /// All tokens, reset tokens and one-time codes end, and the customer's ledger of assistance is
    /// emptied. The audit trail loses the personal data in events of the customer: the id,
    /// addresses, user agents and reasons. The action, the time and the admin user of each event
    /// stay. A signed trail still verifies. The erasure is recorded as a separate event without the
    /// customer's id.
    ///
    /// The erasure covers data that was stored before the call. If several nodes run, call it again
    /// after all other nodes have [flushed](Self::flush_audit) their audit queues.
    ///
    /// A one-time code that is generated at the same time may be stored after the erasure, with the
    /// customer's id and the reason. Such a code is refused, and it is removed an hour after its
    /// expiry. The same is true of codes in a host's own [`OtcStore`](crate::store::OtcStore).
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: a request to the storage backend failed, or the audit sink cannot
    /// erase. Some data may have been erased. Call it again.
    pub async fn erase_customer(&self, customer: &CustomerId) -> Result<(), Error> {
        flow::erase_customer(&self.services, customer).await
    }
}
