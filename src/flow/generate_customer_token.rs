use super::{SignIn, SignedIn};
use crate::{
    auth::Auth,
    credential::Steps,
    error::{Error, Field},
    service::attempts::Attempted,
};

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
    /// - [`Error::Required`], [`Error::InvalidEmail`], [`Error::PasswordTooLong`]: nothing was looked up.
    /// - [`Error::SignInRefused`]: no such account, wrong credential, disabled account, spent budget, a
    ///   one-time code whose admin user may no longer assist, or a revoke-all during the sign-in. Not told
    ///   apart.
    /// - [`Error::NotConfirmed`]: the credential is right, the account is not confirmed.
    /// - [`Error::Overloaded`]: too many hashes are waiting.
    /// - [`Error::Unavailable`], [`Error::Random`], [`Error::NotConfigured`]: no token was issued; a one-time
    ///   credential may be spent, but a one-time code never without a record in the audit trail.
    ///
    /// A one-time code that is presented again while its first sign-in is on its way gives that first caller
    /// a token that has already ended.
    pub async fn generate_customer_token(&self, sign_in: SignIn) -> Result<SignedIn, Error> {
        let email = sign_in.check(Field::Password)?;
        let attempted = Attempted::sign_in(&sign_in.website, &email, sign_in.origin.source, self.config());
        let mut one_time = self.config().steps;
        // Where nobody assists there is nobody to announce a code to: it is left unspent.
        one_time.one_time_code &= self.parts.admins.is_some();
        let steps = Steps { password: true, one_time };
        self.sign_in(&sign_in, &email, steps, attempted, Error::SignInRefused).await
    }
}
