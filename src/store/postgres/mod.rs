//! A backend that keeps everything in a PostgreSQL database. It is for a shop of many nodes, or one
//! that already has PostgreSQL.
//!
//! ```no_run
//! use commerce_auth::{
//!     Auth,
//!     keyring::{KeyId, Keyring},
//!     store::postgres::PostgresStore,
//! };
//!
//! # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
//! let store = PostgresStore::connect("postgres://shop@db.internal/shop").await?;
//! # let secret = [7; 32];
//! let keyring = Keyring::new(KeyId(1), secret)?;
//! let auth = Auth::builder(store.clone())
//!     .customers(store.customers())
//!     .admins(store.admins())
//!     .audit(store.audit(Some(&keyring)))
//!     .without_notifier() // or `.notifier(..)`, which mails password resets
//!     .keyring(keyring)
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! # What it promises
//!
//! It keeps all the rules of the traits, whatever the number of nodes. All nodes must use the
//! primary: a read-only server is refused. An acknowledged write survives a crash of the server, if
//! `fsync` is on. With a synchronous standby it also survives a failover.
//!
//! Each verb is one round trip. Look-ups, such as the verification of a token, share a few
//! pipelined connections. Statements that may wait for a lock have separate connections, so that a
//! lock never delays a verification. The store opens connections on demand, and opens them again
//! after the server was down. No caller waits longer than the [timeout](PostgresOptions::timeout).
//!
//! A store belongs to the tokio runtime on which it was connected, because that runtime drives its
//! connections. You can call the store from any thread. After that runtime has ended, every call
//! returns an error.
//!
//! # Housekeeping
//!
//! Call [`Auth::purge`](crate::Auth::purge) from a timer on one node or on all nodes. It removes
//! records in bounded batches, and skips rows that another node has locked.
#![doc = concat!("\n", include_str!("../../../docs/postgresql.md"))]

mod accounts;
mod audit;
mod connector;
mod failure;
mod locking;
mod options;
mod pipelined;
mod proof;
mod session;
mod state;
mod statements;
mod tables;
mod tokens;

pub use accounts::{PostgresAdmins, PostgresCustomers};
pub use audit::PostgresAudit;
pub use options::PostgresOptions;

use std::sync::Arc;

use tokio_postgres::{Row, types::ToSql};

use super::OpenError;
use failure::Failure;
use locking::{Locking, Parameters};
use pipelined::Pipelined;
use statements::{Command, Query};

/// Tokens, documents, the audit trail and account tables in a PostgreSQL database.
///
/// Clones are cheap and share the connections.
#[derive(Clone, Debug)]
pub struct PostgresStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pipelined: Pipelined,
    locking: Locking,
}

impl PostgresStore {
    /// Connects with the default options, without TLS.
    ///
    /// # Errors
    ///
    /// See [`PostgresOptions::connect`].
    pub async fn connect(url: &str) -> Result<Self, OpenError> {
        PostgresOptions::new(url).connect().await
    }

    /// Returns the ready-made customer table in the same schema.
    #[must_use]
    pub fn customers(&self) -> PostgresCustomers {
        PostgresCustomers::of(self.clone())
    }

    /// Returns the ready-made admin user table in the same schema.
    #[must_use]
    pub fn admins(&self) -> PostgresAdmins {
        PostgresAdmins::of(self.clone())
    }

    async fn query(&self, query: Query, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Failure> {
        self.0.pipelined.query(query, parameters).await
    }

    async fn command(&self, command: Command, parameters: Parameters) -> Result<Vec<Row>, Failure> {
        self.0.locking.query(command, parameters).await
    }

    /// Calls a function and returns its result.
    async fn call<T>(&self, command: Command, parameters: Parameters) -> Result<T, Failure>
    where
        T: for<'row> tokio_postgres::types::FromSql<'row>,
    {
        let rows = self.command(command, parameters).await?;
        Ok(rows.first().ok_or(Failure::Unreadable)?.try_get(0)?)
    }
}

/// Owned parameters of a [`Command`].
macro_rules! parameters {
    ($($value:expr),* $(,)?) => {
        $crate::store::postgres::locking::Parameters::from([$(Box::new($value) as Box<dyn tokio_postgres::types::ToSql + Send + Sync>),*])
    };
}
use parameters;

fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn removed(count: i64) -> usize {
    usize::try_from(count).unwrap_or_default()
}
