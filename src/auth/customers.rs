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
/// A customer signs in, and the host tells of changes to the account.
impl Auth {
    /// Signs a customer in and mints a new bearer token: Commerce's `generateCustomerToken`.
    ///
    /// The `password` argument is tried as the account's password, then as a one-time reset token, then as an
    /// admin-generated one-time code. The first match wins; a one-time credential is spent by it.
    ///
    /// Before any of it a charge is reserved from the account's budgets, so parallel guesses cannot exceed
    /// them; right sign-ins in parallel wait their turn. Within budget every refusal is the same work and the
    /// same answer, whether the account is unknown, disabled, without a password, or the credential is wrong.
    ///
    /// A device that the account does not know gets a secret ([`SignedIn::device`]). A client that presents it at its next
    /// sign-ins ([`SignIn::device`]) keeps its own few attempts although strangers have used up the account's.
    ///
    /// ```
    /// use commerce_auth::{
    ///     AccountStatus, Auth, CustomerId, CustomerRecord, MemoryCustomers, MemoryStore, Obtained, SignIn, Website,
    /// };
    ///
    /// # pollster::block_on(async {
    /// let customers = MemoryCustomers::new();
    /// let auth = Auth::builder(MemoryStore::new()).customers(customers.clone()).without_notifier().build()?;
    /// let hash = auth.hash_new_password("bobloblaw@example.com", "b0bl0bl@w").await?;
    /// customers.upsert(CustomerRecord {
    ///     id: CustomerId::from(1),
    ///     website: Website::default(),
    ///     email: "bobloblaw@example.com".into(),
    ///     password_hash: Some(hash),
    ///     status: AccountStatus::Active,
    ///     allows_assistance: false,
    /// })?;
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
    /// - [`InputError::Required`], [`InputError::Email`], [`InputError::PasswordTooLong`]: nothing was looked up.
    /// - [`SignInError::ChallengeRequired`]: the host's [`Challenge`](crate::Challenge) asks for a right answer. Nothing was
    ///   looked up, and nothing counted.
    /// - [`SignInError::Refused`]: no such account, wrong credential, disabled account, spent budget, a
    ///   one-time code whose admin user may no longer assist, or a revoke-all during the sign-in. Not told
    ///   apart.
    /// - [`SignInError::NotConfirmed`]: the credential is right, the account is not confirmed.
    /// - [`SignInError::TooManyRequests`]: the source has failed too often over all accounts
    ///   ([`AuthConfig::source_total_budget`](crate::AuthConfig::source_total_budget)). Nothing was looked up.
    /// - [`Error::Overloaded`]: too many hashes are waiting.
    /// - [`Error::Unavailable`], [`Error::Random`], [`InternalError::NotConfigured`]: no token was issued; a one-time
    ///   credential may be spent, but a one-time code never without a record in the audit trail.
    ///
    /// A one-time code or reset token that was spent before is a replay. The caller gets the usual refusal, the token that
    /// the credential bought ends, and the customer is told ([`Notice::CredentialReplayed`](crate::Notice)). If a new
    /// password was set with it, all the customer's tokens end. A credential that is presented again while its first
    /// sign-in is on its way gives that first caller a token that has already ended.
    #[doc(alias("generateCustomerToken", "/V1/integration/customer/token"))]
    pub async fn generate_customer_token(&self, sign_in: SignIn) -> Result<SignedIn, Error> {
        flow::generate_customer_token(&self.services, sign_in).await
    }

    /// Exchanges an admin-generated one-time code for a customer's token: Commerce's `exchangeOtpForCustomerToken`.
    ///
    /// The last step of [`generate_customer_token`](Self::generate_customer_token) by itself: the customer's
    /// address and the code, no password, no reset token. A lock on the customer's password does not stop it,
    /// as nobody guesses a code; it has a budget of its own for each source, of the size of
    /// [`AuthConfig::source_budget`](crate::AuthConfig::source_budget).
    ///
    /// # Errors
    ///
    /// As [`generate_customer_token`](Self::generate_customer_token), and [`SignInError::TooManyRequests`] once
    /// the budget is spent, [`InternalError::NotConfigured`] where there is no admin user table.
    #[doc(alias = "exchangeOtpForCustomerToken")]
    pub async fn exchange_one_time_code(&self, exchange: SignIn) -> Result<SignedIn, Error> {
        flow::exchange_one_time_code(&self.services, exchange).await
    }

    /// Tells the crate that the host changed a customer's account: all its tokens, reset tokens and one-time codes end,
    /// those of sign-ins in flight, too, and its devices are forgotten, whatever the change. Call it after the
    /// change is stored; it may be called again.
    ///
    /// The customer is told of another password, and of another address at both addresses, at every call. The notices
    /// name no origin. A customer whose row is gone is told nothing, and a notice that cannot be queued changes no
    /// answer.
    ///
    /// # Security
    ///
    /// A change of the row ends nothing by itself, since tokens are verified without the row: the tokens of a
    /// disabled or deleted customer live on until they expire, unless this is called.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: some may still live; call it again.
    pub async fn customer_changed(&self, customer: &CustomerId, change: CustomerChange) -> Result<(), Error> {
        flow::customer_changed(&self.services, customer, change).await
    }

    /// Forgets the failed attempts at a customer's account, and the locks they led to, over all sources: for a support
    /// desk that has made sure who is calling.
    ///
    /// # Errors
    ///
    /// - [`InputError::Email`].
    /// - [`Error::Unavailable`]: they may be forgotten.
    pub async fn unlock_customer(&self, website: &Website, email: &str) -> Result<(), Error> {
        flow::unlock_customer(&self.services, website, email).await
    }

    /// Forgets a customer: for a host that has removed the account because its owner asked to be forgotten
    /// (GDPR article 17).
    ///
    /// All tokens, reset tokens and one-time codes end; the ledger of assistance is emptied; and the audit
    /// trail loses what is personal in its events of the customer (the id, addresses, user agents, reasons),
    /// while what was done, when and by which admin user stays. A signed trail still verifies. That it was done
    /// is an event of its own, without the customer's id.
    ///
    /// It finds what was kept before it was called. Where several nodes run, call it again once the others have
    /// [flushed](Self::flush_audit) what they had queued. A one-time code that is being made at this moment may be
    /// stored after it, with the customer's id and the reason: it is good for nothing, and is removed an hour after
    /// its expiry. So are those in a host's own [`OtcStore`](crate::store::OtcStore).
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: some of it may be done; call it again. A trail that cannot forget is among the reasons.
    pub async fn erase_customer(&self, customer: &CustomerId) -> Result<(), Error> {
        flow::erase_customer(&self.services, customer).await
    }
}
