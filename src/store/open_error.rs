#[cfg(any(feature = "postgres", feature = "redis"))]
use time::OffsetDateTime;

#[cfg(any(feature = "postgres", feature = "redis"))]
use crate::clock::{SKEW, difference};
use crate::error::StoreError;

/// A backend could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The address or an option is not valid, or leads to the wrong kind of server or file, such as
    /// a Redis replica. The message says which.
    #[error("{0}")]
    Invalid(&'static str),
    /// The server or the file could not be reached.
    #[error(transparent)]
    Unavailable(#[from] StoreError),
    /// A newer release has changed the tables, and this release cannot read them.
    #[error("the tables have version {found}, and this release supports up to version {known}")]
    NewerSchema {
        /// The version that was found.
        found: u32,
        /// The newest version this release knows.
        known: u32,
    },
    /// The tables are missing or outdated, and this node was configured not to create them.
    #[error("the tables have version {found}, and this release needs version {needed}")]
    NotMigrated {
        /// The version that was found; 0 if there are none.
        found: u32,
        /// The version that is needed.
        needed: u32,
    },
    /// The server, its database or a pooler has a setting that would make the store fail later. Or
    /// the server's clock and the machine's clock are more than 30 s apart. The message says what
    /// is wrong and what to do.
    #[error("{0}")]
    Unsuitable(String),
    /// The server's user lacks a right, or this process may not write to the file. The message
    /// names the operation.
    #[error("the user of the store may not {what}")]
    NotPermitted {
        /// The forbidden operation.
        what: &'static str,
        /// The error of the server, or of the file.
        source: StoreError,
    },
    /// The server may evict keys when its memory is full. It would then forget spent credentials
    /// and counted failures.
    #[error("the server may evict keys: maxmemory-policy is {policy} and must be noeviction")]
    MayEvict {
        /// The server's policy.
        policy: String,
    },
}

#[cfg(any(feature = "postgres", feature = "redis"))]
impl OpenError {
    /// Refuses a server whose clock differs from the machine's clock.
    ///
    /// A node whose clock is wrong would shorten the locks that other nodes began. All nodes
    /// compare their clocks with the same server, so this check refuses such a node. The server
    /// read its clock between the machine's times `sent` and `received`.
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
