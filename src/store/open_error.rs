#[cfg(any(feature = "postgres", feature = "redis"))]
use time::OffsetDateTime;

#[cfg(any(feature = "postgres", feature = "redis"))]
use crate::clock::{SKEW, difference};
use crate::error::StoreError;

/// Why a backend could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The address or an option is not one this backend understands; it says which.
    #[error("{0}")]
    Invalid(&'static str),
    /// The server, or the file, could not be asked.
    #[error(transparent)]
    Unavailable(#[from] StoreError),
    /// A newer release has been here, and has changed the tables. This one would not know what it reads.
    #[error("the tables are of version {found}, and this release knows them up to version {known}")]
    NewerSchema {
        /// The version that was found.
        found: u32,
        /// The newest version this release knows.
        known: u32,
    },
    /// The tables are not there, or not up to date, and this node was told not to make them.
    #[error("the tables are of version {found}, and this release needs version {needed}")]
    NotMigrated {
        /// The version that was found; 0 if there are none.
        found: u32,
        /// The version that is needed.
        needed: u32,
    },
    /// The server, its database, or a pooler before it is set up in a way that would make the store fail later, or its
    /// clock and the machine's are more than 30 s apart; says how, and what to do.
    #[error("{0}")]
    Unsuitable(String),
    /// The server's user may not do what is needed; it says what.
    #[error("the user of the store may not {what}")]
    NotPermitted {
        /// What is not permitted.
        what: &'static str,
        /// What the server said.
        source: StoreError,
    },
    /// The server forgets what it holds when its memory is full: credentials that were spent, failures that were counted.
    #[error("the server may evict what it holds: its maxmemory-policy is {policy}, and must be noeviction")]
    MayEvict {
        /// The server's policy.
        policy: String,
    },
}

#[cfg(any(feature = "postgres", feature = "redis"))]
impl OpenError {
    /// Refuses a server whose clock differs from the machine's. All nodes compare theirs with the same server, so a node
    /// whose clock is wrong is noticed before it shortens what the others count. The server read its clock between `sent`
    /// and `received`.
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
            "the clocks of this machine and of the server are {} s apart, and may be {} s apart: synchronise both (NTP)",
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
