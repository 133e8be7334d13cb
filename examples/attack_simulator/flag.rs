//! The moment when a node knows of an attack.

use std::sync::{Arc, Mutex, PoisonError};

use commerce_auth::{
    async_trait,
    audit::{AuditEvent, AuditSink},
    clock::{Clock, ManualClock},
    error::StoreError,
    token::Subject,
};
use time::OffsetDateTime;

use crate::defences;

/// A node's audit sink. It keeps the time at which the node first showed that it knows of an
/// attack, and no event.
///
/// A node shows it by recording the alarm, or by treating a sign-in as suspicious. One alarm is enough
/// for a shop, so that the other node need not record it.
#[derive(Debug)]
pub struct Flag {
    clock: Arc<ManualClock>,
    raised_at: Mutex<Option<OffsetDateTime>>,
}

impl Flag {
    pub const fn new(clock: Arc<ManualClock>) -> Self {
        Self { clock, raised_at: Mutex::new(None) }
    }

    /// Raises the flag now, if it is not raised yet.
    pub fn raise(&self) {
        self.raise_at(self.clock.now());
    }

    /// Returns the time at which the flag was raised.
    pub fn raised_at(&self) -> Option<OffsetDateTime> {
        *self.raised_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn raise_at(&self, at: OffsetDateTime) {
        let mut raised_at = self.raised_at.lock().unwrap_or_else(PoisonError::into_inner);
        *raised_at = Some(raised_at.map_or(at, |earlier| earlier.min(at)));
    }
}

#[async_trait]
impl AuditSink for Flag {
    async fn record(&self, event: &AuditEvent) -> Result<(), StoreError> {
        if defences::is_alarm(event) {
            // Not the present time: the event may have waited in the queue.
            self.raise_at(event.at);
        }
        Ok(())
    }

    async fn erase(&self, _: &Subject) -> Result<u64, StoreError> {
        Ok(0)
    }
}
