use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

use super::SqliteStore;
use crate::{
    audit::{
        AuditEvent, AuditRecord, AuditSink, Checkpoint, RecordColumns, Report, SignatureCheck, Verifier,
        chain::{self, Entry, Erased},
    },
    error::StoreError,
    keyring::Keyring,
    random::ChaChaRandom,
    store::columns::{self, CorruptColumn},
    token::{Digest, Subject},
};

/// The columns of an audit record, in this order.
macro_rules! record_columns {
    () => {
        "position, event, personal, key_id, link, erased, id, at, action, outcome, why, subject_kind, subject_id, actor, account"
    };
}

/// The audit trail of a [`SqliteStore`]: with a keyring, a chain of signed records.
///
/// Cheap to clone. A host gives one with its keyring to the [builder](crate::AuthBuilder::audit), and makes another to
/// read, to verify, to erase and to prune.
#[derive(Clone, Debug)]
pub struct SqliteAudit {
    store: SqliteStore,
    keyring: Option<Keyring>,
    random: Arc<ChaChaRandom>,
}

impl SqliteStore {
    /// The audit trail in the same file, signed from now on if there is a keyring.
    #[must_use]
    pub fn audit(&self, keyring: Option<&Keyring>) -> SqliteAudit {
        SqliteAudit { store: self.clone(), keyring: keyring.cloned(), random: Arc::default() }
    }
}

impl SqliteAudit {
    /// Records that are read by a verification, or erased, at once.
    const PAGE: usize = 500;

    /// The newest so many audit events, the oldest of them first.
    ///
    /// # Errors
    ///
    /// When the file could not be read.
    pub async fn events(&self, newest: usize) -> Result<Vec<AuditEvent>, StoreError> {
        let newest_first =
            concat!("SELECT ", record_columns!(), " FROM audit_events ORDER BY position DESC LIMIT ?1");
        let look = |connection: &Connection| {
            let mut newest_first = connection.prepare_cached(newest_first)?;
            let rows = newest_first.query_map([limit(newest)], |row| {
                Ok(record(row)?.read().map_err(|_| CorruptColumn("event"))?)
            })?;
            rows.collect()
        };
        let mut events: Vec<_> = self.store.0.readers.read(look).await?;
        events.reverse();
        Ok(events)
    }

    /// So many records as they are kept, from a place on: to copy a trail, or to verify it elsewhere.
    ///
    /// # Errors
    ///
    /// When the file could not be read.
    pub async fn records(&self, from: u64, limit: usize) -> Result<Vec<AuditRecord>, StoreError> {
        let records = self.page(i64::try_from(from).unwrap_or(i64::MAX), limit).await?;
        Ok(records.into_iter().map(|(_, record)| record).collect())
    }

    /// Where the trail stands; none if nothing is signed.
    ///
    /// # Errors
    ///
    /// When the file could not be read.
    pub async fn checkpoint(&self) -> Result<Option<Checkpoint>, StoreError> {
        let look = |connection: &Connection| {
            let mut newest = connection.prepare_cached(
                "SELECT position, link, EXISTS (SELECT * FROM audit_events WHERE position = 1) FROM audit_events \
                 WHERE link IS NOT NULL ORDER BY position DESC LIMIT 2",
            )?;
            let signed = |row: &Row<'_>| {
                let link = row.get_ref(1)?.as_blob()?;
                Ok((columns::position(row.get(0)?), columns::link(link), row.get(2)?))
            };
            let newest = newest.query_map([], signed)?.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(Checkpoint::of_newest(&newest))
        };
        self.store.0.readers.read(look).await
    }

    /// Verifies the whole trail, or what is left from the checkpoint on that the verifier begins with.
    ///
    /// # Errors
    ///
    /// When the file could not be read. What is wrong with the trail is no error: it is in the report.
    pub async fn verify(&self, mut verifier: Verifier) -> Result<Report, StoreError> {
        let first = verifier.first().map(|first| first.position);
        let mut from = Some(first.map_or(i64::MIN, |first| i64::try_from(first).unwrap_or(i64::MAX)));
        while let Some(next) = from {
            let page = self.page(next, Self::PAGE).await?;
            page.iter().for_each(|(_, record)| verifier.feed(record));
            from = page.last().and_then(|(last, _)| last.checked_add(1));
        }
        Ok(verifier.finish())
    }

    /// Removes the records before a checkpoint, which stays: verify what is left [since](Verifier::since) it. Keep the
    /// checkpoint elsewhere. Answers how many there were; none if the checkpoint is not this trail's.
    ///
    /// # Errors
    ///
    /// When the file could not be written.
    pub async fn prune(&self, before: Checkpoint) -> Result<u64, StoreError> {
        let prune = move |connection: &Connection| {
            let mut prune = connection.prepare_cached(
                "DELETE FROM audit_events WHERE position < ?1 \
                 AND EXISTS (SELECT * FROM audit_events WHERE position = ?1 AND link = ?2)",
            )?;
            let position = i64::try_from(before.position).unwrap_or(i64::MAX);
            prune.execute(params![position, before.link.as_bytes()])
        };
        let pruned = self.store.0.writer.write(prune).await?;
        Ok(u64::try_from(pruned).unwrap_or(u64::MAX))
    }

    /// With the positions as they stand in the rows.
    async fn page(&self, from: i64, most: usize) -> Result<Vec<(i64, AuditRecord)>, StoreError> {
        let look = |connection: &Connection| {
            let mut page = connection.prepare_cached(concat!(
                "SELECT ",
                record_columns!(),
                " FROM audit_events WHERE position >= ?1 ORDER BY position LIMIT ?2"
            ))?;
            let rows = page.query_map([from, limit(most)], |row| Ok((row.get(0)?, record(row)?)))?;
            rows.collect()
        };
        self.store.0.readers.read(look).await
    }
}

#[async_trait]
impl AuditSink for SqliteAudit {
    async fn record(&self, event: &AuditEvent) -> Result<(), StoreError> {
        let entry = Entry::of(event, &*self.random)?;
        let keyring = self.keyring.clone();
        self.store.0.writer.write(move |connection| append(connection, &entry, keyring.as_ref())).await?
    }

    async fn check_signatures(&self) -> Result<SignatureCheck, StoreError> {
        let Some(head) = self.checkpoint().await? else { return Ok(SignatureCheck::NothingSigned) };
        let from = head.position.saturating_sub(chain::COMPARED.into());
        let newest = self.records(from, usize::from(chain::COMPARED) + 1).await?;
        Ok(chain::compare(self.keyring.as_ref(), &newest))
    }

    async fn erase(&self, subject: &Subject) -> Result<u64, StoreError> {
        let (kind, id) = columns::subject_columns(subject);
        let mut erased = 0;
        // The subject's own last: they say which accounts to look for, if this has to be done again.
        for which in [OF_SUBJECTS_ACCOUNTS, OF_SUBJECT] {
            let mut after = Some(i64::MIN);
            while let Some(from) = after {
                let (id, keyring) = (id.clone(), self.keyring.clone());
                // A write for each page, so that whoever records does not wait for all of them.
                let erase = move |connection: &Connection| {
                    let mut page = connection.prepare_cached(which)?;
                    let rows = page.query_map(params![kind, id, from, limit(Self::PAGE)], |row| {
                        Ok((row.get(0)?, record(row)?))
                    })?;
                    let rows = rows.collect::<rusqlite::Result<Vec<(i64, _)>>>()?;
                    let mut erased = 0;
                    for (position, record) in &rows {
                        match Erased::of(record, keyring.as_ref()) {
                            Ok(Some(left)) => erased += replace(connection, *position, &left)?,
                            Ok(None) => {}
                            // What was erased until then is signed, and stays so.
                            Err(error) => return Ok(Err(error)),
                        }
                    }
                    Ok(Ok((erased, rows.last().map(|(last, _)| *last))))
                };
                let (page, last) = self.store.0.writer.write(erase).await??;
                erased += u64::try_from(page).unwrap_or(u64::MAX);
                after = last;
            }
        }
        Ok(erased)
    }
}

/// In the writer's transaction, so that nothing comes between the last record and the next one.
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
    let last = last.query_row([], |row| Ok((row.get(0)?, link(row, 1)?))).optional()?;
    let (last, previous): (i64, _) = last.unwrap_or_default();
    let position = last.saturating_add(1);
    let signed = match keyring {
        Some(keyring) => {
            // Somebody without a key may have recorded in between.
            let previous = match previous {
                None if last != 0 => newest_link(connection)?,
                previous => previous,
            };
            match chain::sign(keyring, columns::position(position), previous, &entry.event) {
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
    Ok(newest.query_row([], |row| link(row, 0)).optional()?.flatten())
}

/// A page of a subject's records.
const OF_SUBJECT: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM audit_events WHERE subject_kind = ?1 AND subject_id = ?2 AND position > ?3 ORDER BY position LIMIT ?4"
);

/// A page of those that name no subject but an account of this one's.
const OF_SUBJECTS_ACCOUNTS: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM audit_events WHERE subject_id IS NULL AND account IS NOT NULL AND account IN \
     (SELECT account FROM audit_events WHERE subject_kind = ?1 AND subject_id = ?2) \
     AND position > ?3 ORDER BY position LIMIT ?4"
);

/// Keeps what is left of a record.
fn replace(connection: &Connection, position: i64, left: &Erased) -> rusqlite::Result<usize> {
    let mut replace = connection.prepare_cached(
        "UPDATE audit_events SET event = coalesce(?2, event), personal = NULL, erased = ?3, account = NULL, \
         subject_id = iif(subject_kind = 'customer', NULL, subject_id), subject_kind = nullif(subject_kind, 'customer') \
         WHERE position = ?1",
    )?;
    replace.execute(params![position, left.event, left.erased.as_ref().map(columns::erasure_bytes)])
}

/// Whatever is in the row: see [`columns::position`].
fn record(row: &Row<'_>) -> rusqlite::Result<AuditRecord> {
    Ok(AuditRecord {
        position: columns::position(row.get(0)?),
        event: text(row, 1)?.unwrap_or_default(),
        personal: text(row, 2)?,
        key: row.get::<_, Option<i64>>(3)?.map(columns::key),
        link: link(row, 4)?,
        erased: row.get_ref(5)?.as_blob_or_null()?.map(columns::erasure),
        columns: RecordColumns {
            id: text(row, 6)?.unwrap_or_default(),
            at: row.get(7)?,
            action: text(row, 8)?.unwrap_or_default(),
            outcome: text(row, 9)?.unwrap_or_default(),
            why: text(row, 10)?,
            subject_kind: text(row, 11)?,
            subject_id: text(row, 12)?,
            actor: text(row, 13)?,
            account: text(row, 14)?,
        },
    })
}

/// SQLite's text need not be UTF-8.
fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    let bytes = row.get_ref(column)?.as_bytes_or_null()?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
}

fn link(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Digest>> {
    Ok(row.get_ref(column)?.as_blob_or_null()?.map(columns::link))
}

fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
