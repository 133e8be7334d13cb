//! Where tokens, documents, one-time credentials and the ledger of assistance are kept.
//!
//! Four traits, one for each: [`TokenStore`], [`StateStore`], [`OtcStore`], [`LedgerStore`]. [`Store`] is all of them in one value, with its [`AuditSink`], if it has one. [`memory`]
//! keeps them in this process; with the features of their names, `sqlite`, `postgres` and `redis` keep them
//! for good.
//!
//! [`StateStore`] keeps versioned documents whose meaning the library owns, such as the attempt budgets of an
//! account and the second factors of admin users. It will take the place of all of them but [`TokenStore`].
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
mod columns;
mod ledger;
pub mod memory;
pub(crate) mod micros;
#[allow(dead_code, unreachable_pub, reason = "it takes the place of `otc`; no flow uses it yet")]
pub(crate) mod one_time;
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

pub use ledger::{AssistanceEnd, AssistanceEntry, LedgerStore};
#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite"))]
pub use open_error::OpenError;
pub use otc::{OneTimeCredential, OtcStore, Presented, Purpose, Purposes, Take};
pub use state::{
    Change, Changes, ChangesError, CommitOutcome, Document, DocumentId, Index, IndexEntry, Key, Listed, Name,
    NameError, Partition, Position, Put, StateStore, Version,
};
pub use token::{Generation, GenerationId, Insert, TokenStore};

use std::sync::Arc;

use crate::{audit::AuditSink, keyring::Keyring};

/// Everything a backend keeps, in one value.
pub trait Store: TokenStore + StateStore + OtcStore + LedgerStore {
    /// Where the backend keeps the audit trail, signed by the keyring if it can sign and there is one; none for a backend
    /// that keeps none. A shop with admin users then names another one: [`AuthBuilder::audit`](crate::AuthBuilder::audit).
    fn audit_sink(&self, keyring: Option<&Keyring>) -> Option<Arc<dyn AuditSink>>;
}

impl<S: Store + ?Sized> Store for Arc<S> {
    fn audit_sink(&self, keyring: Option<&Keyring>) -> Option<Arc<dyn AuditSink>> {
        (**self).audit_sink(keyring)
    }
}
