//! Where tokens and documents are kept.
//!
//! [`Store`] is what a backend keeps: a [`TokenStore`] for bearer tokens, and a [`StateStore`] for versioned
//! documents, whose meaning the library owns: attempt budgets, one-time credentials, second factors and the
//! ledger of assistance. [`memory`] keeps them in this process; with the features of their names, `sqlite`,
//! `postgres` and `redis` keep them for good. A host may put an [`OtcStore`] of its own in the place of the
//! documents of one-time credentials.
//!
//! # Rules of a storage verb
//!
//! - One verb is one atomic operation in the store. Nothing a flow relies on is read in one call and written
//!   in the next.
//! - Verbs are handed the time. A record is compared with it and is expired *at* its `expires_at`; an
//!   engine's own expiry only sweeps.
//! - `Err` means that the store could not be asked, and carries the driver's error as its source. "Not there"
//!   is a value. A call that was dropped or that failed may have taken effect.
//! - No verb has a default body.
//!
//! The documentation of each verb says which failure is a vulnerability and which only costs speed. A backend
//! of your own shows that it keeps the rules by passing the suite of the `conformance` feature.
#![cfg_attr(
    all(feature = "postgres", feature = "redis", feature = "sqlite"),
    doc = concat!("\n", include_str!("../../docs/backends.md"))
)]

#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod audit_table;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod columns;
pub mod memory;
#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite"))]
mod open_error;
mod otc;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod state;
mod token;

#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite"))]
pub use open_error::OpenError;
pub use otc::{Offer, OneTimeCredential, OtcStore, Peek, Presented, Purpose, Purposes, Spent, Take};
pub use state::{
    Change, Changes, ChangesError, CommitOutcome, Document, DocumentId, Index, IndexEntry, Key, Listed, Name,
    NameError, Partition, Position, Put, StateStore, Version,
};
pub use token::{Generation, GenerationId, Insert, TokenStore};

/// Everything a backend keeps, in one value. Every type that implements both traits is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store",
    label = "it must implement `TokenStore` and `StateStore`, or be an `Arc` of a type that does",
    note = "every type that implements `TokenStore` and `StateStore` is a `Store`",
    note = "ready-made stores are `MemoryStore`, `SqliteStore` (feature `sqlite`), `PostgresStore` (feature `postgres`) and `RedisStore` (feature `redis`)"
)]
pub trait Store: TokenStore + StateStore {}

impl<S: TokenStore + StateStore> Store for S {}
