//! The embedded durable backend. It keeps everything in one SQLite file.
//!
//! It is for a shop on one machine, with one process or a few processes that share the file. The
//! SQLite engine is built in.
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
//! It keeps all the rules of the traits, whatever the number of threads, stores and processes that
//! use the file.
//!
//! A write is acknowledged once it is on the disk (write-ahead log, `synchronous=FULL`). It
//! survives a crash of the process. If the disk keeps what it has acknowledged, then the write also
//! survives a loss of power.
//!
//! Writes queue for one thread, which puts all queued writes into one transaction. Look-ups run on
//! the caller's thread over a few separate connections. A write never delays a look-up. No async
//! runtime is needed.
//!
//! Each process that uses the file sees everything that the others have committed. Processes take
//! turns to write. If the file is locked for longer than the [timeout](SqliteOptions::timeout),
//! then the caller gets an error. The file must be on a local disk, because file locks are not
//! reliable on network file systems.
//!
//! # Housekeeping
//!
//! Call [`Auth::purge`](crate::Auth::purge) from a timer. Otherwise the file grows. SQLite reuses
//! the space of removed records. A purge removes tokens that `revoke_everything` has ended only
//! after their original expiry. The number of removed tokens includes the bars of tokens that were
//! revoked before they were stored.
//!
//! Back up the file with `VACUUM INTO` or SQLite's online backup. A copy of the file alone lacks
//! the newest data, which is in the write-ahead log beside it. On Unix, only the owner can read a
//! new file.
//!
//! The file holds the version of its tables. A release refuses a newer file.

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

/// Tokens, documents, the audit trail and account tables in one SQLite file.
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

    /// Returns the ready-made customer table in the same file.
    #[must_use]
    pub fn customers(&self) -> SqliteCustomers {
        SqliteCustomers::of(self.clone())
    }

    /// Returns the ready-made admin user table in the same file.
    #[must_use]
    pub fn admins(&self) -> SqliteAdmins {
        SqliteAdmins::of(self.clone())
    }
}

/// Returns the result of the future, or an error after the timeout.
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
