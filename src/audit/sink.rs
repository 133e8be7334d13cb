use std::fmt::Debug;

use async_trait::async_trait;

use super::AuditEvent;
use crate::{error::StoreError, token::Subject};

/// Keeps audit events.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not keep audit events",
    label = "it must implement `AuditSink`, or be an `Arc` of a type that does",
    note = "write `#[async_trait] impl AuditSink for {Self}`; the attribute is `commerce_auth::async_trait`",
    note = "ready-made sinks are `MemoryAudit`, `SqliteAudit` (feature `sqlite`), `PostgresAudit` (feature `postgres`), `JsonLinesAudit` (feature `json-lines`) and `TracingAudit` (feature `tracing`)"
)]
pub trait AuditSink: Debug + Send + Sync + 'static {
    /// Keeps an event. Once it has returned `Ok`, the event is as safe as the sink makes anything.
    ///
    /// It is called from the flows, and from a thread of the crate's own, outside any async runtime: a sink that needs
    /// one keeps a handle to it. The thread calls it for up to 256 events at once, in their order, so that a sink can write
    /// them together. An event may come twice, with the same [`id`](AuditEvent::id), if its first call was
    /// dropped or failed.
    ///
    /// # Security
    ///
    /// To answer `Ok` and lose the event is a vulnerability: somebody is assisted and nobody can tell. To answer `Err`
    /// stops assistance and admin sign-ins, and nothing else.
    ///
    /// # Errors
    ///
    /// When the event could not be kept.
    async fn record(&self, event: &AuditEvent) -> Result<(), StoreError>;

    /// Takes away what tells of a person from where the events are kept, and answers how many events told of them.
    ///
    /// Of a customer's events, and of those that name no subject but an account that one of the customer's own names, go: who,
    /// the account, from where, by which device, the correlation id, and the reason. What was done, when, how it ended
    /// and by which admin user stays. Of an admin user's own events goes the same, but that the subject stays: who worked at
    /// a support desk is no secret of theirs. What they did for a customer is the customer's, and goes with the customer.
    ///
    /// It does not reach copies. Whoever has one and can write there can put back what was erased.
    ///
    /// It finds what was recorded before it was called. Called again, it goes on where an earlier call stopped.
    ///
    /// # Errors
    ///
    /// When the events could not be reached, or the sink cannot take back what it has handed on. Some may be erased then.
    async fn erase(&self, subject: &Subject) -> Result<u64, StoreError>;

    /// Compares the newest signed records with the keys that the sink signs with, for
    /// [`Auth::check_keyring`](crate::Auth::check_keyring). It reads a bounded number of records. A sink that does not sign has
    /// nothing to compare, which is the default. A sink that wraps another one passes the call on.
    ///
    /// # Errors
    ///
    /// When the records could not be read.
    async fn check_signatures(&self) -> Result<SignatureCheck, StoreError> {
        Ok(SignatureCheck::NothingSigned)
    }
}

/// The result of comparing the newest signed records of an audit trail with the keys of its sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureCheck {
    /// No record is signed, or the sink does not sign.
    NothingSigned,
    /// At least one of the newest signed records was signed with a key of the sink.
    Verified,
    /// None of the newest signed records was signed with a key of the sink, or all of them were changed since.
    Unverified,
}

/// The sink hands events on to where it cannot reach them any more.
#[cfg(any(feature = "json-lines", feature = "tracing"))]
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0} cannot erase what it has recorded: that must be done where its events are kept")]
pub(super) struct CannotErase(pub(super) &'static str);
