//! The embedded durable backend: everything in one SQLite file.
//!
//! For one machine: a shop of one process, or of a few that share the file. The engine is built in.
//!
//! ```
//! use commerce_auth::{Auth, KeyId, Keyring, SqliteStore};
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
//! Everything that the traits ask for, exactly, whatever the number of threads, stores and processes on the file.
//!
//! A write is acknowledged once it is on the disk (write-ahead log, `synchronous=FULL`): neither the end of the process nor
//! a loss of power undoes it, as long as the disk keeps what it says it has kept. Writes queue for one thread, which takes
//! whatever waits into one transaction; look-ups run where they are called, over a few connections of their own, and are
//! never held up by a write. No async runtime is needed.
//!
//! A second process on the same file sees what the first has committed. They take turns to write: whoever finds the file
//! locked for longer than the [timeout](SqliteOptions::timeout) gets an error. The file must be on a local disk: the
//! locks of network file systems do not hold.
//!
//! # Housekeeping
//!
//! Call [`Auth::purge`](crate::Auth::purge) from a timer, or the file grows. The room of what was removed is used again.
//! What `revoke_everything` has ended goes once it would have expired, and among the tokens are counted the marks that kept
//! revoked ones from being stored.
//! Back it up with `VACUUM INTO` or SQLite's online backup, never by copying the file alone: what is newest is in the
//! write-ahead log beside it. A file that is made can be read by its owner alone (on Unix).
//!
//! The file carries the version of its tables. A release refuses a newer file.

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
/// Cheap to clone; clones share the connections. With the last clone the file is closed, after what is queued is written.
#[derive(Clone, Debug)]
pub struct SqliteStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    readers: Readers,
    writer: Writer,
}

impl SqliteStore {
    /// Opens the file, or makes it, with the options' defaults.
    ///
    /// # Errors
    ///
    /// See [`SqliteOptions::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        SqliteOptions::new(path).open()
    }

    /// The ready-made customer table in the same file.
    #[must_use]
    pub fn customers(&self) -> SqliteCustomers {
        SqliteCustomers::of(self.clone())
    }

    /// The ready-made admin user table in the same file.
    #[must_use]
    pub fn admins(&self) -> SqliteAdmins {
        SqliteAdmins::of(self.clone())
    }
}

/// The answer, if it comes in time.
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
