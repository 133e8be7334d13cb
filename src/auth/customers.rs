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
/// Sign-in of customers, and the calls that a host makes after it has changed a customer's account.
impl Auth {
    /// Signs a customer in and issues a new bearer token: Commerce's `generateCustomerToken`.
    ///
    /// The library compares the `password` argument with the account's password, then with its
    /// reset tokens, then with its one-time codes, which an admin user generated. The first match
    /// decides how the sign-in continues. A reset token or a one-time code that matches is spent.
    ///
    /// Before the library checks the credential, it takes one attempt from the account's budgets,
    /// so parallel guesses cannot exceed the budgets. Parallel sign-ins with the right password
    /// wait for each other. Until a budget is spent, every refusal does the same work and returns
    /// the same error. So an attacker cannot see whether the account is unknown, disabled or
    /// without a password, or the credential is wrong.
    ///
    /// If the sign-in comes from an unknown device, the result contains a device secret
    /// ([`SignedIn::device`]). A client that presents the device secret at later sign-ins
    /// ([`SignIn::device`]) has a separate budget. So the customer can still sign in after
    /// attackers have spent the account's budget.
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
    /// - [`SignInError::ChallengeRequired`]: the attempt needs a response to the host's
    ///   [`Challenge`](crate::challenge::Challenge), and the response is missing or wrong. Nothing
    ///   was looked up, and the attempt was not counted.
    /// - [`SignInError::Refused`]: the error does not distinguish these cases:
    ///   - The account does not exist or is disabled.
    ///   - The credential is wrong.
    ///   - A budget is spent.
    ///   - The admin user who generated the one-time code may no longer assist the customer.
    ///   - All tokens were revoked during the sign-in.
    /// - [`SignInError::NotConfirmed`]: the credential is right, but the account is not confirmed.
    /// - [`SignInError::TooManyRequests`]: the source has failed too often over all accounts
    ///   ([`Budgets::source_total`](crate::config::Budgets::source_total)). Nothing was
    ///   looked up.
    /// - [`Error::Overloaded`]: too many hashes are waiting.
    /// - [`Error::Unavailable`], [`Error::Random`], [`InternalError::NotConfigured`]: no token was
    ///   issued. A reset token or a one-time code may be spent. If a one-time code is spent, the
    ///   audit trail has a record of it.
    ///
    /// If a spent one-time code or reset token is presented again, this is a replay:
    ///
    /// - The caller of the replay gets [`SignInError::Refused`].
    /// - The bearer token that was obtained with the credential ends. If the credential was used to
    ///   set a new password, all of the customer's bearer tokens end.
    /// - The customer gets a notice ([`Notice::CredentialReplayed`](crate::notifier::Notice)).
    /// - If the first sign-in is still running, it returns a bearer token that has already ended.
    #[doc(alias("generateCustomerToken", "/V1/integration/customer/token"))]
    pub async fn generate_customer_token(&self, sign_in: SignIn) -> Result<SignedIn, Error> {
        flow::generate_customer_token(&self.services, sign_in).await
    }

    /// Exchanges a one-time code, which an admin user generated, for an assistance token of the
    /// customer: Commerce's `exchangeOtpForCustomerToken`.
    ///
    /// The effect is that of [`generate_customer_token`](Self::generate_customer_token) with a
    /// one-time code. The method accepts only the customer's e-mail address and a one-time code, no
    /// password and no reset token. It works even if the account is locked after wrong passwords,
    /// because a one-time code cannot be guessed. Failed exchanges count in a separate budget for
    /// each source, with the size of [`Budgets::source`](crate::config::Budgets::source).
    ///
    /// # Errors
    ///
    /// - The errors of [`generate_customer_token`](Self::generate_customer_token).
    /// - [`SignInError::TooManyRequests`]: the budget is spent.
    /// - [`InternalError::NotConfigured`]: there is no admin user table.
    #[doc(alias = "exchangeOtpForCustomerToken")]
    pub async fn exchange_one_time_code(&self, exchange: SignIn) -> Result<SignedIn, Error> {
        flow::exchange_one_time_code(&self.services, exchange).await
    }

    /// Ends all tokens, reset tokens and one-time codes of a customer whose account the host has
    /// changed.
    ///
    /// Call this method after the host has stored the change. The host may repeat the call. For
    /// every kind of change, sign-ins that are still running get no token, and the account's known
    /// devices are forgotten.
    ///
    /// If the password was changed, the customer gets a notice. If the e-mail address was changed,
    /// a notice goes to the new and to the previous address. A repeated call sends these notices
    /// again. The notices contain no origin. If the account's row no longer exists, no notice is
    /// sent. If a notice cannot be queued, the call still succeeds.
    ///
    /// # Security
    ///
    /// The library verifies a customer's token without reading the account's row, so a change of
    /// the row ends no token. Without this call, the tokens of a disabled or deleted customer work
    /// until they expire.
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
    /// - [`InputError::Email`]: the e-mail address is malformed.
    /// - [`Error::Unavailable`]: the storage backend request failed. The attempts may have been
    ///   cleared.
    pub async fn unlock_customer(&self, website: &Website, email: &str) -> Result<(), Error> {
        flow::unlock_customer(&self.services, website, email).await
    }

    /// Erases a customer's personal data from the records that the library keeps (GDPR article 17).
    ///
    /// Call this method if a customer asks for the erasure of the data, after the host has deleted
    /// the account.
    ///
    /// All tokens, reset tokens and one-time codes of the customer end, and the customer's entries
    /// are removed from the ledger of assistance. In the audit trail, the personal data is removed
    /// from the customer's events: the customer's id, IP addresses, user agents and reasons. The
    /// action, the time and the admin user of each event stay. The chain of a signed trail stays
    /// valid. The erasure is recorded as a separate event without the customer's id.
    ///
    /// The erasure covers data that was stored before the call. On other nodes, events of the
    /// customer may still wait in the audit queue. After all other nodes have
    /// [flushed](Self::flush_audit) their audit queues, call the method again.
    ///
    /// An admin user may generate a one-time code at the same time. Then the code's record, with
    /// the customer's id and the reason, may be stored after the erasure. Such a code is refused,
    /// and [`purge`](Self::purge) removes the record once it expired an hour ago. The same is true
    /// of codes in a host's own [`OtcStore`](crate::store::OtcStore).
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: some data may have been erased. A storage backend request failed,
    /// the audit sink does not support the erasure, or an assistance of the customer has just
    /// begun. Call the method again.
    pub async fn erase_customer(&self, customer: &CustomerId) -> Result<(), Error> {
        flow::erase_customer(&self.services, customer).await
    }
}
