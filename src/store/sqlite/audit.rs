use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Params, Row, named_params, params};

use super::SqliteStore;
use crate::{
    audit::{
        AuditEvent, AuditRecord, AuditSink, Checkpoint, RecordColumns, Report, SignatureCheck, Verifier,
        chain::{self, Entry},
    },
    error::StoreError,
    keyring::Keyring,
    random::ChaChaRandom,
    store::{
        audit_table::{self, AuditTable, Columns, PAGE, Which, audit_sink, column, erase},
        columns,
    },
    token::{Digest, Subject},
};

macro_rules! records {
    ($which:literal) => {
        concat!(
            "SELECT position, event, personal, key_id, link, erased, id, at, action, outcome, why, \
             subject_kind, subject_id, actor, account FROM audit_events ",
            $which,
        )
    };
}

/// The audit trail in the file of a [`SqliteStore`]. A `SqliteAudit` with a keyring signs the
/// records that it appends, so that they form a chain.
///
/// Clones are cheap. Pass a `SqliteAudit` with a keyring to the
/// [builder](crate::AuthBuilder::audit), so that new records are signed. To read, verify, erase or
/// prune the trail later, keep a clone, or call [`SqliteStore::audit`] again.
#[derive(Clone, Debug)]
pub struct SqliteAudit {
    store: SqliteStore,
    keyring: Option<Keyring>,
    random: Arc<ChaChaRandom>,
}

impl SqliteStore {
    /// Returns the audit trail in the file of this store. If you pass a keyring, then the
    /// `SqliteAudit` signs the records that it appends.
    #[must_use]
    pub fn audit(&self, keyring: Option<&Keyring>) -> SqliteAudit {
        SqliteAudit { store: self.clone(), keyring: keyring.cloned(), random: Arc::default() }
    }
}

#[async_trait]
impl AuditTable for SqliteAudit {
    async fn append(&self, event: &AuditEvent) -> Result<(), StoreError> {
        let entry = Entry::of(event, &*self.random)?;
        let keyring = self.keyring.clone();
        self.store.0.writer.write(move |connection| append(connection, &entry, keyring.as_ref())).await?
    }

    async fn read(&self, which: Which<'_>) -> Result<Vec<audit_table::Row>, StoreError> {
        let look = |connection: &Connection| match which {
            Which::Newest { limit } => rows(connection, records!("ORDER BY position DESC LIMIT ?1"), [limit]),
            Which::NewestSigned => {
                rows(connection, records!("WHERE link IS NOT NULL ORDER BY position DESC LIMIT 2"), [])
            }
            Which::From { position, limit } => {
                let page = records!("WHERE position >= ?1 ORDER BY position LIMIT ?2");
                rows(connection, page, [position, limit])
            }
            Which::OfSubject { kind, id, after } => {
                let page = records!(
                    "WHERE subject_kind = ?1 AND subject_id = ?2 AND personal IS NOT NULL \
                     AND position > ?3 ORDER BY position LIMIT ?4"
                );
                rows(connection, page, params![kind, id, after, PAGE])
            }
            Which::OfAccounts { kind, id, after } => {
                let page = records!(
                    "WHERE subject_id IS NULL AND account IS NOT NULL AND account IN \
                     (SELECT account FROM audit_events WHERE subject_kind = ?1 AND subject_id = ?2) \
                     AND personal IS NOT NULL AND position > ?3 ORDER BY position LIMIT ?4"
                );
                rows(connection, page, params![kind, id, after, PAGE])
            }
        };
        self.store.0.readers.read(look).await
    }

    async fn remove_before(&self, position: i64, link: Digest) -> Result<u64, StoreError> {
        let remove = move |connection: &Connection| {
            let mut remove = connection.prepare_cached(
                "DELETE FROM audit_events WHERE position < ?1 \
                 AND EXISTS (SELECT * FROM audit_events WHERE position = ?1 AND link = ?2)",
            )?;
            remove.execute(params![position, link.as_bytes()])
        };
        Ok(count(self.store.0.writer.write(remove).await?))
    }

    async fn erase_at(&self, positions: Vec<i64>, erased: Vec<Option<Vec<u8>>>) -> Result<u64, StoreError> {
        let erase = move |connection: &Connection| {
            let mut erase = connection.prepare_cached(
                "UPDATE audit_events SET personal = NULL, erased = ?2, account = NULL, \
                 subject_id = iif(subject_kind = 'customer', NULL, subject_id), \
                 subject_kind = nullif(subject_kind, 'customer') WHERE position = ?1 AND personal IS NOT NULL",
            )?;
            let each = positions
                .iter()
                .zip(&erased)
                .map(|(position, erased)| erase.execute(params![position, erased]));
            each.sum()
        };
        Ok(count(self.store.0.writer.write(erase).await?))
    }
}

audit_sink!(SqliteAudit);

/// Appends a record. The whole function runs in one writing transaction. So nobody can append a
/// record after this function has read the last record, and before it inserts the new one.
fn append(
    connection: &Connection,
    entry: &Entry,
    keyring: Option<&Keyring>,
) -> rusqlite::Result<Result<(), StoreError>> {
    let RecordColumns { id, .. } = &entry.columns;
    let mut known = connection.prepare_cached("SELECT 1 FROM audit_events WHERE id = ?1")?;
    if known.exists([id])? {
        return Ok(Ok(()));
    }
    let mut last = connection
        .prepare_cached("SELECT position, link FROM audit_events ORDER BY position DESC LIMIT 1")?;
    let last =
        last.query_row([], |row| Ok((row.get(0)?, row.bytes(1)?.map(audit_table::link)))).optional()?;
    let (last, previous): (i64, _) = last.unwrap_or_default();
    let position = last.saturating_add(1);
    let signed = match keyring {
        Some(keyring) => {
            // If the last record is not signed, then a sink without a keyring has appended it. The
            // signature of the new record then covers the signature of the newest signed record.
            let previous = match previous {
                None if last != 0 => newest_link(connection)?,
                previous => previous,
            };
            match chain::sign(keyring, audit_table::position(position), previous, &entry.event) {
                Ok(signed) => Some(signed),
                Err(error) => return Ok(Err(error)),
            }
        }
        None => None,
    };
    let (key, link) = signed.unzip();
    let columns = &entry.columns;
    let mut insert = connection.prepare_cached(
        "INSERT INTO audit_events (position, id, at, action, outcome, why, subject_kind, subject_id, actor, account, \
         event, personal, key_id, link) VALUES (:position, :id, :at, :action, :outcome, :why, :kind, :subject, :actor, \
         :account, :event, :personal, :key, :link)",
    )?;
    insert.execute(named_params! {
        ":position": position,
        ":id": columns.id,
        ":at": columns.at,
        ":action": columns.action,
        ":outcome": columns.outcome,
        ":why": columns.why,
        ":kind": columns.subject_kind,
        ":subject": columns.subject_id,
        ":actor": columns.actor,
        ":account": columns.account,
        ":event": entry.event,
        ":personal": entry.personal,
        ":key": key.map(|key| key.0),
        ":link": link.as_ref().map(Digest::as_bytes),
    })?;
    Ok(Ok(()))
}

fn newest_link(connection: &Connection) -> rusqlite::Result<Option<Digest>> {
    let mut newest = connection.prepare_cached(
        "SELECT link FROM audit_events WHERE link IS NOT NULL ORDER BY position DESC LIMIT 1",
    )?;
    Ok(newest.query_row([], |row| Ok(row.bytes(0)?.map(audit_table::link))).optional()?.flatten())
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

fn rows(
    connection: &Connection,
    select: &str,
    parameters: impl Params,
) -> rusqlite::Result<Vec<audit_table::Row>> {
    connection.prepare_cached(select)?.query_map(parameters, |row| audit_table::row(row))?.collect()
}

impl Columns for Row<'_> {
    type Error = rusqlite::Error;

    fn int(&self, column: usize) -> rusqlite::Result<Option<i64>> {
        self.get(column)
    }

    /// Reads a text. A TEXT column of SQLite can hold invalid UTF-8. This function replaces invalid
    /// bytes by the character U+FFFD.
    fn text(&self, column: usize) -> rusqlite::Result<Option<String>> {
        let bytes = self.get_ref(column)?.as_bytes_or_null()?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
    }

    fn bytes(&self, column: usize) -> rusqlite::Result<Option<&[u8]>> {
        Ok(self.get_ref(column)?.as_blob_or_null()?)
    }
}
