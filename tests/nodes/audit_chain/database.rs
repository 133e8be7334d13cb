use std::{
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use commerce_auth::{
    audit::{AuditEvent, AuditRecord, AuditSink, Checkpoint, Report, Verifier},
    keyring::Keyring,
    store::{
        postgres::{PostgresAudit, PostgresOptions},
        sqlite::{SqliteAudit, SqliteOptions},
    },
    token::Digest,
};
use commerce_auth_test_servers::Postgres;
use rusqlite::Connection;
use tempfile::TempDir;

/// For races on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The database of one test, which nodes open independently.
pub enum Database {
    Sqlite { path: PathBuf, _folder: TempDir },
    Postgres { server: &'static Postgres, schema: String },
}

impl Database {
    pub fn sqlite() -> Self {
        let folder = TempDir::new().expect("a folder can be made");
        Self::Sqlite { path: folder.path().join("auth.db"), _folder: folder }
    }

    /// Returns none if there is no server.
    pub fn postgres() -> Option<Self> {
        static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let server = SERVER.get_or_init(|| Postgres::start_with(&["fsync=off"])).as_ref()?;
        Some(Self::Postgres { server, schema: format!("shop_{}", NEXT.fetch_add(1, Ordering::Relaxed)) })
    }

    /// Opens a separate store, as another process would.
    pub async fn node(&self, keyring: Option<&Keyring>) -> Arc<dyn Trail> {
        match self {
            Self::Sqlite { path, .. } => {
                let store = SqliteOptions::new(path).timeout(PATIENCE).open();
                Arc::new(store.expect("the file can be opened").audit(keyring))
            }
            Self::Postgres { server, schema } => {
                let options = PostgresOptions::new(server.url()).schema(schema).timeout(PATIENCE);
                Arc::new(options.connect().await.expect("the server is there").audit(keyring))
            }
        }
    }

    /// Runs statements on a separate connection. `{schema}` stands for the schema.
    pub fn by_hand(&self, statements: &str) {
        match self {
            Self::Sqlite { path, .. } => {
                let connection = Connection::open(path).unwrap();
                connection.busy_timeout(PATIENCE).unwrap();
                connection
                    .execute_batch(&statements.replace("{schema}", "main"))
                    .expect("the statements are right");
            }
            Self::Postgres { server, schema } => {
                server.query(&statements.replace("{schema}", schema)).expect("the statements are right");
            }
        }
    }
}

/// The operations of both backends' trails, for tests.
#[async_trait]
pub trait Trail: AuditSink {
    async fn events(&self) -> Vec<AuditEvent>;
    async fn records(&self) -> Vec<AuditRecord>;
    async fn checkpoint(&self) -> Option<Checkpoint>;
    async fn verify(&self, verifier: Verifier) -> Report;
    async fn prune(&self, before: Checkpoint) -> u64;
}

macro_rules! trail {
    ($audit:ty) => {
        #[async_trait]
        impl Trail for $audit {
            async fn events(&self) -> Vec<AuditEvent> {
                self.events(usize::MAX).await.unwrap()
            }
            async fn records(&self) -> Vec<AuditRecord> {
                self.records(0, usize::MAX).await.unwrap()
            }
            async fn checkpoint(&self) -> Option<Checkpoint> {
                self.checkpoint().await.unwrap()
            }
            async fn verify(&self, verifier: Verifier) -> Report {
                self.verify(verifier).await.unwrap()
            }
            async fn prune(&self, before: Checkpoint) -> u64 {
                self.prune(before).await.unwrap()
            }
        }
    };
}

trail!(SqliteAudit);
trail!(PostgresAudit);

/// Returns the checkpoint of the record with this number.
pub fn checkpoint_of(trail: &[AuditRecord], number: usize) -> Checkpoint {
    let link = |record: &AuditRecord| record.link.expect("it is signed");
    let previous = match number {
        0 => Digest::from_bytes([0; 32]),
        _ => link(&trail[number - 1]),
    };
    Checkpoint { position: trail[number].position, link: link(&trail[number]), previous: Some(previous) }
}

/// Verifies the records of a copy.
pub fn verified(mut verifier: Verifier, records: &[AuditRecord]) -> Report {
    records.iter().for_each(|record| verifier.feed(record));
    verifier.finish()
}
