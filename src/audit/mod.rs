//! The audit trail: each action, its subject, its actor, its origin, and the reason for a refusal.
//!
//! A flow reports its action as an [`AuditEvent`], and an [`AuditSink`] keeps the event. Events
//! reach the sink in one of three ways:
//!
//! - An act that issues or changes a credential of an admin user or an assistant is recorded before
//!   it is done, as an event with [`Outcome::Begun`]. If the sink fails, then the act is refused:
//!   no token is issued and no one-time code is spent.
//! - Other acts of admin users and of the host are recorded before the caller gets the answer. So
//!   is a change to a customer's password, address or consent, and the end of all of a customer's
//!   tokens. If the sink fails, then a success keeps its answer.
//! - All other events go through a bounded queue, so that a slow sink delays no sign-in.
//!
//! Events that anybody can cause, such as refused sign-ins, take at most half of the queue. Further
//! refusals of one source are summed up in one event, which gives their number
//! ([`AuditEvent::summed_up`]). A flood therefore never displaces the record of a customer who
//! signs in. [`Auth::audit_stats`](crate::Auth::audit_stats) counts kept, waiting, summed and lost
//! events.
//!
//! The crate has these sinks:
//!
//! - [`MemoryAudit`];
//! - the tables of the SQLite and PostgreSQL stores, `SqliteAudit` and `PostgresAudit`;
//! - with the feature `json-lines`, a file: `JsonLinesAudit`;
//! - with the feature `tracing`, `TracingAudit`.
//!
//! A host sets its sink with [`AuthBuilder::audit`](crate::AuthBuilder::audit). Without a sink,
//! nothing is recorded.
//!
//! [`AuditSink::erase`] removes a person's data from a trail.
//!
//! # The chain
//!
//! With a [`Keyring`](crate::keyring::Keyring), `SqliteAudit` and `PostgresAudit` each sign their
//! records as one chain. A signature covers the record's position and the link of the record before
//! it.
//!
//! An attacker without a key cannot change, insert, move or remove a signed record unnoticed by the
//! `Verifier`. The removal of the newest records is an exception. To report it, the `Verifier`
//! needs a `Checkpoint` that was kept elsewhere. A record has two parts. The signed part holds the
//! digest of the personal part, so the chain can still be verified after the personal part was
//! erased.
//!
//! The page below explains what the chain proves and what it does not prove. It also explains how a
//! trail is pruned, and what the chain costs.
#![cfg_attr(
    all(feature = "postgres", feature = "sqlite"),
    doc = concat!("\n", include_str!("../../docs/audit-trail.md"))
)]

mod backlog;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) mod chain;
mod draft;
mod event;
#[cfg(feature = "json-lines")]
mod json_lines;
mod memory;
mod sink;
#[cfg(feature = "tracing")]
mod tracing;
mod trail;

#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use chain::{
    AuditRecord, Checkpoint, CheckpointError, Erasure, Finding, FindingKind, RecordColumns, Report, Verifier,
};
pub(crate) use draft::{Delivery, Draft};
pub use event::{AccountKey, Action, AuditEvent, EventId, EventIdError, Outcome, Refusal};
#[cfg(feature = "json-lines")]
pub use json_lines::JsonLinesAudit;
pub use memory::MemoryAudit;
pub use sink::{AuditSink, SignatureCheck};
#[cfg(feature = "tracing")]
pub use tracing::TracingAudit;
pub use trail::AuditStats;
pub(crate) use trail::Trail;
