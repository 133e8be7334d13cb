//! The services. Each service owns the stores and settings that it needs. A flow is one operation
//! of the library. It calls several services.

pub(crate) mod accounts;
pub(crate) mod assistance;
pub(crate) mod attempts;
mod documents;
pub(crate) mod factors;
pub(crate) mod freshness;
pub(crate) mod notices;
pub(crate) mod one_time;
pub(crate) mod passwords;
mod pointers;
pub(crate) mod stop;
#[cfg(test)]
mod testing;
pub(crate) mod tokens;
mod turns;
pub(crate) mod watch;

use std::sync::Arc;

use accounts::{Accounts, Consents, CustomerTable, Table};
use assistance::{Assistances, Ledger};
use attempts::Attempts;
pub(crate) use documents::{Documents, Held};
use factors::Factors;
use freshness::Freshness;
use notices::Notices;
use one_time::OneTimeCredentials;
use passwords::Passwords;
use tokens::Tokens;
use watch::Watch;

use crate::{
    account::{AdminRecord, CustomerRecord, Decoys},
    audit::Trail,
    challenge::Challenge,
    clock::Clock,
    config::AuthConfig,
    credential::{BreachedPasswords, HashingPool},
    error::{Error, InternalError, Part},
    keyring::Keyring,
    notifier::Notifier,
    random::{RandomError, SecureRandom},
    store::{OtcStore, StateStore, TokenStore},
    token::TokenFormat,
};

/// The services that the flows compose.
pub(crate) struct Services {
    pub(crate) config: Arc<AuthConfig>,
    pub(crate) customers: Arc<Accounts<CustomerRecord>>,
    pub(crate) admins: Option<Arc<Accounts<AdminRecord>>>,
    pub(crate) passwords: Passwords,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) attempts: Attempts,
    pub(crate) one_time: OneTimeCredentials,
    pub(crate) factors: Factors,
    pub(crate) freshness: Freshness,
    pub(crate) assistance: Assistances,
    pub(crate) notices: Arc<Notices>,
    pub(crate) challenge: Option<Arc<dyn Challenge>>,
    pub(crate) trail: Arc<Trail>,
    pub(crate) documents: Arc<Documents>,
}

/// The parts of which the services are built, for example the stores and the clock. The host
/// supplies a part, or the builder of `Auth` creates it with default settings.
pub(crate) struct Parts {
    pub(crate) config: AuthConfig,
    pub(crate) customers: Arc<dyn CustomerTable>,
    pub(crate) admins: Option<Arc<dyn Table<AdminRecord>>>,
    pub(crate) notifier: Option<Arc<dyn Notifier>>,
    pub(crate) challenge: Option<Arc<dyn Challenge>>,
    pub(crate) breached: Option<Arc<dyn BreachedPasswords>>,
    pub(crate) trail: Arc<Trail>,
    pub(crate) keyring: Option<Keyring>,
    pub(crate) pool: HashingPool,
    pub(crate) tokens: Arc<dyn TokenStore>,
    pub(crate) one_time: Option<Arc<dyn OtcStore>>,
    pub(crate) state: Arc<dyn StateStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn SecureRandom>,
}

impl Services {
    /// Creates the services from the parts.
    pub(crate) fn new(parts: Parts) -> Result<Self, RandomError> {
        let Parts { config, customers, admins, notifier, trail, keyring, pool, .. } = parts;
        let Parts { tokens, one_time, state, clock, random, challenge, breached, .. } = parts;
        let config = Arc::new(config);
        let decoys = Arc::new(Decoys::draw(random.as_ref())?);
        let consents: Arc<dyn Consents> = customers.clone();
        let customers = Arc::new(Accounts::new(customers, Arc::clone(&decoys)));
        let admins = admins.map(|admins| Arc::new(Accounts::new(admins, decoys)));
        let documents = Arc::new(Documents::new(state, Arc::clone(&clock), Arc::clone(&random)));
        let (format, cap) = (TokenFormat::new(keyring.clone()), config.tokens_per_subject);
        let tokens = Arc::new(Tokens::new(tokens, format, cap, Arc::clone(&clock), Arc::clone(&random)));
        let notices = Arc::new(Notices::new(notifier, Arc::clone(&trail)));
        let freshness = Freshness::new(config.lifetimes.fresh_sign_in, Arc::clone(&clock));
        let assistance = Assistances {
            config: Arc::clone(&config),
            customers: Arc::clone(&customers),
            consents,
            admins: admins.clone(),
            tokens: Arc::clone(&tokens),
            notices: Arc::clone(&notices),
            freshness: freshness.clone(),
            ledger: Ledger::new(Arc::clone(&documents), config.assistance.history),
        };
        let watch = Watch::new(Arc::clone(&documents), Arc::clone(&trail));
        Ok(Self {
            passwords: Passwords::new(pool, &config, breached, Arc::clone(&random)),
            attempts: Attempts::new(Arc::clone(&documents), watch, Arc::clone(&clock), Arc::clone(&random)),
            one_time: OneTimeCredentials::new(Arc::clone(&documents), one_time, Arc::clone(&random)),
            factors: Factors::new(Arc::clone(&documents), keyring, clock, random),
            assistance,
            config,
            customers,
            admins,
            tokens,
            freshness,
            notices,
            challenge,
            trail,
            documents,
        })
    }

    /// Returns the admin user accounts. Fails if the shop has no admin user table.
    pub(crate) fn admins(&self) -> Result<&Accounts<AdminRecord>, Error> {
        self.admins.as_deref().ok_or(Error::Internal(InternalError::NotConfigured(Part::Admins)))
    }
}
