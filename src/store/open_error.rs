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
    /// The server, its database, or a pooler before it is set up in a way that would make the store fail later; says how,
    /// and what to do.
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
