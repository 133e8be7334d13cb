use std::net::{IpAddr, SocketAddr};

use time::OffsetDateTime;

use crate::{
    account::{AccountStatus, CustomerId, CustomerRecord, Email, Website},
    auth::Auth,
    clock::after,
    credential::{Candidate, Credential, Match, Verdict},
    error::{Error, Field},
    random::RandomError,
    store::{Generation, Insert, Outcome},
    throttle::{Attempted, Charged},
    token::{BearerToken, Digest, Grant, Obtained, Origin, Subject},
};

/// A customer's sign-in, as a client sent it.
///
/// ```
/// # fn peer() -> std::net::SocketAddr { ([192, 0, 2, 1], 4711).into() }
/// use commerce_auth::SignIn;
///
/// let sign_in = SignIn::new("bobloblaw@example.com", "b0bl0bl@w").from(peer()).user_agent("Mozilla/5.0");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SignIn {
    email: String,
    password: Credential,
    website: Website,
    source: Option<IpAddr>,
    user_agent: Option<String>,
}

impl SignIn {
    /// A sign-in on the default website with the `email` and `password` arguments, as they came: neither is
    /// trimmed.
    pub fn new(email: impl Into<String>, password: impl Into<Credential>) -> Self {
        let (email, password) = (email.into(), password.into());
        Self { email, password, website: Website::default(), source: None, user_agent: None }
    }

    /// The website that is signed in on.
    pub fn on(self, website: Website) -> Self {
        Self { website, ..self }
    }

    /// The address the client called from. Failures are counted by it, so give the client's own and not a
    /// proxy's; without one, all clients share one budget for each account.
    pub fn from(self, source: impl Into<ClientAddress>) -> Self {
        Self { source: Some(source.into().0), ..self }
    }

    /// The client's `User-Agent`, kept beside the grant for the customer's list of devices.
    pub fn user_agent(self, user_agent: impl Into<String>) -> Self {
        Self { user_agent: Some(user_agent.into()), ..self }
    }
}

/// A client's address: made from an [`IpAddr`] or a [`SocketAddr`].
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(IpAddr);

impl From<IpAddr> for ClientAddress {
    fn from(address: IpAddr) -> Self {
        Self(address)
    }
}

impl From<SocketAddr> for ClientAddress {
    fn from(address: SocketAddr) -> Self {
        Self(address.ip())
    }
}

/// A sign-in that succeeded.
#[derive(Clone, Debug)]
pub struct SignedIn {
    token: BearerToken,
    customer: CustomerId,
    obtained: Obtained,
    expires_at: OffsetDateTime,
}

impl SignedIn {
    /// The new bearer token, for the client alone.
    #[must_use]
    pub const fn token(&self) -> &BearerToken {
        &self.token
    }

    /// The customer it speaks for.
    #[must_use]
    pub const fn customer_id(&self) -> &CustomerId {
        &self.customer
    }

    /// Which credential matched.
    #[must_use]
    pub const fn obtained(&self) -> Obtained {
        self.obtained
    }

    /// When the token ends: at this instant it is expired.
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }
}

/// A right credential of an account that may sign in.
struct Admitted {
    row: CustomerRecord,
    matched: Match,
    /// Read before the credential was checked.
    generation: Generation,
    /// What the token must not outlive: the admin user's own, if it is born of assistance.
    until: Option<OffsetDateTime>,
}

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
    /// let auth = Auth::builder(MemoryStore::new()).customers(customers.clone()).build()?;
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
    ///   credential may be spent.
    ///
    /// A one-time code that is presented again while its first sign-in is on its way gives that first caller
    /// a token that has already ended.
    pub async fn generate_customer_token(&self, sign_in: SignIn) -> Result<SignedIn, Error> {
        if sign_in.email.is_empty() {
            return Err(Error::Required(Field::Email));
        }
        sign_in.password.check_bounds()?;
        let email: Email = sign_in.email.parse().map_err(|_| Error::InvalidEmail)?;
        let attempted = Attempted::sign_in(&sign_in.website, &email, sign_in.source, self.config());
        let Some(charged) = self.parts.gate.reserve(attempted).await? else {
            return Err(Error::SignInRefused);
        };
        let token = self.parts.format.mint(self.parts.random.as_ref())?;
        let digest = Digest::of(token.expose().as_bytes());

        let admitted = self.admit(&sign_in, &email, &digest, &charged).await;
        let outcome = match &admitted {
            Ok(Admitted { matched: Match::Password { .. }, .. }) => Outcome::Succeeded,
            Ok(_) | Err(Error::NotConfirmed) => Outcome::Withdrawn,
            Err(Error::SignInRefused) => Outcome::Failed,
            Err(_) => charged.unknown_outcome(),
        };
        let settled = charged.settle(outcome).await;
        let admitted = admitted?;
        settled?;

        let signed_in = self.issue(&sign_in, &admitted, token, digest).await?;
        if let Match::Password { outdated: true } = admitted.matched {
            self.rehash(&sign_in.password, &admitted.row).await;
        }
        Ok(signed_in)
    }

    /// Judges the credential and the account behind it. The same verbs in the same order for every refusal.
    async fn admit(
        &self,
        sign_in: &SignIn,
        email: &Email,
        digest: &Digest,
        charged: &Charged<'_>,
    ) -> Result<Admitted, Error> {
        let row = self.parts.customers.find_by_email(&sign_in.website, email).await?;
        // A row of another address, such as a lenient collation finds, is no row: an answer of its own would
        // tell strangers who has an account.
        let row = row.filter(|row| row.is_of(&sign_in.website, email));
        let customer = row.as_ref().map_or(&self.parts.decoy, |row| &row.id);
        let generation = self.parts.tokens.generation(&Subject::Customer(customer.clone())).await?;
        // A disabled account's password is as good as none, so that its refusal is the same work, too.
        let enabled = row.as_ref().filter(|row| row.status != AccountStatus::Disabled);
        let password_hash = enabled.and_then(|row| row.password_hash.as_ref());
        let candidate = Candidate { website: &sign_in.website, customer, password_hash };
        let verdict =
            self.parts.evaluator.evaluate(&sign_in.password, candidate, digest, charged.begun()).await?;

        let (matched, seen) = match (verdict, row) {
            (Verdict::Matched(matched), Some(row)) => (matched, row),
            (Verdict::Replayed(bought), _) => {
                // Whoever holds a spent code may have stolen it, before it was spent or after: what it bought
                // ends. The token may not be stored yet: it is barred for as long as it could live.
                let now = self.parts.clock.now();
                let until = after(now, self.config().assistance_token_lifetime);
                self.parts.tokens.revoke(&bought, now, until).await?;
                return Err(Error::SignInRefused);
            }
            (Verdict::Refused | Verdict::Matched(_), _) => return Err(Error::SignInRefused),
        };
        // The row was read before the generation, so the host may have changed it and revoked in between: it
        // is looked at again. What changes from here on raises the generation, and the grant is not stored.
        let row = self.parts.customers.find_by_id(&seen.id).await?;
        let row = row.filter(|row| row.id == seen.id && row.is_of(&sign_in.website, email));
        let row = row.ok_or(Error::SignInRefused)?;
        if let Match::Password { .. } = matched
            && !row.has_hash_of(&seen)
            && !self.is_password(sign_in, &row, charged).await?
        {
            return Err(Error::SignInRefused);
        }
        match row.status {
            AccountStatus::Active => {}
            AccountStatus::Unconfirmed => return Err(Error::NotConfirmed),
            AccountStatus::Disabled => return Err(Error::SignInRefused),
        }
        let until = match &matched {
            Match::OneTimeCode(assistance) if row.allows_assistance => {
                Some(self.assistance_stands_until(assistance).await?.ok_or(Error::SignInRefused)?)
            }
            Match::OneTimeCode(_) => return Err(Error::SignInRefused),
            Match::Password { .. } | Match::ResetToken => None,
        };
        Ok(Admitted { row, matched, generation, until })
    }

    /// Whether the password is the row's, which was changed since it was first checked: by another sign-in
    /// that made its hash anew, or by the customer.
    async fn is_password(
        &self,
        sign_in: &SignIn,
        row: &CustomerRecord,
        charged: &Charged<'_>,
    ) -> Result<bool, Error> {
        let hash = row.password_hash.as_ref();
        self.parts.evaluator.is_password(&sign_in.password, hash, charged.begun()).await
    }

    /// Stores the grant behind the token.
    async fn issue(
        &self,
        sign_in: &SignIn,
        admitted: &Admitted,
        token: BearerToken,
        digest: Digest,
    ) -> Result<SignedIn, Error> {
        // In microseconds, the finest grain that every store keeps: what is answered is what is stored.
        let now = self.parts.clock.now().truncate_to_microsecond();
        let (obtained, lifetime) = match admitted.matched {
            Match::Password { .. } => (Obtained::Password, self.config().customer_token_lifetime),
            Match::ResetToken => (Obtained::ResetToken, self.config().customer_token_lifetime),
            Match::OneTimeCode(_) => (Obtained::OneTimeCode, self.config().assistance_token_lifetime),
        };
        let (customer, website) = (admitted.row.id.clone(), sign_in.website.clone());
        let expires_at = after(now, lifetime);
        let expires_at = admitted.until.map_or(expires_at, |until| until.min(expires_at));
        let mut grant = Grant::customer(digest, customer.clone(), website, obtained, now, expires_at);
        if let Match::OneTimeCode(assistance) = &admitted.matched {
            grant.assistance = Some(assistance.clone());
        }
        let origin = Origin::new(sign_in.source, sign_in.user_agent.as_deref());
        match self.parts.tokens.insert(&grant, &origin, admitted.generation, now).await? {
            // A code that was presented again before its token was stored: the token is issued, and has
            // ended.
            Insert::Stored | Insert::Barred => Ok(SignedIn { token, customer, obtained, expires_at }),
            Insert::Revoked => Err(Error::SignInRefused),
            // Of 2^129 tokens this one was drawn before: the source of randomness repeats itself.
            Insert::Collision => Err(Error::Random(RandomError)),
        }
    }

    /// Makes an outdated hash anew. If it cannot be done now, the next sign-in does it.
    async fn rehash(&self, password: &Credential, row: &CustomerRecord) {
        let Some(expected) = &row.password_hash else { return };
        if let Ok(new) = self.parts.evaluator.pool().hash(password, self.parts.random.as_ref()).await {
            let _ = self.parts.customers.replace_password_hash(&row.id, expected, &new).await;
        }
    }
}
