use async_trait::async_trait;
use rusqlite::{Connection, params};

use super::SqliteStore;
use crate::{
    audit::{AuditEvent, AuditSink},
    error::StoreError,
    store::{
        columns::{self, CorruptColumn},
        micros,
    },
};

impl SqliteStore {
    /// The newest so many audit events, the oldest of them first.
    ///
    /// # Errors
    ///
    /// When the file could not be read.
    pub async fn audit_events(&self, newest: usize) -> Result<Vec<AuditEvent>, StoreError> {
        let look = |connection: &Connection| {
            let mut newest_first =
                connection.prepare_cached("SELECT event FROM audit_events ORDER BY arrival DESC LIMIT ?1")?;
            let rows = newest_first.query_map([i64::try_from(newest).unwrap_or(i64::MAX)], |row| {
                let event = serde_json::from_str(row.get_ref(0)?.as_str()?);
                Ok(event.map_err(|_| CorruptColumn("event"))?)
            })?;
            rows.collect()
        };
        let mut events: Vec<_> = self.0.readers.read(look).await?;
        events.reverse();
        Ok(events)
    }
}

#[async_trait]
impl AuditSink for SqliteStore {
    async fn record(&self, event: &AuditEvent) -> Result<(), StoreError> {
        let event = event.clone();
        self.0.writer.write(move |connection| record(connection, &event)).await
    }
}

fn record(connection: &Connection, event: &AuditEvent) -> rusqlite::Result<()> {
    let columns::EventWords { action, outcome, why, text } = columns::event_words(event)?;
    let (kind, id) = event.subject.as_ref().map(columns::subject_columns).unzip();
    let mut record = connection.prepare_cached(
        "INSERT INTO audit_events (id, at, action, outcome, why, subject_kind, subject_id, actor, event) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (id) DO NOTHING",
    )?;
    record
        .execute(params![
            event.id.to_string(),
            micros::from_time(event.at),
            action,
            outcome,
            why,
            kind,
            id,
            event.actor.as_ref().map(ToString::to_string),
            text,
        ])
        .map(drop)
}
