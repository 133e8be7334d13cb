use std::sync::Arc;

use commerce_auth::{
    async_trait,
    audit::{AuditEvent, AuditSink, SignatureCheck, TracingAudit},
    error::StoreError,
    token::Subject,
};

/// The audit trail: kept in the database, and told to the log once it is kept.
#[derive(Debug)]
pub(crate) struct LoggedAudit(pub(crate) Arc<dyn AuditSink>);

#[async_trait]
impl AuditSink for LoggedAudit {
    async fn record(&self, event: &AuditEvent) -> Result<(), StoreError> {
        self.0.record(event).await?;
        TracingAudit.record(event).await
    }

    /// In the database. The log is its keeper's to erase.
    async fn erase(&self, subject: &Subject) -> Result<u64, StoreError> {
        self.0.erase(subject).await
    }

    async fn check_signatures(&self) -> Result<SignatureCheck, StoreError> {
        self.0.check_signatures().await
    }
}
