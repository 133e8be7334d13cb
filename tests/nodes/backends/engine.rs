use std::{
    path::Path,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use commerce_auth_test_servers::{Postgres, Redis};
use tempfile::TempDir;

use crate::backends::{Result, database::Database};

/// The separate database of one test, in a server that the tests share.
pub(crate) struct Engine {
    address: String,
    /// The objects that nodes share outside the backend: everything for the memory store, the
    /// accounts for Redis.
    shared: Shared,
    _folder: Option<TempDir>,
}

enum Shared {
    Everything(OnceLock<Database>),
    Accounts(OnceLock<Database>),
    Nothing,
}

impl Engine {
    pub(crate) fn memory() -> Option<Self> {
        let shared = Shared::Everything(OnceLock::new());
        Some(Self { address: "memory:".into(), shared, _folder: None })
    }

    pub(crate) fn sqlite() -> Option<Self> {
        let folder = TempDir::new().expect("a folder can be made");
        let engine = Self::sqlite_at(&folder.path().join("auth.db"));
        Some(Self { _folder: Some(folder), ..engine })
    }

    /// Uses a file in a folder that belongs to the test.
    pub(crate) fn sqlite_at(path: &Path) -> Self {
        Self { address: format!("sqlite:{}", path.display()), shared: Shared::Nothing, _folder: None }
    }

    pub(crate) fn postgres() -> Option<Self> {
        static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
        let server = SERVER.get_or_init(Postgres::start).as_ref()?;
        let name = format!("test_{}", number());
        server.query(&format!("CREATE DATABASE {name}")).expect("a database can be made");
        Some(Self::postgres_at(format!("{}{name}", server.url().trim_end_matches("postgres"))))
    }

    /// Uses a database of a server that belongs to the test.
    pub(crate) fn postgres_at(address: String) -> Self {
        Self { address, shared: Shared::Nothing, _folder: None }
    }

    pub(crate) fn redis() -> Option<Self> {
        static SERVER: OnceLock<Option<Redis>> = OnceLock::new();
        let server = SERVER.get_or_init(|| Redis::start_with(&["--databases", "1000"])).as_ref()?;
        Some(Self::redis_at(format!("{}{}", server.url(), number())))
    }

    /// See [`postgres_at`](Self::postgres_at).
    pub(crate) fn redis_at(address: String) -> Self {
        Self { address, shared: Shared::Accounts(OnceLock::new()), _folder: None }
    }

    /// Returns the address for an example's command line.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Opens another node's connections to the database.
    pub(crate) async fn node(&self) -> Result<Database> {
        let opened = Database::open(&self.address).await?;
        Ok(match &self.shared {
            Shared::Nothing => opened,
            Shared::Everything(first) => first.get_or_init(|| opened).clone(),
            Shared::Accounts(first) => {
                let store = opened.store.clone();
                Database { store, ..first.get_or_init(|| opened).clone() }
            }
        })
    }
}

fn number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
