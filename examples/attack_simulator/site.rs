//! A shop of two nodes over one store.

use std::{num::NonZero, sync::Arc, time::Duration};

use commerce_auth::{
    Auth, AuthConfig, CustomerId, Store,
    account::{AdminRecord, CustomerRecord, Permission},
    clock::{Clock, ManualClock},
    config::SecondFactorPolicy,
    credential::Argon2Params,
    store::{
        memory::{MemoryAdmins, MemoryCustomers, MemoryStore},
        sqlite::SqliteStore,
    },
};
use tempfile::TempDir;
use time::{OffsetDateTime, macros::datetime};

use crate::{Result, defences, flag::Flag};

/// Number of customers, beside the [victim](VICTIM).
pub const CUSTOMERS: u64 = 10_000;
/// The customer whose account some attacks aim at, and who has a known device.
pub const VICTIM: &str = "bobloblaw@example.com";
/// The admin user's name.
pub const ADMIN: &str = "admin";
/// The right password of every account.
pub const PASSWORD: &str = "b0bl0bl@wW";

const BEGIN: OffsetDateTime = datetime!(2026-01-01 12:00 UTC);

/// The place of the shop's data.
#[derive(Clone, Copy, Debug)]
pub enum Storage {
    Memory,
    Sqlite,
}

/// Two nodes with one clock.
pub struct Site {
    pub clock: Arc<ManualClock>,
    nodes: [Auth; 2],
    flags: [Arc<Flag>; 2],
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
        let flags = [(); 2].map(|()| Arc::new(Flag::new(Arc::clone(&clock))));
        let node = |flag: &Arc<Flag>| {
            let builder = Auth::builder(Arc::clone(&store))
                .customers(customers.clone())
                .admins(admins.clone())
                .audit(Arc::clone(flag))
                .without_notifier()
                .clock(Arc::clone(&clock))
                .config(config(argon2));
            defences::with_challenge(builder, flag).build()
        };
        let nodes = [node(&flags[0])?, node(&flags[1])?];
        let hash = nodes[0].hash_new_password(VICTIM, PASSWORD).await?;
        let emails = (0..CUSTOMERS).map(customer).chain([VICTIM.to_owned()]);
        for (id, email) in (1..).zip(emails) {
            customers.upsert(CustomerRecord::new(CustomerId::from(id), email).with_password(hash.clone()))?;
        }
        admins.upsert(
            AdminRecord::new(7, ADMIN).with_password(hash).with_permissions(Permission::ALL.to_vec()),
        )?;
        Ok(Self { clock, nodes, flags, store, _folder: folder })
    }

    /// Returns the node for the request with this number. The nodes take turns, three requests
    /// each. The requests of an account, a source or a person therefore reach both nodes.
    pub fn node(&self, number: u64) -> &Auth {
        &self.nodes[usize::from(!(number / 3).is_multiple_of(2))]
    }

    /// Returns the number of hashes that both nodes have begun so far.
    pub fn hashes(&self) -> u64 {
        self.nodes.iter().map(|node| node.hashing_stats().begun).sum()
    }

    /// Returns the time on the shop's clock after which each node knew of the attack.
    pub async fn flagged(&self) -> [Option<Duration>; 2] {
        for node in &self.nodes {
            node.flush_audit().await;
        }
        self.flags.each_ref().map(|flag| flag.raised_at().and_then(|at| (at - BEGIN).try_into().ok()))
    }

    /// Removes all documents that have an end, and returns their number.
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

/// Returns the e-mail address of the customer with this number. After the last customer, the first
/// comes again.
pub fn customer(number: u64) -> String {
    format!("customer-{}@example.com", number % CUSTOMERS)
}

fn config(argon2: Argon2Params) -> AuthConfig {
    let mut config = AuthConfig::commerce();
    config.hashing.argon2 = argon2;
    config.admin_second_factor = SecondFactorPolicy::Optional;
    config.hashing.threads = NonZero::<usize>::MIN;
    config.hashing.queue = 64;
    // Even a flood at the full speed of the machine must not lose the alarm.
    config.audit_queue = NonZero::<usize>::MIN.saturating_add(65_535);
    config
}
