//! The backend that keeps tokens, documents, the audit trail and the account tables in a PostgreSQL
//! database. Use it for a shop of many nodes, or for a shop that has a PostgreSQL server already.
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
//! This backend keeps the rules of the [storage traits](crate::store), also if many nodes use the
//! same database. Connect all nodes to the primary server: the store refuses a read-only server. If
//! the server's setting `fsync` is on, then an acknowledged write survives a crash of the server.
//! If there is a synchronous standby, then the write also survives a failover to this standby.
//!
//! A verb usually takes one round trip. Look-ups, such as the verification of a token, share a few
//! pipelined connections. Statements that may wait for a lock do not use these connections, so that
//! a lock does not delay a verification. The store opens connections when it needs them, also after
//! the server was down. A request to the server takes at most the
//! [timeout](PostgresOptions::timeout). A verb that needs two requests can take twice this time,
//! for example a commit after a deadlock.
//!
//! Connect the store in a tokio runtime. This runtime then drives the connections of the store. You
//! can call the store from any thread, but after the runtime has ended, each call returns an error.
//!
//! # Housekeeping
//!
//! Call [`Auth::purge`](crate::Auth::purge) from a timer, on one node or on all nodes. One purge
//! removes a limited number of expired records. If nodes purge at the same time, then each skips
//! the database rows that the other nodes have locked, so the nodes do not wait for each other.
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

/// A store that keeps tokens, documents, the audit trail and the account tables in a PostgreSQL
/// database.
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

    /// Returns the ready-made customer table in the database schema of this store.
    #[must_use]
    pub fn customers(&self) -> PostgresCustomers {
        PostgresCustomers::of(self.clone())
    }

    /// Returns the ready-made admin user table in the database schema of this store.
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

    /// Runs a command whose result is one value, such as the call of a function of the database
    /// schema. Returns this value.
    async fn call<T>(&self, command: Command, parameters: Parameters) -> Result<T, Failure>
    where
        T: for<'row> tokio_postgres::types::FromSql<'row>,
    {
        let rows = self.command(command, parameters).await?;
        Ok(rows.first().ok_or(Failure::Unreadable)?.try_get(0)?)
    }
}

/// Boxes values as the owned parameters of a [`Command`].
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
