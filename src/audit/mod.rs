//! The audit trail: what happened, to whom, by whom, from where, and why it was refused.
//!
//! A flow tells of itself as an [`AuditEvent`]; an [`AuditSink`] keeps it. What an admin user is involved in is kept
//! before the flow goes on: nothing is issued and no one-time code is spent unless an event that says
//! [`Outcome::Begun`] is kept. What the host does, and what changes a customer's password or consent or ends all of a
//! customer's tokens, is kept before the caller gets the answer. There a sink that fails changes no answer.
//!
//! All else goes through a bounded queue, so that a slow sink delays no sign-in. What anybody can cause, such as a refused
//! sign-in, takes at most half of the queue. Beyond it, the refusals of one source are summed up: one event says how many
//! ([`AuditEvent::summed_up`]). So a flood costs no record of a customer who signs in.
//! [`Auth::audit_stats`](crate::Auth::audit_stats) counts what became of the events.
//!
//! Ready-made: [`MemoryAudit`]; the tables of the SQLite and PostgreSQL stores, `SqliteAudit` and `PostgresAudit`; with the
//! feature `json-lines` a file, `JsonLinesAudit`; and, with the feature `tracing`, `TracingAudit`. A host names its sink with
//! [`AuthBuilder::audit`](crate::AuthBuilder::audit). Without one, nothing is recorded.
//!
//! What tells of a person can be taken out of a trail: [`AuditSink::erase`].
//!
//! # The chain
//!
//! With a [`Keyring`](crate::Keyring), each record of the two tables is signed together with its place and the link of the one
//! before it. A `Verifier` finds any signed record that was changed, put in, moved or taken away by whoever has no key, and an
//! end that was cut off before the last `Checkpoint` that was kept elsewhere. A record is in two parts, so that erasing leaves
//! the chain whole: the signed one holds the digest of the personal one. The guide in [`store`](crate::store) says what this
//! proves, what it does not, how a trail is pruned, and what it costs.

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
pub use event::{Action, AuditEvent, Outcome, Refusal};
#[cfg(feature = "json-lines")]
pub use json_lines::JsonLinesAudit;
pub use memory::MemoryAudit;
pub use sink::{AuditSink, SignatureCheck};
#[cfg(feature = "tracing")]
pub use tracing::TracingAudit;
pub use trail::AuditStats;
pub(crate) use trail::Trail;
