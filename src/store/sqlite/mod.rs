//! The embedded durable backend. It keeps tokens, documents, the audit trail and the account tables
//! in one SQLite file.
//!
//! Use this backend for a shop on one machine, with one process or a few processes that share the
//! file. The SQLite engine is built in, so you need not install SQLite.
//!
//! ```
//! use commerce_auth::{
//!     Auth,
//!     keyring::{KeyId, Keyring},
//!     store::sqlite::SqliteStore,
//! };
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("auth.db");
//! # let secret = [7; 32];
//! let store = SqliteStore::open(path)?;
//! let keyring = Keyring::new(KeyId(1), secret)?;
//! let auth = Auth::builder(store.clone())
//!     .customers(store.customers())
//!     .admins(store.admins())
//!     .audit(store.audit(Some(&keyring)))
//!     .without_notifier() // or `.notifier(..)`, which mails password resets
//!     .keyring(keyring)
//!     .build()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it promises
//!
//! This backend keeps the rules of the [storage traits](crate::store), also if many threads, stores
//! and processes use the same file.
//!
//! A call that writes returns when the write is on the disk (write-ahead log, `synchronous=FULL`).
//! If the call succeeded, then the write survives a crash of the process. It also survives a loss
//! of power, if the disk keeps the data that it has confirmed.
//!
//! Writes wait in a queue for one thread, which puts the queued writes into one transaction.
//! Look-ups run on the caller's thread. They use connections that do not write, so a look-up does
//! not wait for a write. You need no async runtime.
//!
//! Each process that uses the file sees everything that the other processes have committed. Only
//! one process writes at a time, and the other processes wait. If a caller waits for longer than
//! the [timeout](SqliteOptions::timeout), then it gets an error. The file must be on a local disk,
//! because file locks are not reliable on network file systems.
//!
//! # Housekeeping
//!
//! Call [`Auth::purge`](crate::Auth::purge) from a timer. Otherwise the file grows without limit.
//! SQLite reuses the space of removed records. After a revoke of all tokens of the shop, the grants
//! of these tokens stay in the file. A purge removes each of them only after its original expiry.
//! The count of removed tokens that a purge returns includes bars. A bar is a record of the id of a
//! revoked grant. Until the bar ends, the store refuses to insert a grant with this id.
//!
//! Back up the file with `VACUUM INTO` or with SQLite's online backup. Do not copy the file: the
//! newest data is in a second file, the write-ahead log, so a copy would lack this data. On Unix,
//! the library creates the file with permissions for the user of the process only (mode 600).
//!
//! The file holds the version of its tables. An older release of this library refuses to open a
//! file whose tables a newer release has changed.

mod accounts;
mod audit;
mod failure;
mod open;
mod readers;
mod state;
mod tokens;
mod writer;

pub use accounts::{SqliteAdmins, SqliteCustomers};
pub use audit::SqliteAudit;
pub use open::SqliteOptions;

use std::{path::Path, sync::Arc, time::Duration};

use futures_lite::future;
use futures_timer::Delay;

use super::OpenError;
use failure::Failure;
use readers::Readers;
use writer::Writer;

/// A store that keeps tokens, documents, the audit trail and the account tables in one SQLite file.
///
/// Clones are cheap and share the connections. When the last clone is dropped, the store commits
/// the queued writes and closes the file.
#[derive(Clone, Debug)]
pub struct SqliteStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    readers: Readers,
    writer: Writer,
}

impl SqliteStore {
    /// Opens or creates the file with the default options.
    ///
    /// # Errors
    ///
    /// See [`SqliteOptions::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        SqliteOptions::new(path).open()
    }

    /// Returns the ready-made customer table in the file of this store.
    #[must_use]
    pub fn customers(&self) -> SqliteCustomers {
        SqliteCustomers::of(self.clone())
    }

    /// Returns the ready-made admin user table in the file of this store.
    #[must_use]
    pub fn admins(&self) -> SqliteAdmins {
        SqliteAdmins::of(self.clone())
    }
}

/// Waits for the future, and returns its result. If the future is not ready within the timeout,
/// returns an error.
async fn within<T>(
    timeout: Duration,
    answer: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let late = async {
        Delay::new(timeout).await;
        Err(Failure::TimedOut)
    };
    future::or(answer, late).await
}
