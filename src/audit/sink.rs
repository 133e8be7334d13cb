use std::fmt::Debug;

use async_trait::async_trait;

use super::AuditEvent;
use crate::{error::StoreError, token::Subject};

/// A sink for audit events: it stores them, for example in a file or a database.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not keep audit events",
    label = "it must implement `AuditSink`, or be an `Arc` of a type that does",
    note = "write `#[async_trait] impl AuditSink for {Self}`; the attribute is `commerce_auth::async_trait`",
    note = "ready-made sinks are `MemoryAudit`, `SqliteAudit` (feature `sqlite`), `PostgresAudit` (feature `postgres`), `JsonLinesAudit` (feature `json-lines`) and `TracingAudit` (feature `tracing`)"
)]
pub trait AuditSink: Debug + Send + Sync + 'static {
    /// Stores an event. If the method returns `Ok`, then the event is as durable as the sink can
    /// make it.
    ///
    /// Two kinds of caller use this method: the operations of [`Auth`](crate::Auth), and a thread
    /// of the crate that runs outside any async runtime. If your sink needs an async runtime, then
    /// the sink must keep a handle to this runtime. The thread makes up to 256 calls at once, in
    /// the order of the events, so that a sink can write the events together. If a call was dropped
    /// or failed, then a sink may get the same event again, with the same [`id`](AuditEvent::id).
    ///
    /// # Security
    ///
    /// If the sink returns `Ok` and then loses the event, this is a vulnerability, because an
    /// assistance could leave no trace. If the sink returns `Err`, then these requests fail:
    ///
    /// - the beginning of an assistance;
    /// - the sign-ins of admin users;
    /// - changes of admin users' passwords and second factors.
    ///
    /// If the sink returns `Err`, then refused requests of admin users also fail as "unavailable".
    /// Customers can still sign in.
    ///
    /// # Errors
    ///
    /// If the event could not be stored.
    async fn record(&self, event: &AuditEvent) -> Result<(), StoreError>;

    /// Erases the personal data of a subject from the stored events. Returns the number of events
    /// that were changed.
    ///
    /// If the subject is a customer, then the call covers the events whose subject is this
    /// customer. It also covers an event without a subject if one of the customer's events has the
    /// same account. The call erases the subject, the account, the IP address, the user agent, the
    /// correlation id and the reason. The action, the time, the outcome and the admin user stay.
    ///
    /// If the subject is an admin user, then the call covers the events about the admin user's own
    /// account. It erases the account, the IP address, the user agent, the correlation id and the
    /// reason. The subject stays. Events of an assistance belong to the customer, and are erased
    /// with the customer.
    ///
    /// The call does not erase copies of the trail, for example backups. An attacker who has such a
    /// copy and can write to the trail can restore the erased data.
    ///
    /// The call covers only events that were recorded before the call. If a call failed or was
    /// dropped, then some events may not be erased, so call the method again. The repeated call
    /// erases the remaining events.
    ///
    /// # Errors
    ///
    /// If the sink cannot reach the events, or if it has passed the events on to a system in which
    /// it cannot erase them. Some events may already be erased when the call fails.
    async fn erase(&self, subject: &Subject) -> Result<u64, StoreError>;

    /// Checks if one of the newest signed records was signed with a key of the sink's keyring.
    /// [`Auth::check_keyring`](crate::Auth::check_keyring) calls this method.
    ///
    /// The method reads only a few of the newest records. The default implementation is for a sink
    /// that does not sign: it returns [`SignatureCheck::NothingSigned`]. If your sink wraps a
    /// second sink, then it must call this method of the wrapped sink.
    ///
    /// # Errors
    ///
    /// If the records could not be read.
    async fn check_signatures(&self) -> Result<SignatureCheck, StoreError> {
        Ok(SignatureCheck::NothingSigned)
    }
}

/// The result of [`AuditSink::check_signatures`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureCheck {
    /// None of the newest records is signed, or the sink does not sign. This is also the result if
    /// the only signed record cannot be verified, because the record before it was pruned.
    NothingSigned,
    /// At least one of the newest signed records was signed with a key of the sink's keyring.
    Verified,
    /// No key of the sink's keyring verifies any of the newest signed records. The records were
    /// signed with keys that are not in the keyring, or all of them were changed afterwards.
    Unverified,
}

/// The error of a sink that has passed the events on to a file or a subscriber, and cannot erase
/// them there.
#[cfg(any(feature = "json-lines", feature = "tracing"))]
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0} cannot erase recorded events: erase them where they are kept")]
pub(super) struct CannotErase(pub(super) &'static str);
