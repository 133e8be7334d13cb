use async_trait::async_trait;

use super::{Command, Failure, PostgresStore, Query, limit, parameters};
use crate::{
    audit::{AuditEvent, AuditSink},
    error::StoreError,
    store::{
        columns::{self, CorruptColumn},
        micros,
    },
};

impl PostgresStore {
    /// The newest so many audit events, the oldest of them first.
    ///
    /// # Errors
    ///
    /// When the database could not be asked.
    pub async fn audit_events(&self, newest: usize) -> Result<Vec<AuditEvent>, StoreError> {
        let rows = self.query(Query::AuditEvents, &[&limit(newest)]).await?;
        let read = |row: &tokio_postgres::Row| {
            let event = serde_json::from_str(row.try_get(0)?);
            event.map_err(|_| Failure::from(CorruptColumn("event")))
        };
        Ok(rows.iter().rev().map(read).collect::<Result<_, _>>()?)
    }
}

#[async_trait]
impl AuditSink for PostgresStore {
    async fn record(&self, event: &AuditEvent) -> Result<(), StoreError> {
        let columns::EventWords { action, outcome, why, text } = columns::event_words(event)?;
        let (kind, id) = event.subject.as_ref().map(columns::subject_columns).unzip();
        let actor = event.actor.as_ref().map(ToString::to_string);
        let (name, at) = (event.id.to_string(), micros::from_time(event.at));
        let record = parameters![name, at, action, outcome, why, kind, id, actor, text];
        self.command(Command::Record, record).await?;
        Ok(())
    }
}
