//! The audit trail: each action, its subject, its actor, its origin, and the reason for a refusal.
//!
//! An operation of the library reports its action as an [`AuditEvent`], and an [`AuditSink`] stores
//! the event. An event reaches the sink in one of three ways:
//!
//! - **Before the act.** An act that issues or changes a credential of an admin user, or begins an
//!   assistance, is recorded before it is done. The event has [`Outcome::Begun`]. If the sink
//!   fails, then the act is refused: no token is issued and no one-time code is spent.
//! - **Before the caller gets the result.** In this way, other acts of admin users and of the host
//!   are recorded. A change of a customer's password, e-mail address or consent, and the end of all
//!   of a customer's tokens, are also recorded in this way. Refusals because of a spent budget are
//!   not: they go through the queue. If the sink fails, then the caller of a successful act still
//!   gets the success.
//! - **Through a bounded queue.** In this way, all other events are recorded, for example a
//!   customer's sign-in. A slow sink therefore delays no sign-in of a customer.
//!
//! Events that anybody can cause, such as refused sign-ins, take at most half of the queue. If this
//! half is full, then further such events with the same source, action and outcome are summed up in
//! one event. This event has their count ([`AuditEvent::summed_up`]). The rest of the queue stays
//! free for events that not everybody can cause, such as a customer's successful sign-in.
//! [`Auth::audit_stats`](crate::Auth::audit_stats) counts stored, waiting, summed and lost events.
//!
//! The crate has these sinks:
//!
//! - [`MemoryAudit`];
//! - the tables of the SQLite and PostgreSQL stores, `SqliteAudit` and `PostgresAudit`;
//! - with the feature `json-lines`, a file: `JsonLinesAudit`;
//! - with the feature `tracing`, `TracingAudit`.
//!
//! Set the sink with [`AuthBuilder::audit`](crate::AuthBuilder::audit). Without a sink, no event is
//! recorded.
//!
//! [`AuditSink::erase`] removes the personal data of a customer or an admin user from a trail.
//!
//! # The chain
//!
//! With a [`Keyring`](crate::keyring::Keyring), `SqliteAudit` and `PostgresAudit` sign their
//! records. The signature of a record is called its link. A link covers the record's position, the
//! signed part of the record, and the link of the previous record. The records are therefore a
//! chain.
//!
//! If an attacker without a secret key changes, inserts, moves or removes a signed record, then a
//! `Verifier` detects this. There is one exception: to detect that the newest records were removed,
//! the `Verifier` needs a `Checkpoint` that was kept outside the database.
//!
//! A record of the audit trail has a signed part and a personal part. The signed part holds the
//! digest of the personal part, and not the personal data. So the chain can still be verified after
//! a personal part was erased.
//!
//! The rest of this page explains what the chain proves and what it does not prove, how to prune a
//! trail, and what the chain costs.
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
