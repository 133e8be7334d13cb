//! The storage of an example, chosen by an address on its command line.

use std::{env, sync::Arc};

#[cfg(feature = "postgres")]
use commerce_auth::store::postgres::{PostgresAdmins, PostgresAudit, PostgresCustomers, PostgresStore};
#[cfg(feature = "redis")]
use commerce_auth::store::redis::RedisStore;
#[cfg(feature = "sqlite")]
use commerce_auth::store::sqlite::{SqliteAdmins, SqliteAudit, SqliteCustomers, SqliteStore};
use commerce_auth::{
    AdminStore, CustomerId, CustomerStore, Store,
    account::{AdminRecord, CustomerRecord},
    async_trait,
    audit::{AuditEvent, AuditSink, MemoryAudit},
    keyring::{KeyId, Keyring},
    store::memory::{MemoryAdmins, MemoryCustomers, MemoryStore},
};

use super::Result;

/// A store, ready-made account tables and an audit trail. All are in one database, if the backend
/// has them.
#[derive(Clone)]
pub struct Database {
    pub store: Arc<dyn Store>,
    pub customers: Arc<dyn Customers>,
    pub admins: Arc<dyn Admins>,
    pub audit: Arc<dyn AuditSink>,
    pub trail: Arc<dyn Trail>,
}

impl Database {
    /// Opens the database at the address in the example's argument, or `memory:` without an
    /// argument.
    #[allow(dead_code)] // Where the address comes from elsewhere.
    pub async fn of_the_command_line() -> Result<Self> {
        Self::open(&env::args().nth(1).unwrap_or_else(|| "memory:".into())).await
    }

    /// Opens `memory:`, `sqlite:PATH`, `postgres://…` or `redis://…`. With Redis, accounts and
    /// audit trail stay in memory.
    pub async fn open(address: &str) -> Result<Self> {
        match address.split_once(':') {
            Some(("memory", "")) => Ok(Self::beside(Arc::new(MemoryStore::new()))),
            #[cfg(feature = "sqlite")]
            Some(("sqlite", path)) => {
                let store = SqliteStore::open(path)?;
                let audit = store.audit(Some(&keyring()));
                Ok(Self::all_in(store.clone(), audit, store.customers(), store.admins()))
            }
            #[cfg(feature = "postgres")]
            Some(("postgres" | "postgresql", _)) => {
                let store = PostgresStore::connect(address).await?;
                let audit = store.audit(Some(&keyring()));
                Ok(Self::all_in(store.clone(), audit, store.customers(), store.admins()))
            }
            #[cfg(feature = "redis")]
            Some((scheme, _)) if is_redis(scheme) => {
                Ok(Self::beside(Arc::new(RedisStore::connect(address).await?)))
            }
            _ => Err(format!(
                "{address} is none of memory:, sqlite:PATH, postgres://… and an address of Redis, \
                 or this example was built without that feature (--all-features)"
            )
            .into()),
        }
    }

    /// Uses a store without accounts and without a readable trail: both are in memory.
    fn beside(store: Arc<dyn Store>) -> Self {
        let trail = MemoryAudit::new();
        let (customers, admins) = (Arc::new(MemoryCustomers::new()), Arc::new(MemoryAdmins::new()));
        Self { store, customers, admins, audit: Arc::new(trail.clone()), trail: Arc::new(trail) }
    }

    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    fn all_in(
        store: impl Store,
        audit: impl AuditSink + Trail + Clone,
        customers: impl Customers,
        admins: impl Admins,
    ) -> Self {
        Self {
            store: Arc::new(store),
            customers: Arc::new(customers),
            admins: Arc::new(admins),
            audit: Arc::new(audit.clone()),
            trail: Arc::new(audit),
        }
    }
}

/// A real shop draws its own key (`openssl rand 32`), and keeps the key apart from the database.
#[allow(dead_code)] // Where nothing is signed or sealed.
pub fn keyring() -> Keyring {
    Keyring::new(KeyId(1), *b"not a secret: for examples alone").expect("32 bytes are enough")
}

/// A ready-made customer table.
#[async_trait]
pub trait Customers: CustomerStore<Row = CustomerRecord> {
    async fn put(&self, row: CustomerRecord) -> Result;
    #[allow(dead_code)] // By most.
    async fn delete(&self, id: &CustomerId) -> Result;
}

/// A ready-made admin user table.
#[async_trait]
pub trait Admins: AdminStore<Row = AdminRecord> {
    async fn put(&self, row: AdminRecord) -> Result;
}

/// An audit trail that can be read.
#[async_trait]
pub trait Trail: Send + Sync {
    /// Returns the newest 10,000 events, the oldest of them first.
    async fn newest(&self) -> Result<Vec<AuditEvent>>;
}

#[async_trait]
impl Customers for MemoryCustomers {
    async fn put(&self, row: CustomerRecord) -> Result {
        Ok(self.upsert(row)?)
    }

    async fn delete(&self, id: &CustomerId) -> Result {
        self.remove(id);
        Ok(())
    }
}

#[async_trait]
impl Admins for MemoryAdmins {
    async fn put(&self, row: AdminRecord) -> Result {
        Ok(self.upsert(row)?)
    }
}

#[async_trait]
impl Trail for MemoryAudit {
    async fn newest(&self) -> Result<Vec<AuditEvent>> {
        Ok(self.events())
    }
}

/// The tables of the SQL backends have the same methods.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
macro_rules! tables {
    ($customers:ty, $admins:ty, $audit:ty) => {
        #[async_trait]
        impl Customers for $customers {
            async fn put(&self, row: CustomerRecord) -> Result {
                Ok(self.upsert(row).await?)
            }

            async fn delete(&self, id: &CustomerId) -> Result {
                self.remove(id).await?;
                Ok(())
            }
        }

        #[async_trait]
        impl Admins for $admins {
            async fn put(&self, row: AdminRecord) -> Result {
                Ok(self.upsert(row).await?)
            }
        }

        #[async_trait]
        impl Trail for $audit {
            async fn newest(&self) -> Result<Vec<AuditEvent>> {
                Ok(self.events(10_000).await?)
            }
        }
    };
}

#[cfg(feature = "postgres")]
tables!(PostgresCustomers, PostgresAdmins, PostgresAudit);
#[cfg(feature = "sqlite")]
tables!(SqliteCustomers, SqliteAdmins, SqliteAudit);

#[cfg(feature = "redis")]
fn is_redis(scheme: &str) -> bool {
    let kind = scheme.split(['+', '-']).next();
    matches!(kind, Some("redis" | "rediss" | "valkey" | "valkeys" | "unix"))
}
