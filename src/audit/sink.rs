use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;

use super::AuditEvent;
use crate::error::StoreError;

/// Keeps audit events.
#[async_trait]
pub trait AuditSink: Debug + Send + Sync + 'static {
    /// Keeps an event. Once it has returned `Ok`, the event is as safe as the sink makes anything.
    ///
    /// It is called from the flows, and from a thread of the crate's own, outside any async runtime: a sink that needs
    /// one keeps a handle to it. An event may come twice, with the same [`id`](AuditEvent::id), if its first call was
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
}

#[async_trait]
impl<S: AuditSink + ?Sized> AuditSink for Arc<S> {
    async fn record(&self, event: &AuditEvent) -> Result<(), StoreError> {
        (**self).record(event).await
    }
}
