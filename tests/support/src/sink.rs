//! An audit sink that can be made to fail.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use commerce_auth::{
    audit::{Action, AuditEvent, AuditSink, Outcome},
    error::StoreError,
    token::Subject,
};

/// Records a set number of events, and fails at all later ones.
#[derive(Clone, Debug, Default)]
pub struct Breakable(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    events: Mutex<Vec<AuditEvent>>,
    left: AtomicUsize,
}

impl Default for Inner {
    fn default() -> Self {
        Self { events: Mutex::default(), left: AtomicUsize::new(usize::MAX) }
    }
}

impl Breakable {
    pub fn keep(&self, events: usize) {
        self.0.left.store(events, Ordering::SeqCst);
    }

    pub fn repair(&self) {
        self.keep(usize::MAX);
    }

    pub fn events(&self) -> Vec<AuditEvent> {
        self.0.events.lock().unwrap().clone()
    }
}

#[async_trait]
impl AuditSink for Breakable {
    async fn record(&self, event: &AuditEvent) -> Result<(), StoreError> {
        let left = &self.0.left;
        left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .map_err(|_| StoreError::new(io::Error::from(io::ErrorKind::StorageFull)))?;
        self.0.events.lock().unwrap().push(event.clone());
        Ok(())
    }

    async fn erase(&self, _: &Subject) -> Result<u64, StoreError> {
        match self.0.left.load(Ordering::SeqCst) {
            0 => Err(StoreError::new(io::Error::from(io::ErrorKind::ReadOnlyFilesystem))),
            _ => Ok(0),
        }
    }
}

/// Returns the actions and outcomes of events.
pub fn told(events: &[AuditEvent]) -> Vec<(Action, Outcome)> {
    events.iter().map(|event| (event.action, event.outcome)).collect()
}
