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
    /// Keeps an event. `Ok` means that the event is as durable as the sink can make it.
    ///
    /// The flows call it, and a thread of the crate calls it outside any async runtime. A sink that
    /// needs a runtime keeps a handle to it. The thread makes up to 256 calls at once, in the order
    /// of the events, so that a sink can write the events together. An event may come twice, with
    /// the same [`id`](AuditEvent::id), if its first call was dropped or failed.
    ///
    /// # Security
    ///
    /// Returning `Ok` and losing the event is a vulnerability: an assistance would leave no trace.
    /// Returning `Err` stops assistance, the sign-ins of admin users, and changes of their
    /// passwords and second factors. It also turns refusals of admin users into "unavailable".
    /// Customers can still sign in.
    ///
    /// # Errors
    ///
    /// If the event could not be kept.
    async fn record(&self, event: &AuditEvent) -> Result<(), StoreError>;

    /// Erases the personal data of a subject from the kept events, and returns the number of
    /// affected events.
    ///
    /// If the subject is a customer, then it covers the customer's events, and events without a
    /// subject whose account one of the customer's events names. It erases the subject, the
    /// account, the source, the user agent, the correlation id and the reason. The action, the
    /// time, the outcome and the admin user stay.
    ///
    /// If the subject is an admin user, then the same data of the admin user's own events is
    /// erased, except the subject. Events of an assistance belong to the customer, and are erased
    /// with the customer.
    ///
    /// The call does not erase copies of the trail. An attacker who has a copy and can write to the
    /// trail can restore the erased data.
    ///
    /// The call covers the events that were recorded before it. A repeated call continues where an
    /// earlier call stopped.
    ///
    /// # Errors
    ///
    /// If the events could not be reached, or if the sink has handed the events on and cannot erase
    /// them. Some events may already be erased.
    async fn erase(&self, subject: &Subject) -> Result<u64, StoreError>;

    /// Compares the newest signed records with the keys of the sink, for
    /// [`Auth::check_keyring`](crate::Auth::check_keyring).
    ///
    /// The method reads a bounded number of records. The default is for a sink that does not sign:
    /// it returns [`SignatureCheck::NothingSigned`]. A sink that wraps another sink must pass the
    /// call on.
    ///
    /// # Errors
    ///
    /// If the records could not be read.
    async fn check_signatures(&self) -> Result<SignatureCheck, StoreError> {
        Ok(SignatureCheck::NothingSigned)
    }
}

/// The result of comparing the newest signed records of an audit trail with the keys of its sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureCheck {
    /// No record is signed, or the sink does not sign. Also returned if nothing could be compared,
    /// because the record before the only signed record was pruned.
    NothingSigned,
    /// At least one of the newest signed records was signed with a key of the sink.
    Verified,
    /// None of the newest signed records was signed with a key of the sink, or all of them were
    /// changed afterwards.
    Unverified,
}

/// The sink has handed the events on and cannot erase them.
#[cfg(any(feature = "json-lines", feature = "tracing"))]
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0} cannot erase recorded events: erase them where they are kept")]
pub(super) struct CannotErase(pub(super) &'static str);
