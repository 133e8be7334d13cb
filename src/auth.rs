use std::{fmt, sync::Arc};

use crate::{
    account::{
        AdminStore, CustomerStore, Decoys, ErasedAdmins, ErasedCustomers, erase_admins, erase_customers,
    },
    audit::{AuditSink, AuditStats, Trail},
    clock::{Clock, SystemClock},
    config::{AuthConfig, ConfigError, SecondFactorPolicy},
    credential::{Evaluator, HashingPool, HashingStats, StartError},
    keyring::Keyring,
    notifier::Notifier,
    random::{ChaChaRandom, SecureRandom},
    service::{Documents, attempts::Attempts, codes::OneTimeCredentials, factors::Factors, ledger::Ledger},
    shared::IntoShared,
    store::{OtcStore, StateStore, Store, TokenStore},
    token::TokenFormat,
};

/// The facade: every flow is a method of it, named as the mutation is.
///
/// One concrete type, cheap to clone, `Send + Sync`: it drops into any framework's state. Made by
/// [`Auth::builder`]. It has threads of its own, which a `fork` does not copy: build it in the child.
#[derive(Clone)]
pub struct Auth {
    pub(crate) parts: Arc<Parts>,
}

pub(crate) struct Parts {
    pub(crate) config: AuthConfig,
    pub(crate) customers: Arc<dyn ErasedCustomers>,
    pub(crate) admins: Option<Arc<dyn ErasedAdmins>>,
    pub(crate) notifier: Option<Arc<dyn Notifier>>,
    pub(crate) trail: Trail,
    pub(crate) tokens: Arc<dyn TokenStore>,
    pub(crate) codes: OneTimeCredentials,
    pub(crate) state: Arc<dyn StateStore>,
    pub(crate) factors: Factors,
    pub(crate) ledger: Ledger,
    pub(crate) keyring: Option<Keyring>,
    pub(crate) attempts: Attempts,
    pub(crate) evaluator: Evaluator,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn SecureRandom>,
    pub(crate) format: TokenFormat,
    pub(crate) decoys: Decoys,
}

impl Auth {
    /// Begins with the store that keeps tokens and documents.
    ///
    /// ```
    /// use commerce_auth::{Auth, MemoryCustomers, MemoryStore};
    ///
    /// let auth = Auth::builder(MemoryStore::new())
    ///     .customers(MemoryCustomers::new())
    ///     .without_notifier() // or `.notifier(..)`, which mails password resets
    ///     .build()?;
    /// # Ok::<(), commerce_auth::ConfigError>(())
    /// ```
    pub fn builder(store: impl IntoShared<dyn Store>) -> AuthBuilder {
        let store = store.into_shared();
        AuthBuilder {
            config: AuthConfig::default(),
            customers: None,
            admins: None,
            notifier: None,
            without_notifier: false,
            audit: None,
            keyring: None,
            tokens: store.clone(),
            codes: None,
            state: store,
            clock: Arc::new(SystemClock),
            random: Arc::new(ChaChaRandom::new()),
        }
    }

    /// The numbers and rules in force.
    #[must_use]
    pub fn config(&self) -> &AuthConfig {
        &self.parts.config
    }

    /// Whether a second factor can be set up at all.
    #[cfg(feature = "axum")]
    pub(crate) fn has_keyring(&self) -> bool {
        self.parts.keyring.is_some()
    }

    /// What the hashing pool is doing, for metrics.
    #[must_use]
    pub fn hashing_stats(&self) -> HashingStats {
        self.parts.evaluator.pool().stats()
    }

    /// What became of the audit events, for metrics: anything dropped or failed is worth an alarm.
    #[must_use]
    pub fn audit_stats(&self) -> AuditStats {
        self.parts.trail.stats()
    }

    /// Waits until the audit events that are queued now have reached the sink: before a host shuts down. Clones of an
    /// `Auth` share a queue; another `Auth` has its own. It waits as long as the sink takes: give it a time limit.
    pub async fn flush_audit(&self) {
        self.parts.trail.flush().await;
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("config", &self.parts.config).finish_non_exhaustive()
    }
}

/// Gathers the parts of an [`Auth`].
#[must_use]
pub struct AuthBuilder {
    config: AuthConfig,
    customers: Option<Arc<dyn ErasedCustomers>>,
    admins: Option<Arc<dyn ErasedAdmins>>,
    notifier: Option<Arc<dyn Notifier>>,
    without_notifier: bool,
    audit: Option<Arc<dyn AuditSink>>,
    keyring: Option<Keyring>,
    tokens: Arc<dyn TokenStore>,
    codes: Option<Arc<dyn OtcStore>>,
    state: Arc<dyn StateStore>,

    clock: Arc<dyn Clock>,
    random: Arc<dyn SecureRandom>,
}

impl AuthBuilder {
    /// The host's customer table. Required.
    pub fn customers<S: CustomerStore>(self, customers: S) -> Self {
        Self { customers: Some(erase_customers(customers)), ..self }
    }

    /// The host's admin user table, without which nobody assists. It needs an audit trail ([`audit`](Self::audit)). Admin
    /// users need a second factor, and so the host a [`keyring`](Self::keyring), unless [`AuthConfig::admin_second_factor`] says otherwise.
    pub fn admins<S: AdminStore>(self, admins: S) -> Self {
        Self { admins: Some(erase_admins(admins)), ..self }
    }

    /// Mails password resets, the enrolment of admin users, and what happened to an account. Required, unless
    /// [`without_notifier`](Self::without_notifier) is called.
    pub fn notifier(self, notifier: impl IntoShared<dyn Notifier>) -> Self {
        Self { notifier: Some(notifier.into_shared()), ..self }
    }

    /// Builds an [`Auth`] that mails nothing: for a host that resets no password and enrols no admin user through it, such as
    /// a command line tool or a test. A reset request fails with [`Error::NotConfigured`](crate::Error::NotConfigured) there,
    /// status 500. Customers get no notice of a changed password, of consent, or of assistance.
    pub fn without_notifier(self) -> Self {
        Self { notifier: None, without_notifier: true, ..self }
    }

    /// Private keys; without them the check of a token is computed with a public one, and no second factor can be set up.
    pub fn keyring(self, keyring: Keyring) -> Self {
        Self { keyring: Some(keyring), ..self }
    }

    /// Where the audit trail is kept, such as `store.audit(..)` of an SQL backend. Required with
    /// [admin users](Self::admins): nobody assists without a record. Without it nothing is recorded.
    pub fn audit(self, sink: impl IntoShared<dyn AuditSink>) -> Self {
        Self { audit: Some(sink.into_shared()), ..self }
    }

    /// The numbers and rules; [`AuthConfig::commerce`] unless told otherwise.
    pub fn config(self, config: AuthConfig) -> Self {
        Self { config, ..self }
    }

    /// Keeps tokens in another backend than the rest.
    pub fn tokens(self, tokens: impl IntoShared<dyn TokenStore>) -> Self {
        Self { tokens: tokens.into_shared(), ..self }
    }

    /// Keeps one-time credentials in a store of their own. By default they are documents in the [state
    /// store](Self::state).
    pub fn one_time_credentials(self, codes: impl IntoShared<dyn OtcStore>) -> Self {
        Self { codes: Some(codes.into_shared()), ..self }
    }

    /// Keeps documents in another backend than the rest: attempt budgets, one-time credentials, second factors
    /// and the ledger of assistance.
    pub fn state(self, state: impl IntoShared<dyn StateStore>) -> Self {
        Self { state: state.into_shared(), ..self }
    }

    /// Another clock than the operating system's, such as a test's.
    pub fn clock(self, clock: impl IntoShared<dyn Clock>) -> Self {
        Self { clock: clock.into_shared(), ..self }
    }

    /// Another source of secrets than ChaCha20 keyed from the operating system.
    pub fn random(self, random: impl IntoShared<dyn SecureRandom>) -> Self {
        Self { random: random.into_shared(), ..self }
    }

    /// Checks the configuration and starts the threads that hash and the one that empties the audit queue.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] says which part is missing or out of range.
    pub fn build(self) -> Result<Auth, ConfigError> {
        let Self { config, customers, admins, notifier, without_notifier, audit, keyring, .. } = self;
        let Self { tokens, codes, state, clock, random, .. } = self;
        config.check()?;
        let customers = customers.ok_or(ConfigError::NoCustomers)?;
        if notifier.is_none() && !without_notifier {
            return Err(ConfigError::NoNotifier);
        }
        if admins.is_some() && audit.is_none() {
            return Err(ConfigError::NoAuditSink);
        }
        if admins.is_some() && keyring.is_none() && config.admin_second_factor == SecondFactorPolicy::Required
        {
            return Err(ConfigError::NoKeyring);
        }
        let pool =
            HashingPool::start(config.argon2, config.hashing_threads, config.hashing_queue, random.as_ref())
                .map_err(|error| match error {
                    StartError::Thread(error) => ConfigError::Threads(error),
                    StartError::Random(error) => ConfigError::Random(error),
                })?;
        let trail = Trail::start(audit, config.audit_queue, Arc::clone(&clock), Arc::clone(&random))
            .map_err(ConfigError::Threads)?;
        let documents = Arc::new(Documents::new(Arc::clone(&state), Arc::clone(&clock), Arc::clone(&random)));
        let parts = Parts {
            decoys: Decoys::draw(random.as_ref())?,
            evaluator: Evaluator::new(pool),
            codes: OneTimeCredentials::new(Arc::clone(&documents), codes),
            ledger: Ledger::new(Arc::clone(&documents), config.assistance_history),
            factors: Factors::new(Arc::clone(&documents)),
            attempts: Attempts::new(documents, Arc::clone(&clock), Arc::clone(&random)),
            format: TokenFormat::new(keyring.clone()),
            trail,
            config,
            customers,
            admins,
            notifier,
            tokens,
            state,
            keyring,
            clock,
            random,
        };
        Ok(Auth { parts: Arc::new(parts) })
    }
}

impl fmt::Debug for AuthBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}
