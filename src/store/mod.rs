//! Storage of tokens and documents.
//!
//! A [`Store`] has two parts: a [`TokenStore`] for bearer tokens, and a [`StateStore`] for
//! versioned documents. The library defines the content of the documents, for example attempt
//! budgets, one-time credentials, second factors and the ledger of assistance.
//!
//! [`memory`] keeps tokens and documents in the memory of this process. Each of the features
//! `sqlite`, `postgres` and `redis` adds a durable backend. By default, the library stores one-time
//! credentials as documents. Instead, a host can supply its own [`OtcStore`], which then keeps the
//! one-time credentials.
//!
//! # Rules of a storage verb
//!
//! - Each verb is one atomic operation of the store. If the library replaces a document that an
//!   earlier call has read, then the commit compares the version: another node may have changed the
//!   document between the two calls.
//! - The library passes the current time to each verb that needs it. A record is expired from the
//!   instant `expires_at` on. The backend compares `expires_at` with the time that the library
//!   passed, and not with the clock of the backend. Some engines, such as Redis, remove expired
//!   records by their own clock. Such a removal only frees space: it does not decide if a record is
//!   expired.
//! - `Err` means that the backend request failed. The error holds the error of the database driver.
//!   A missing record is not an error: the verb then returns a value, such as `None`. If a verb
//!   failed, or if its future was dropped, then the verb may still have changed the store.
//! - No verb has a default body. So if a backend does not implement a verb, then the compiler
//!   reports this verb.
//!
//! The documentation of a verb says which mistakes in a backend are vulnerabilities. Other mistakes
//! only cost speed or space, or make a user sign in again. To test your own backend, run the test
//! suite of the `conformance` feature.
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
