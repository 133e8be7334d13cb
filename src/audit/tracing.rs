use async_trait::async_trait;
use tracing::{field, info, warn};

use super::{AuditEvent, AuditSink, Outcome, sink::CannotErase};
use crate::{error::StoreError, token::Subject};

/// An audit sink that emits events to the `tracing` subscriber, under the target
/// `commerce_auth::audit`. Refusals and failures have the level WARN, and all other events have the
/// level INFO. The fields have the names of the event's serialised form.
///
/// A subscriber cannot report to this sink that it failed to store an event. So an assistance can
/// begin although its event was lost. If every assistance must be recorded, use a sink that stores
/// events durably, for example `PostgresAudit`.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs)]
pub struct TracingAudit;

/// Emits an event with all its fields. `tracing` omits the fields that are `None`.
macro_rules! emit {
    ($level:ident, $event:ident) => {
        $level!(
            target: "commerce_auth::audit",
            version = $event.version,
            id = %$event.id,
            at = %$event.at,
            action = ?$event.action,
            outcome = ?$event.outcome,
            website = $event.website.as_ref().map(|website| website.as_str()),
            account = $event.account.as_ref().map(field::display),
            subject = $event.subject.as_ref().map(field::debug),
            actor = $event.actor.as_ref().map(field::display),
            grant = $event.grant.as_ref().map(field::display),
            parent = $event.parent.as_ref().map(field::display),
            obtained = $event.obtained.as_ref().map(field::debug),
            reason = $event.reason.as_deref(),
            expires_at = $event.expires_at.as_ref().map(field::display),
            summed_up = $event.summed_up,
            source = $event.origin.source.as_ref().map(field::display),
            user_agent = $event.origin.user_agent.as_deref(),
            correlation_id = $event.origin.correlation_id.as_deref(),
        )
    };
}

#[async_trait]
impl AuditSink for TracingAudit {
    async fn record(&self, event: &AuditEvent) -> Result<(), StoreError> {
        match event.outcome {
            Outcome::Begun | Outcome::Succeeded => emit!(info, event),
            Outcome::Refused(_) | Outcome::Failed => emit!(warn, event),
        }
        Ok(())
    }
    /// Returns an error, because the events must be erased in the system that received them.
    async fn erase(&self, _: &Subject) -> Result<u64, StoreError> {
        Err(StoreError::new(CannotErase("TracingAudit")))
    }
}
