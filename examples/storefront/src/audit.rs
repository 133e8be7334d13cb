use std::sync::Arc;

use async_trait::async_trait;
use commerce_auth::{AuditEvent, AuditSink, StoreError, audit::TracingAudit};

/// The audit trail: kept in the database, and told to the log once it is kept.
#[derive(Debug)]
pub(crate) struct LoggedAudit(pub(crate) Arc<dyn AuditSink>);

#[async_trait]
impl AuditSink for LoggedAudit {
    async fn record(&self, event: &AuditEvent) -> Result<(), StoreError> {
        self.0.record(event).await?;
        TracingAudit.record(event).await
    }
}
