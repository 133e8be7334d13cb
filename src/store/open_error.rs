#[cfg(any(feature = "postgres", feature = "redis"))]
use time::OffsetDateTime;

#[cfg(any(feature = "postgres", feature = "redis"))]
use crate::clock::{SKEW, difference};
use crate::error::StoreError;

/// A backend could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The host passed a connection URL, a path or an option that is not valid. Or the server or
    /// the file is of the wrong kind, such as a Redis replica. The message names the reason.
    #[error("{0}")]
    Invalid(&'static str),
    /// The server or the file could not be reached.
    #[error(transparent)]
    Unavailable(#[from] StoreError),
    /// A newer release of this library has changed the tables (in Redis: the layout of the Redis
    /// keys). The release that this process uses cannot read the new tables.
    #[error(
        "the tables have version {found}, and this release of commerce-auth supports versions up to {known}"
    )]
    NewerSchema {
        /// The version of the tables that was found.
        found: u32,
        /// The newest version of the tables that the release of this process supports.
        known: u32,
    },
    /// The tables are missing or outdated, and the host has forbidden this node to create or
    /// upgrade them (`PostgresOptions::migrate(false)`).
    #[error("the tables have version {found}, and this release of commerce-auth needs version {needed}")]
    NotMigrated {
        /// The version of the tables that was found. It is 0 if there are no tables.
        found: u32,
        /// The version of the tables that the release of this process needs.
        needed: u32,
    },
    /// The backend was refused now, because the store would fail later. The message says what is
    /// wrong and what to do. There are two possible reasons:
    ///
    /// - The server, the database or a connection pooler has an unsuitable setting.
    /// - The clocks of the server and of this machine are more than 30 s apart.
    #[error("{0}")]
    Unsuitable(String),
    /// The database user lacks a permission, or this process has no permission to write to the
    /// database file. The message names the forbidden operation.
    #[error("the user of the store may not {what}")]
    NotPermitted {
        /// The forbidden operation.
        what: &'static str,
        /// The error of the server, or of the file.
        source: StoreError,
    },
    /// The Redis server is configured to evict keys when its memory is full. The store could then
    /// lose, for example, the marks of spent one-time credentials and the counts of failed
    /// attempts.
    #[error("the server may evict keys: maxmemory-policy is {policy} and must be noeviction")]
    MayEvict {
        /// The server's setting `maxmemory-policy`.
        policy: String,
    },
}

#[cfg(any(feature = "postgres", feature = "redis"))]
impl OpenError {
    /// Returns an error if the clocks of the server and of this machine differ by more than
    /// [`SKEW`].
    ///
    /// If the clock of one node is ahead, then this node would end locks too early that other nodes
    /// began. All nodes compare their clocks with the clock of the same server, so this check finds
    /// a node whose clock differs. `server` is the time that the server returned. `sent` is the
    /// time of this machine before the request to the server, and `received` is its time after the
    /// reply.
    pub(super) fn unless_clocks_agree(
        server: OffsetDateTime,
        sent: OffsetDateTime,
        received: OffsetDateTime,
    ) -> Result<(), Self> {
        let difference = difference(server, sent, received);
        if difference <= SKEW {
            return Ok(());
        }
        Err(Self::Unsuitable(format!(
            "the clocks of this machine and of the server are {} s apart, and may differ by at most {} s: synchronise both (NTP)",
            difference.as_secs(),
            SKEW.as_secs()
        )))
    }
}

#[cfg(all(test, any(feature = "postgres", feature = "redis")))]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_are_far_apart_are_refused() {
        let at = |second| OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(second);
        for server in [-30, -1, 0, 2, 31] {
            let judged = OpenError::unless_clocks_agree(at(server), at(0), at(1));
            assert!(judged.is_ok(), "the server's is {server}: {judged:?}");
        }
        for (server, apart) in [(-31, "31 s apart"), (32, "31 s apart"), (86_401, "86400 s apart")] {
            let refused = OpenError::unless_clocks_agree(at(server), at(0), at(1));
            let Err(OpenError::Unsuitable(why)) = refused else { panic!("{refused:?}") };
            assert!(why.contains(apart) && why.contains("NTP"), "{why}");
        }
    }
}
