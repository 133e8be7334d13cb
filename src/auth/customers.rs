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
    /// decides: a password or a reset token signs the customer in. A one-time code gives an
    /// assistance token, with which the admin user who generated the code acts for the customer. A
    /// reset token or a one-time code that matches is spent.
    ///
    /// Before the library checks the credential, it takes one attempt from the account's budgets,
    /// so parallel guesses cannot exceed the budgets. If parallel sign-ins have taken all attempts,
    /// a further sign-in waits until one of them ends. A refusal does not show if the account is
    /// unknown, disabled or without a password, or the credential is wrong. Until a budget is
    /// spent, each of these refusals has the same error and takes the same work.
    ///
    /// If the sign-in comes from an unknown device, the result contains a device secret
    /// ([`SignedIn::device`]). A client that presents the device secret at later sign-ins
    /// ([`SignIn::device`]) has its own budget of failed sign-ins, in which failures from other
    /// devices do not count. So the customer can still sign in after attackers have spent the
    /// account's budget.
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
    ///   ([`Budgets::source_total`](crate::config::Budgets::source_total)), and the account does
    ///   not know the device. Nothing was looked up.
    /// - [`Error::Overloaded`]: too many hashes are waiting, or other attempts at the account took
    ///   too long.
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
    /// The result is the same as that of [`generate_customer_token`](Self::generate_customer_token)
    /// with a one-time code. But this method accepts no password and no reset token. It works even
    /// if the account is locked after wrong passwords, because a one-time code cannot be guessed.
    /// For each e-mail address and source, failed exchanges have a budget with the size of
    /// [`Budgets::source`](crate::config::Budgets::source). Failed sign-ins do not count in it.
    ///
    /// # Errors
    ///
    /// - The errors of [`generate_customer_token`](Self::generate_customer_token).
    /// - [`SignInError::TooManyRequests`]: too many wrong codes were presented for this account
    ///   from this source, or the source has failed too often over all accounts.
    /// - [`InternalError::NotConfigured`]: there is no admin user table.
    #[doc(alias = "exchangeOtpForCustomerToken")]
    pub async fn exchange_one_time_code(&self, exchange: SignIn) -> Result<SignedIn, Error> {
        flow::exchange_one_time_code(&self.services, exchange).await
    }

    /// Ends all tokens of a customer whose account the host has changed, also the reset tokens,
    /// one-time codes and confirmation tokens.
    ///
    /// Call this method after the host has stored the change. The host can safely repeat the call.
    /// After every kind of change, sign-ins that are still running get no token, and the account's
    /// known devices and sources become unknown.
    ///
    /// If the password was changed, the customer gets a notice. If the e-mail address was changed,
    /// a notice goes to the new and to the previous address. A repeated call sends the notice
    /// again. The notice contains no origin, because the library does not know the request that
    /// made the change. If the account's row no longer exists, no notice is sent. If a notice
    /// cannot be queued, the call still succeeds.
    ///
    /// # Security
    ///
    /// The library verifies a customer's own token without reading the account row, so a change of
    /// the row ends no token. Without a call of this method, the tokens of a disabled or deleted
    /// customer work until they expire.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: the storage backend request failed. Some tokens may still be valid.
    /// Call the method again.
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
    /// All bearer tokens, reset tokens, one-time codes and confirmation tokens of the customer end.
    /// The customer's entries are removed from the ledger of assistance. In the audit trail, the
    /// personal data is removed from the customer's events: the customer's id, IP addresses, user
    /// agents and reasons. The action, the time and the admin user of each event stay. The chain of
    /// a signed trail stays valid. The erasure is recorded as a separate event without the
    /// customer's id.
    ///
    /// The erasure covers data that was stored before the call. If the shop has several nodes,
    /// events of the customer can still wait in the audit queue of another node. So after each
    /// other node has [flushed](Self::flush_audit) its audit queue, call the method again.
    ///
    /// If an admin user generates a one-time code during the erasure, the code's record can be
    /// stored after the erasure. The record has the customer's id and the reason. The code is
    /// refused, and [`purge`](Self::purge) removes its record an hour after the code has expired. A
    /// host's own [`OtcStore`](crate::store::OtcStore) can keep such a record for the same time.
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
