use std::{fmt, sync::Arc};

use crate::{
    account::{
        AdminStore, CustomerId, CustomerStore, ErasedAdmins, ErasedCustomers, erase_admins, erase_customers,
    },
    clock::{Clock, SystemClock},
    config::{AuthConfig, ConfigError},
    credential::{Evaluator, HashingPool, HashingStats, StartError},
    random::{ChaChaRandom, SecureRandom},
    store::{OtcStore, Store, ThrottleStore, TokenStore},
    throttle::Gate,
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
    pub(crate) tokens: Arc<dyn TokenStore>,
    pub(crate) codes: Arc<dyn OtcStore>,
    pub(crate) throttle: Arc<dyn ThrottleStore>,
    pub(crate) gate: Gate,
    pub(crate) evaluator: Evaluator,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn SecureRandom>,
    pub(crate) format: TokenFormat,
    /// Stands in for the customer that an unknown address does not have.
    pub(crate) decoy: CustomerId,
}

impl Auth {
    /// Begins with the store that keeps tokens, one-time credentials and attempt budgets.
    ///
    /// ```
    /// use commerce_auth::{Auth, MemoryCustomers, MemoryStore};
    ///
    /// let auth = Auth::builder(MemoryStore::new()).customers(MemoryCustomers::new()).build()?;
    /// # Ok::<(), commerce_auth::ConfigError>(())
    /// ```
    pub fn builder<S: Store>(store: S) -> AuthBuilder {
        let store = Arc::new(store);
        AuthBuilder {
            config: AuthConfig::default(),
            customers: None,
            admins: None,
            tokens: store.clone(),
            codes: store.clone(),
            throttle: store,
            clock: Arc::new(SystemClock),
            random: Arc::new(ChaChaRandom::new()),
        }
    }

    /// The numbers and rules in force.
    #[must_use]
    pub fn config(&self) -> &AuthConfig {
        &self.parts.config
    }

    /// What the hashing pool is doing, for metrics.
    #[must_use]
    pub fn hashing_stats(&self) -> HashingStats {
        self.parts.evaluator.pool().stats()
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("config", &self.parts.config).finish_non_exhaustive()
    }
}

/// Gathers the parts of an [`Auth`].
#[derive(Debug)]
#[must_use]
pub struct AuthBuilder {
    config: AuthConfig,
    customers: Option<Arc<dyn ErasedCustomers>>,
    admins: Option<Arc<dyn ErasedAdmins>>,
    tokens: Arc<dyn TokenStore>,
    codes: Arc<dyn OtcStore>,
    throttle: Arc<dyn ThrottleStore>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn SecureRandom>,
}

impl AuthBuilder {
    /// The host's customer table. Required.
    pub fn customers<S: CustomerStore>(self, customers: S) -> Self {
        Self { customers: Some(erase_customers(customers)), ..self }
    }

    /// The host's admin user table, without which nobody assists.
    pub fn admins<S: AdminStore>(self, admins: S) -> Self {
        Self { admins: Some(erase_admins(admins)), ..self }
    }

    /// The numbers and rules; [`AuthConfig::commerce`] unless told otherwise.
    pub fn config(self, config: AuthConfig) -> Self {
        Self { config, ..self }
    }

    /// Keeps tokens in another backend than the rest.
    pub fn tokens<S: TokenStore>(self, tokens: S) -> Self {
        Self { tokens: Arc::new(tokens), ..self }
    }

    /// Keeps one-time credentials in another backend than the rest.
    pub fn one_time_credentials<S: OtcStore>(self, codes: S) -> Self {
        Self { codes: Arc::new(codes), ..self }
    }

    /// Keeps attempt budgets in another backend than the rest.
    pub fn throttle<S: ThrottleStore>(self, throttle: S) -> Self {
        Self { throttle: Arc::new(throttle), ..self }
    }

    /// Another clock than the operating system's, such as a test's.
    pub fn clock<C: Clock>(self, clock: C) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Another source of secrets than ChaCha20 keyed from the operating system.
    pub fn random<R: SecureRandom>(self, random: R) -> Self {
        Self { random: Arc::new(random), ..self }
    }

    /// Checks the configuration and starts the hashing threads.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] says which part is missing or out of range.
    pub fn build(self) -> Result<Auth, ConfigError> {
        let Self { config, customers, admins, tokens, codes, throttle, clock, random } = self;
        config.check()?;
        let customers = customers.ok_or(ConfigError::NoCustomers)?;
        let pool =
            HashingPool::start(config.argon2, config.hashing_threads, config.hashing_queue, random.as_ref())
                .map_err(|error| match error {
                    StartError::Thread(error) => ConfigError::Threads(error),
                    StartError::Random(error) => ConfigError::Random(error),
                })?;
        let mut name = [0; 16];
        random.fill(&mut name)?;
        let parts = Parts {
            decoy: CustomerId::from(uuid::Uuid::from_bytes(name)),
            evaluator: Evaluator::new(pool, Arc::clone(&codes), Arc::clone(&clock), config.steps),
            gate: Gate::new(Arc::clone(&throttle), Arc::clone(&clock), Arc::clone(&random)),
            format: TokenFormat::new(),
            config,
            customers,
            admins,
            tokens,
            codes,
            throttle,
            clock,
            random,
        };
        Ok(Auth { parts: Arc::new(parts) })
    }
}
