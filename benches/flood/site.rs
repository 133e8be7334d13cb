//! A shop with one hashing thread over a separate store.

use std::{
    num::NonZero,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use clap::ValueEnum;
use commerce_auth::{
    AuthConfig, ErrorKind,
    audit::MemoryAudit,
    keyring::{KeyId, Keyring},
    store::{postgres::PostgresStore, redis::RedisStore, sqlite::SqliteStore},
};
use commerce_auth_benches::{Shop, sign_in_of};
use commerce_auth_test_servers::{Postgres, Redis};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::attack::Flood;

/// The number of live tokens that are verified.
const TOKENS: usize = 200;

/// A durable store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    Sqlite,
    Postgres,
    Redis,
}

/// The server or folder of the store. It ends with this value.
enum Server {
    Sqlite(TempDir),
    Postgres(Postgres),
    Redis(Redis),
}

/// The requests that are sent to the shop.
#[derive(Clone, Copy, Debug)]
pub enum Load {
    Flood(Flood),
    /// Right sign-ins, each by another customer from another source.
    Honest,
}

/// A shop, the tokens of its customers, and the number of requests that it has answered.
pub struct Site {
    pub shop: Shop,
    tokens: Vec<String>,
    server: Server,
    flooded: AtomicU64,
    honest: AtomicUsize,
    failures: AtomicU64,
}

impl Site {
    /// Opens a shop over an empty store. Returns none if the machine lacks the store's server.
    ///
    /// The audit trail is in the store, and signed, if the store has one.
    pub async fn open(backend: Backend) -> Option<Self> {
        let keyring = Keyring::new(KeyId(1), [7; 32]).expect("32 bytes are enough");
        let (shop, server) = match backend {
            Backend::Sqlite => {
                let folder = tempfile::tempdir().expect("a folder can be made");
                let store = SqliteStore::open(folder.path().join("auth.db")).expect("a file can be made");
                let audit = store.audit(Some(&keyring));
                (Shop::of(store, config(), audit), Server::Sqlite(folder))
            }
            Backend::Postgres => {
                let server = Postgres::start()?;
                let store = PostgresStore::connect(&server.url()).await.expect("the server listens");
                let audit = store.audit(Some(&keyring));
                (Shop::of(store, config(), audit), Server::Postgres(server))
            }
            Backend::Redis => {
                let server = Redis::start()?;
                let store = RedisStore::connect(&server.url()).await.expect("the server listens");
                (Shop::of(store, config(), MemoryAudit::new()), Server::Redis(server))
            }
        };
        let mut tokens = Vec::with_capacity(TOKENS);
        for customer in 0..TOKENS {
            let signed_in = shop.auth.generate_customer_token(sign_in_of(customer)).await;
            tokens.push(signed_in.expect("the password is right").token().expose().to_owned());
        }
        let (flooded, honest) = (AtomicU64::new(0), AtomicUsize::new(TOKENS));
        Some(Self { shop, tokens, server, flooded, honest, failures: AtomicU64::new(0) })
    }

    /// Verifies one of the live tokens.
    pub async fn verify(&self, number: usize) {
        let token = self.tokens[number % self.tokens.len()].as_str();
        let failed = self.shop.auth.verify_customer(token).await.is_err();
        self.failures.fetch_add(u64::from(failed), Ordering::Relaxed);
    }

    /// Sends one request and waits for its answer.
    pub async fn send(&self, load: Load) {
        let failed = match load {
            Load::Flood(flood) => {
                let number = self.flooded.fetch_add(1, Ordering::Relaxed);
                let refused = flood.send(&self.shop.auth, number).await.expect_err("no request is right");
                matches!(refused.kind(), ErrorKind::Unavailable | ErrorKind::Internal)
            }
            Load::Honest => {
                let customer = self.honest.fetch_add(1, Ordering::Relaxed);
                self.shop.auth.generate_customer_token(sign_in_of(customer)).await.is_err()
            }
        };
        self.failures.fetch_add(u64::from(failed), Ordering::Relaxed);
    }

    /// Number of requests of the flood so far.
    pub fn flooded(&self) -> u64 {
        self.flooded.load(Ordering::Relaxed)
    }

    /// Number of hashes begun so far.
    pub fn hashes(&self) -> u64 {
        self.shop.auth.hashing_stats().begun
    }

    /// Number of wrong answers so far: a right sign-in or a live token was refused, or the store
    /// did not answer.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Number of documents in the store. Redis counts all keys, and so the tokens too.
    pub fn documents(&self) -> u64 {
        let count = match &self.server {
            Server::Sqlite(folder) => {
                let file = Connection::open(folder.path().join("auth.db")).expect("the file is there");
                let count: i64 = file
                    .query_row("SELECT count(*) FROM documents", [], |row| row.get(0))
                    .expect("the store has made the table");
                return count.unsigned_abs();
            }
            Server::Postgres(server) => server.query("SELECT count(*) FROM commerce_auth.documents"),
            Server::Redis(server) => server.command("DBSIZE"),
        };
        let count = count.expect("the server answers");
        count.trim().trim_start_matches(':').parse().expect("a number")
    }
}

/// Commerce's settings with one hashing thread. The tokens outlast the run.
fn config() -> AuthConfig {
    let mut config = AuthConfig::commerce();
    config.hashing.threads = NonZero::<usize>::MIN;
    config.hashing.queue = 64;
    config.lifetimes.customer_token = Duration::from_secs(24 * 60 * 60);
    config
}
