//! A shop of two nodes over one store.

use std::{
    num::NonZero,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use commerce_auth::{
    AccountStatus, AdminId, AdminRecord, Argon2Params, AuditEvent, AuditSink, Auth, AuthConfig, CustomerId,
    CustomerRecord, MemoryAdmins, MemoryCustomers, MemoryStore, Permission, SecondFactorPolicy, SqliteStore,
    StoreError, Subject, Website,
    clock::{Clock, ManualClock},
    store::Store,
};
use tempfile::TempDir;
use time::{OffsetDateTime, macros::datetime};

use crate::{Result, defences};

/// Number of customers, beside the [victim](VICTIM).
pub const CUSTOMERS: u64 = 10_000;
/// The customer whose account some attacks aim at, and who has a known device.
pub const VICTIM: &str = "bobloblaw@example.com";
/// The admin user's name.
pub const ADMIN: &str = "admin";
/// The right password of every account.
pub const PASSWORD: &str = "b0bl0bl@wW";

const BEGIN: OffsetDateTime = datetime!(2026-01-01 12:00 UTC);

/// Where the shop keeps everything.
#[derive(Clone, Copy, Debug)]
pub enum Storage {
    Memory,
    Sqlite,
}

/// Two nodes with one clock.
pub struct Site {
    pub clock: Arc<ManualClock>,
    nodes: [Auth; 2],
    alarms: [Arc<Alarm>; 2],
    store: Arc<dyn Store>,
    _folder: Option<TempDir>,
}

impl Site {
    /// Opens a shop whose password hashes have this cost.
    pub async fn open(storage: Storage, argon2: Argon2Params) -> Result<Self> {
        let (store, folder): (Arc<dyn Store>, _) = match storage {
            Storage::Memory => (Arc::new(MemoryStore::new()), None),
            Storage::Sqlite => {
                let folder = tempfile::tempdir()?;
                (Arc::new(SqliteStore::open(folder.path().join("auth.db"))?), Some(folder))
            }
        };
        let clock = Arc::new(ManualClock::new(BEGIN));
        let (customers, admins) = (MemoryCustomers::new(), MemoryAdmins::new());
        let alarms = [Arc::<Alarm>::default(), Arc::default()];
        let node = |alarm: &Arc<Alarm>| {
            let builder = Auth::builder(Arc::clone(&store))
                .customers(customers.clone())
                .admins(admins.clone())
                .audit(Arc::clone(alarm))
                .without_notifier()
                .clock(Arc::clone(&clock))
                .config(config(argon2));
            defences::with_challenge(builder).build()
        };
        let nodes = [node(&alarms[0])?, node(&alarms[1])?];
        let hash = nodes[0].hash_new_password(VICTIM, PASSWORD).await?;
        let emails = (0..CUSTOMERS).map(customer).chain([VICTIM.to_owned()]);
        for (id, email) in (1..).zip(emails) {
            customers.upsert(CustomerRecord {
                id: CustomerId::from(id),
                website: Website::default(),
                email,
                password_hash: Some(hash.clone()),
                status: AccountStatus::Active,
                allows_assistance: false,
            })?;
        }
        admins.upsert(AdminRecord {
            id: AdminId::from(7),
            username: ADMIN.into(),
            password_hash: Some(hash),
            status: AccountStatus::Active,
            permissions: Permission::ALL.to_vec(),
            requires_second_factor: false,
        })?;
        Ok(Self { clock, nodes, alarms, store, _folder: folder })
    }

    /// The node that takes the request with this number. The nodes take turns, three requests each,
    /// so that neither an account nor a source nor a person keeps to one node.
    pub fn node(&self, number: u64) -> &Auth {
        &self.nodes[usize::from(!(number / 3).is_multiple_of(2))]
    }

    /// Number of hashes that both nodes have begun so far.
    pub fn hashes(&self) -> u64 {
        self.nodes.iter().map(|node| node.hashing_stats().begun).sum()
    }

    /// Time on the shop's clock after which each node recorded the alarm.
    pub async fn alarms(&self) -> [Option<Duration>; 2] {
        for node in &self.nodes {
            node.flush_audit().await;
        }
        self.alarms.each_ref().map(|alarm| alarm.first().and_then(|at| (at - BEGIN).try_into().ok()))
    }

    /// Removes all documents that end and returns their number.
    pub async fn remove_documents(&self) -> Result<usize> {
        let (far, mut removed) = (self.clock.now() + time::Duration::days(1_000), 0);
        loop {
            match self.store.sweep(far, 1_000).await? {
                0 => return Ok(removed),
                some => removed += some,
            }
        }
    }
}

/// The e-mail address of the customer with this number; after the last one the first comes again.
pub fn customer(number: u64) -> String {
    format!("customer-{}@example.com", number % CUSTOMERS)
}

fn config(argon2: Argon2Params) -> AuthConfig {
    let mut config = AuthConfig::commerce();
    config.argon2 = argon2;
    config.admin_second_factor = SecondFactorPolicy::Optional;
    config.hashing_threads = NonZero::<usize>::MIN;
    config.hashing_queue = 64;
    // A flood that comes as fast as the machine goes must not lose the alarm.
    config.audit_queue = NonZero::<usize>::MIN.saturating_add(65_535);
    config
}

/// An audit sink that keeps the time of the first alarm, and nothing else.
#[derive(Debug, Default)]
struct Alarm(Mutex<Option<OffsetDateTime>>);

impl Alarm {
    fn first(&self) -> Option<OffsetDateTime> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl AuditSink for Alarm {
    async fn record(&self, event: &AuditEvent) -> std::result::Result<(), StoreError> {
        if defences::is_alarm(event) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(event.at);
        }
        Ok(())
    }

    async fn erase(&self, _: &Subject) -> std::result::Result<u64, StoreError> {
        Ok(0)
    }
}
