use std::{fmt, sync::Arc};

use super::Auth;
#[cfg(doc)]
use crate::error::InternalError;
use crate::{
    account::{AdminRecord, AdminStore, CustomerStore},
    audit::{AuditSink, Trail},
    challenge::Challenge,
    clock::{Clock, SystemClock},
    config::{AuthConfig, ConfigError, SecondFactorPolicy},
    credential::{BreachedPasswords, HashingPool, StartError},
    keyring::Keyring,
    notifier::Notifier,
    random::{ChaChaRandom, SecureRandom},
    service::{
        Parts, Services,
        accounts::{Admins, CustomerTable, Customers, Table},
    },
    shared::IntoShared,
    store::{OtcStore, StateStore, Store, TokenStore},
};

/// Collects the parts of an [`Auth`].
#[must_use]
pub struct AuthBuilder {
    config: AuthConfig,
    customers: Option<Arc<dyn CustomerTable>>,
    admins: Option<Arc<dyn Table<AdminRecord>>>,
    notifier: Option<Arc<dyn Notifier>>,
    without_notifier: bool,
    challenge: Option<Arc<dyn Challenge>>,
    breached: Option<Arc<dyn BreachedPasswords>>,
    audit: Option<Arc<dyn AuditSink>>,
    keyring: Option<Keyring>,
    tokens: Arc<dyn TokenStore>,
    one_time: Option<Arc<dyn OtcStore>>,
    state: Arc<dyn StateStore>,

    clock: Arc<dyn Clock>,
    random: Arc<dyn SecureRandom>,
}

impl AuthBuilder {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            config: AuthConfig::default(),
            customers: None,
            admins: None,
            notifier: None,
            without_notifier: false,
            challenge: None,
            breached: None,
            audit: None,
            keyring: None,
            tokens: store.clone(),
            one_time: None,
            state: store,
            clock: Arc::new(SystemClock),
            random: Arc::new(ChaChaRandom::new()),
        }
    }

    /// Sets the host's customer table. Every `Auth` needs one.
    pub fn customers<S: CustomerStore>(self, customers: S) -> Self {
        Self { customers: Some(Arc::new(Customers(customers))), ..self }
    }

    /// Sets the host's admin user table. Without it, the shop has no admin users and no assistance.
    ///
    /// A host with admin users must also set an audit sink ([`audit`](Self::audit)). If
    /// [`AuthConfig::admin_second_factor`] is [`SecondFactorPolicy::Required`], which is the
    /// default, the host must set a [`keyring`](Self::keyring) as well. The keyring encrypts the
    /// second factors.
    pub fn admins<S: AdminStore>(self, admins: S) -> Self {
        Self { admins: Some(Arc::new(Admins(admins))), ..self }
    }

    /// Sets the notifier, which mails password resets, enrolments of admin users, and notices about
    /// an account.
    ///
    /// A host must call this or [`without_notifier`](Self::without_notifier).
    pub fn notifier(self, notifier: impl IntoShared<dyn Notifier>) -> Self {
        Self { notifier: Some(notifier.into_shared()), ..self }
    }

    /// Builds an [`Auth`] that mails nothing.
    ///
    /// Use it for a program whose users reset no passwords, confirm no e-mail addresses and set up
    /// no second factors, such as a command line tool or a test. A request for a password reset, a
    /// confirmation mail or a change of the e-mail address fails with
    /// [`InternalError::NotConfigured`], status 500. Customers get no notices, for example of a
    /// changed password or of assistance.
    pub fn without_notifier(self) -> Self {
        Self { notifier: None, without_notifier: true, ..self }
    }

    /// Sets the challenge: a captcha or a proof of work that the host may require before a password
    /// is hashed or a mail is sent. If the host sets no challenge, no attempt needs a response to
    /// one.
    pub fn challenge(self, challenge: impl IntoShared<dyn Challenge>) -> Self {
        Self { challenge: Some(challenge.into_shared()), ..self }
    }

    /// Sets the service that checks each new password against data breaches. If the host sets no
    /// such service, this check is skipped.
    pub fn breached_passwords(self, service: impl IntoShared<dyn BreachedPasswords>) -> Self {
        Self { breached: Some(service.into_shared()), ..self }
    }

    /// Sets the keyring: the host's secret keys. Without a keyring, no second factor can be set up.
    /// The check characters of a bearer token are then computed without a secret key. They still
    /// detect typing errors. But they do not detect an invented token whose check characters an
    /// attacker has computed, so each such token costs a store request.
    pub fn keyring(self, keyring: Keyring) -> Self {
        Self { keyring: Some(keyring), ..self }
    }

    /// Sets the sink of the audit trail, such as `store.audit(..)` of an SQL backend.
    ///
    /// A host with an [admin user table](Self::admins) must set a sink, because every assistance
    /// must be recorded. Without a sink, no events are recorded.
    pub fn audit(self, sink: impl IntoShared<dyn AuditSink>) -> Self {
        Self { audit: Some(sink.into_shared()), ..self }
    }

    /// Sets the configuration. The default is [`AuthConfig::commerce`].
    pub fn config(self, config: AuthConfig) -> Self {
        Self { config, ..self }
    }

    /// Keeps tokens in this backend instead of the store that [`Auth::builder`] was given.
    pub fn tokens(self, tokens: impl IntoShared<dyn TokenStore>) -> Self {
        Self { tokens: tokens.into_shared(), ..self }
    }

    /// Keeps one-time credentials (reset tokens, one-time codes and confirmation tokens) in a
    /// separate store. By default they are documents in the [state store](Self::state).
    pub fn one_time_credentials(self, store: impl IntoShared<dyn OtcStore>) -> Self {
        Self { one_time: Some(store.into_shared()), ..self }
    }

    /// Keeps documents in this backend instead of the store that [`Auth::builder`] was given.
    /// Documents hold attempt budgets, one-time credentials, second factors and the ledger of
    /// assistance.
    pub fn state(self, state: impl IntoShared<dyn StateStore>) -> Self {
        Self { state: state.into_shared(), ..self }
    }

    /// Replaces the operating system's clock, for example by a clock that a test sets.
    pub fn clock(self, clock: impl IntoShared<dyn Clock>) -> Self {
        Self { clock: clock.into_shared(), ..self }
    }

    /// Replaces the generator of random secrets. The default is ChaCha20 with a seed from the
    /// operating system.
    pub fn random(self, random: impl IntoShared<dyn SecureRandom>) -> Self {
        Self { random: random.into_shared(), ..self }
    }

    /// Checks the configuration, and starts the hashing threads and the thread that empties the
    /// audit queue.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the part that is missing, the setting that is out of range, or the
    /// failure of the operating system.
    pub fn build(self) -> Result<Auth, ConfigError> {
        let Self { config, customers, admins, notifier, without_notifier, audit, keyring, .. } = self;
        let Self { tokens, one_time, state, clock, random, challenge, breached, .. } = self;
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
        let pool = HashingPool::start(
            config.hashing.argon2,
            config.hashing.threads,
            config.hashing.queue,
            random.as_ref(),
        )
        .map_err(|error| match error {
            StartError::Thread(error) => ConfigError::Threads(error),
            StartError::Random(error) => ConfigError::Random(error),
            StartError::Params => ConfigError::OutOfRange("hashing.argon2"),
        })?;
        let trail = Trail::start(audit, config.audit_queue, Arc::clone(&clock), Arc::clone(&random));
        let services = Services::new(Parts {
            config,
            customers,
            admins,
            notifier,
            challenge,
            breached,
            trail: Arc::new(trail.map_err(ConfigError::Threads)?),
            keyring,
            pool,
            tokens,
            one_time,
            state,
            clock,
            random,
        })?;
        Ok(Auth { services: Arc::new(services) })
    }
}

impl fmt::Debug for AuthBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}
