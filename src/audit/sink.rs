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
    /// of the crate that runs outside any async runtime. If your sink needs a runtime, then it must
    /// keep a handle to the runtime. The thread makes up to 256 calls at once, in the order of the
    /// events, so that a sink can write the events together. If a call was dropped or failed, then
    /// the same event may come again, with the same [`id`](AuditEvent::id).
    ///
    /// # Security
    ///
    /// If the sink returns `Ok` and loses the event, this is a vulnerability, because an assistance
    /// would leave no trace. If the sink returns `Err`, the following requests fail:
    ///
    /// - the beginning of an assistance;
    /// - the sign-ins of admin users;
    /// - changes of admin users' passwords and second factors.
    ///
    /// Requests of admin users that would be refused fail as "unavailable". Customers can still
    /// sign in.
    ///
    /// # Errors
    ///
    /// If the event could not be stored.
    async fn record(&self, event: &AuditEvent) -> Result<(), StoreError>;

    /// Erases the personal data of a subject from the stored events. Returns the number of events
    /// that were changed.
    ///
    /// If the subject is a customer, then the call covers all events of the customer. It also
    /// covers an event without a subject if the account of this event is named in one of the
    /// customer's events. The call erases the subject, the account, the IP address, the user agent,
    /// the correlation id and the reason. The action, the time, the outcome and the admin user
    /// stay.
    ///
    /// If the subject is an admin user, then the call covers the events about the admin user's own
    /// account. It erases the same data, except the subject. Events of an assistance are events of
    /// the customer, and are erased with the customer.
    ///
    /// The call does not erase copies of the trail. An attacker who has a copy and can write to the
    /// trail can restore the erased data.
    ///
    /// The call covers only events that were recorded before the call. If an earlier call stopped
    /// in the middle, then a repeated call continues there.
    ///
    /// # Errors
    ///
    /// If the sink cannot reach the events, or if it has passed the events on to another system and
    /// cannot erase them there. Some events may already be erased.
    async fn erase(&self, subject: &Subject) -> Result<u64, StoreError>;

    /// Checks if one of the newest signed records was signed with a key of the sink's keyring.
    /// [`Auth::check_keyring`](crate::Auth::check_keyring) calls this method.
    ///
    /// The method reads a limited number of records. The default implementation is for a sink that
    /// does not sign: it returns [`SignatureCheck::NothingSigned`]. If your sink wraps another
    /// sink, then it must call this method of the other sink.
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
    /// No record is signed, or the sink does not sign. This is also the result if the only signed
    /// record cannot be verified because the record before it was pruned.
    NothingSigned,
    /// At least one of the newest signed records was signed with a key of the sink's keyring.
    Verified,
    /// No key of the sink's keyring verifies any of the newest signed records. They were signed
    /// with other keys, or all of them were changed afterwards.
    Unverified,
}

/// The error of a sink that has passed the events on to another system and cannot erase them there.
#[cfg(any(feature = "json-lines", feature = "tracing"))]
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0} cannot erase recorded events: erase them where they are kept")]
pub(super) struct CannotErase(pub(super) &'static str);
