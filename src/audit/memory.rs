use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{AuditEvent, AuditSink};
use crate::{error::StoreError, token::Subject};

/// An audit sink for development and tests. It keeps the newest events in the memory of this
/// process. If the process restarts, the events are lost.
///
/// Clones are cheap and share the events.
#[derive(Clone, Debug)]
pub struct MemoryAudit {
    events: Arc<Mutex<VecDeque<AuditEvent>>>,
    capacity: usize,
}

impl MemoryAudit {
    const EVENTS: usize = 10_000;

    /// Creates a sink that keeps the newest 10,000 events.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(Self::EVENTS)
    }

    /// Creates a sink that keeps the newest `events` events. If there are more, it drops the
    /// oldest.
    #[must_use]
    pub fn with_capacity(events: usize) -> Self {
        Self { events: Arc::default(), capacity: events }
    }

    /// Returns the events that the sink keeps, with the oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<AuditEvent> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<AuditEvent>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryAudit {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl AuditSink for MemoryAudit {
    async fn record(&self, event: &AuditEvent) -> Result<(), StoreError> {
        let mut events = self.lock();
        events.push_back(event.clone());
        let surplus = events.len().saturating_sub(self.capacity);
        events.drain(..surplus);
        Ok(())
    }

    async fn erase(&self, subject: &Subject) -> Result<u64, StoreError> {
        let mut events = self.lock();
        let own = |event: &AuditEvent| event.subject.as_ref() == Some(subject);
        let accounts: HashSet<_> =
            events.iter().filter(|event| own(event)).filter_map(|event| event.account).collect();
        let attempts = |event: &AuditEvent| {
            event.subject.is_none() && event.account.is_some_and(|account| accounts.contains(&account))
        };
        let mut erased = 0;
        for event in events.iter_mut().filter(|event| own(event) || attempts(event)) {
            erased += u64::from(event.take_personal().is_some());
        }
        Ok(erased)
    }
}
