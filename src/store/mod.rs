//! Storage of tokens and documents.
//!
//! A [`Store`] has two parts: a [`TokenStore`] for bearer tokens, and a [`StateStore`] for
//! versioned documents. The library defines the content of the documents: attempt budgets, one-time
//! credentials, second factors and the ledger of assistance.
//!
//! [`memory`] keeps tokens and documents in the memory of this process. The features `sqlite`,
//! `postgres` and `redis` add the durable backends of these names. By default, one-time credentials
//! are documents. A host can supply a separate [`OtcStore`] for them.
//!
//! # Rules of a storage verb
//!
//! - Each verb is one atomic operation of the store. No flow depends on a value that one call read
//!   and a later call writes.
//! - The library passes the time to each verb. A record is expired *at* its `expires_at`, compared
//!   with that time. The engine's own expiry only frees space.
//! - `Err` means that the backend request failed, and carries the driver's error as its source. A
//!   missing record is a value and not an error. A call that failed or was dropped may have taken
//!   effect.
//! - No verb has a default body, so the compiler reports a missing one.
//!
//! The documentation of each verb says which mistakes of a backend are vulnerabilities, and which
//! only cost speed or space. Run the suite of the `conformance` feature to test your own backend.
#![cfg_attr(
    all(feature = "postgres", feature = "redis", feature = "sqlite"),
    doc = concat!("\n", include_str!("../../docs/backends.md")),
    doc = concat!("\n", include_str!("../../docs/guarantees.md")),
    doc = concat!("\n", include_str!("../../docs/clocks.md")),
    doc = concat!("\n", include_str!("../../docs/tables.md")),
    doc = concat!("\n", include_str!("../../docs/sqlite.md"))
)]

#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod audit_table;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod columns;
pub mod memory;
#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite"))]
mod open_error;
pub(crate) mod otc;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub(crate) mod state;
pub(crate) mod token;
pub(crate) mod whole;

#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite"))]
pub use open_error::OpenError;
pub(crate) use otc::OtcStore;
pub use otc::{Offer, OneTimeCredential, Peek, Presented, Purpose, Purposes, Spent, Take};
pub(crate) use state::StateStore;
pub use state::{
    Change, Changes, ChangesError, CommitOutcome, Document, DocumentId, Index, IndexEntry, Key, Listed, Name,
    NameError, Partition, Position, Put, Version,
};
pub(crate) use token::TokenStore;
pub use token::{Generation, GenerationId, Insert};
pub(crate) use whole::Store;
