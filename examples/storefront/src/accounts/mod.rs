//! The shop's accounts: the ready-made account tables, and a separate table with the data that the
//! library does not need (names, addresses, subscription). A customer's id is the key of that table.

mod details;
mod left_out;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod profile;
mod profiles;
#[cfg(feature = "redis")]
mod redis;
mod sqlite;
mod tables;

pub(crate) use details::{Details, Draft, InvalidDetail};
pub(crate) use profile::{Address, Profile, Region};
pub(crate) use profiles::{Edit, Profiles};
pub(crate) use tables::{AdminTable, CustomerTable, Trail};

use std::{error::Error, sync::Arc};

use commerce_auth::{
    CustomerId, Email, PasswordHash, Store, TokenStore, Website,
    account::{AccountStatus, CustomerRecord, UpsertError},
    audit::{AuditSink, MemoryAudit},
    error::StoreError,
    keyring::Keyring,
    store::{
        memory::{MemoryAdmins, MemoryCustomers, MemoryStore},
        sqlite::SqliteStore,
    },
};

use time::OffsetDateTime;

#[cfg(not(feature = "postgres"))]
use self::left_out::postgres;
#[cfg(not(feature = "redis"))]
use self::left_out::redis;
use self::{memory::MemoryProfiles, sqlite::SqliteProfiles};
use crate::{
    args::{DatabaseAddress, RedisAddress},
    errors::in_full,
};

/// Everything that the shop keeps.
#[derive(Clone)]
pub(crate) struct Database {
    /// The crate's store.
    pub(crate) store: Arc<dyn Store>,
    /// Bearer tokens, which may be kept elsewhere than the rest.
    pub(crate) tokens: Arc<dyn TokenStore>,
    pub(crate) customers: Arc<dyn CustomerTable>,
    pub(crate) admins: Arc<dyn AdminTable>,
    pub(crate) profiles: Arc<dyn Profiles>,
    /// The audit trail, to write.
    pub(crate) audit: Arc<dyn AuditSink>,
    /// The audit trail, to read.
    pub(crate) trail: Arc<dyn Trail>,
    /// The keys that seal second factors and sign the audit trail.
    pub(crate) keyring: Keyring,
}

/// Commerce's answer to another e-mail address without the current password.
pub(crate) const PASSWORD_NEEDED: &str = "Provide the current \"password\" to change \"email\".";

/// A customer account that is to be made.
pub(crate) struct NewCustomer {
    pub(crate) email: Email,
    pub(crate) password_hash: Option<PasswordHash>,
    pub(crate) status: AccountStatus,
    pub(crate) allows_assistance: bool,
    pub(crate) profile: Profile,
}

impl Database {
    /// Opens a database, and makes the tables it lacks. With `tokens`, bearer tokens are kept there.
    pub(crate) async fn open(
        address: &DatabaseAddress,
        tokens: Option<&RedisAddress>,
        keyring: Keyring,
    ) -> Result<Self, Box<dyn Error>> {
        let database = match address {
            DatabaseAddress::Memory => Self::in_memory(keyring),
            DatabaseAddress::Sqlite(path) => {
                let store = SqliteStore::open(path)?;
                let profiles = SqliteProfiles::open(path)?;
                let (customers, admins) = (store.customers(), store.admins());
                let audit = store.audit(Some(&keyring));
                Self::all_in(store, audit, customers, admins, profiles, keyring)
            }
            DatabaseAddress::Postgres(url) => postgres::open(url, keyring).await?,
        };
        match tokens {
            Some(RedisAddress(url)) => Ok(Self { tokens: redis::open(url).await?, ..database }),
            None => Ok(database),
        }
    }

    fn in_memory(keyring: Keyring) -> Self {
        let customers = MemoryCustomers::new();
        let trail = MemoryAudit::new();
        let store = Arc::new(MemoryStore::new());
        Self {
            store: store.clone(),
            tokens: store,
            customers: Arc::new(customers.clone()),
            admins: Arc::new(MemoryAdmins::new()),
            profiles: Arc::new(MemoryProfiles::beside(customers)),
            audit: Arc::new(trail.clone()),
            trail: Arc::new(trail),
            keyring,
        }
    }

    fn all_in(
        store: impl Store,
        audit: impl AuditSink + Trail,
        customers: impl CustomerTable,
        admins: impl AdminTable,
        profiles: impl Profiles + 'static,
        keyring: Keyring,
    ) -> Self {
        let (store, audit) = (Arc::new(store), Arc::new(audit));
        Self {
            store: store.clone(),
            tokens: store,
            customers: Arc::new(customers),
            admins: Arc::new(admins),
            profiles: Arc::new(profiles),
            audit: audit.clone(),
            trail: audit,
            keyring,
        }
    }

    /// Adds a customer; answers the id. A conflict if the address is another account's.
    ///
    /// Adds the profile first, since it gives the id. A crash between the two leaves a profile without an
    /// account, which nothing reads.
    pub(crate) async fn add(&self, customer: NewCustomer) -> Result<CustomerId, UpsertError> {
        let id = self.profiles.add(&customer.profile).await?;
        let row = CustomerRecord {
            id: id.clone(),
            website: Website::default(),
            email: customer.email.to_string(),
            password_hash: customer.password_hash,
            status: customer.status,
            allows_assistance: customer.allows_assistance,
        };
        if let Err(error) = self.customers.put(row).await {
            self.remove_profile(&id, &error).await;
            return Err(error);
        }
        Ok(id)
    }

    /// Adds a customer who is to confirm the address. An unconfirmed account of the address gives way, so that the newest
    /// registration counts: answers its id. Any other account stays as it is, and nothing is added.
    pub(crate) async fn register(&self, customer: NewCustomer) -> Result<Option<CustomerId>, UpsertError> {
        let earlier = self.customers.find_by_email(&Website::default(), &customer.email).await?;
        let mut removed = None;
        if let Some(row) = earlier
            && self.profiles.remove_unconfirmed(&row.id).await?
        {
            self.profiles.remove(&row.id).await?;
            removed = Some(row.id);
        }
        match self.add(customer).await {
            Ok(_) | Err(UpsertError::Conflict(_)) => Ok(removed),
            Err(unavailable) => Err(unavailable),
        }
    }

    /// Only where it is known that no account was made.
    async fn remove_profile(&self, id: &CustomerId, error: &UpsertError) {
        if matches!(error, UpsertError::Conflict(_))
            && let Err(error) = self.profiles.remove(id).await
        {
            tracing::warn!(%id, cause = in_full(&error), "a profile without an account stays");
        }
    }

    /// Changes a customer's profile.
    pub(crate) async fn edit(&self, id: &CustomerId, details: Details) -> Result<(), StoreError> {
        let edit = Box::new(move |profile: &mut Profile| {
            details.clone().write_to(profile);
            profile.updated_at = OffsetDateTime::now_utc();
        });
        self.profiles.edit(id, edit).await
    }

    /// Removes a customer. It may be done again: a crash between the two leaves a profile without an account.
    pub(crate) async fn remove(&self, id: &CustomerId) -> Result<(), StoreError> {
        self.customers.remove(id).await?;
        self.profiles.remove(id).await
    }

    /// A customer's account and profile, if there is one.
    pub(crate) async fn customer(
        &self,
        id: &CustomerId,
    ) -> Result<Option<(CustomerRecord, Profile)>, StoreError> {
        let Some(account) = self.customers.find_by_id(id).await? else { return Ok(None) };
        Ok(self.profiles.find(id).await?.map(|profile| (account, profile)))
    }
}
