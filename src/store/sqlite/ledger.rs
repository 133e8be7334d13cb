use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};
use time::OffsetDateTime;

use super::{SqliteStore, tokens::text};
use crate::{
    account::CustomerId,
    error::StoreError,
    store::{
        AssistanceEnd, AssistanceEntry, LedgerStore,
        columns::{self, CorruptColumn},
        micros,
    },
    token::{Assistance, Digest},
};

#[async_trait]
impl LedgerStore for SqliteStore {
    async fn begin_assistance(&self, entry: &AssistanceEntry) -> Result<(), StoreError> {
        let entry = entry.clone();
        self.0.writer.write(move |connection| begin(connection, &entry)).await.map(drop)
    }

    async fn end_assistance(
        &self,
        grant: &Digest,
        end: AssistanceEnd,
        at: OffsetDateTime,
    ) -> Result<Option<AssistanceEntry>, StoreError> {
        let grant = *grant;
        let ending = move |connection: &Connection| {
            let mut ending = connection.prepare_cached(
                "UPDATE assistance_ledger SET ended_at = ?2, ended_how = ?3 \
                 WHERE digest = ?1 AND ended_at IS NULL RETURNING *",
            )?;
            let (at, how) = (micros::from_time(at), columns::assistance_end_word(end));
            ending.query_row(params![grant.as_bytes(), at, how], entry).optional()
        };
        self.0.writer.write(ending).await
    }

    async fn find_assistance(&self, grant: &Digest) -> Result<Option<AssistanceEntry>, StoreError> {
        let look = |connection: &Connection| {
            let mut find = connection.prepare_cached("SELECT * FROM assistance_ledger WHERE digest = ?1")?;
            find.query_row([grant.as_bytes()], entry).optional()
        };
        self.0.readers.read(look).await
    }

    async fn open_assistance(&self, limit: usize) -> Result<Vec<AssistanceEntry>, StoreError> {
        let look = |connection: &Connection| {
            let mut open = connection.prepare_cached(
                "SELECT * FROM assistance_ledger WHERE ended_at IS NULL ORDER BY began_at LIMIT ?1",
            )?;
            open.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], entry)?.collect()
        };
        self.0.readers.read(look).await
    }

    async fn assistance_of(
        &self,
        customer: &CustomerId,
        limit: usize,
    ) -> Result<Vec<AssistanceEntry>, StoreError> {
        let look = |connection: &Connection| {
            let mut of = connection.prepare_cached(
                "SELECT * FROM assistance_ledger WHERE customer = ?1 ORDER BY began_at DESC LIMIT ?2",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            of.query_map(params![customer.to_string(), limit], entry)?.collect()
        };
        self.0.readers.read(look).await
    }

    async fn erase_assistance(&self, customer: &CustomerId) -> Result<usize, StoreError> {
        let customer = customer.to_string();
        let erase = move |connection: &Connection| {
            let mut erase = connection.prepare_cached(
                "DELETE FROM assistance_ledger WHERE customer = ?1 AND ended_at IS NOT NULL",
            )?;
            erase.execute([customer])
        };
        self.0.writer.write(erase).await
    }

    async fn purge_assistance(&self, until: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        let purge = move |connection: &Connection| {
            let mut purge = connection.prepare_cached(
                "DELETE FROM assistance_ledger WHERE digest IN \
                 (SELECT digest FROM assistance_ledger WHERE ended_at <= ?1 LIMIT ?2)",
            )?;
            purge.execute(params![micros::from_time(until), i64::try_from(limit).unwrap_or(i64::MAX)])
        };
        self.0.writer.write(purge).await
    }
}

fn begin(connection: &Connection, entry: &AssistanceEntry) -> rusqlite::Result<usize> {
    let mut begin = connection.prepare_cached(
        "INSERT INTO assistance_ledger VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) \
         ON CONFLICT DO NOTHING",
    )?;
    begin.execute(params![
        entry.grant.as_bytes(),
        entry.customer.to_string(),
        entry.website.as_str(),
        entry.assistance.actor.to_string(),
        entry.assistance.parent.as_bytes(),
        entry.assistance.reason,
        columns::obtained_word(entry.obtained),
        entry.origin.source.map(|source| source.to_string()),
        entry.origin.user_agent,
        entry.origin.correlation_id,
        micros::from_time(entry.began_at),
        micros::from_time(entry.expires_at),
        entry.ended_at.map(micros::from_time),
        entry.end.map(columns::assistance_end_word),
    ])
}

fn entry(row: &Row<'_>) -> rusqlite::Result<AssistanceEntry> {
    let ended_at: Option<i64> = row.get(12)?;
    let end = text(row, 13)?.map(columns::assistance_end).transpose()?;
    if ended_at.is_some() != end.is_some() {
        return Err(CorruptColumn("ended_how").into());
    }
    Ok(AssistanceEntry {
        grant: columns::digest(row.get_ref(0)?.as_blob()?)?,
        customer: columns::customer(row.get_ref(1)?.as_str()?)?,
        website: columns::website(row.get_ref(2)?.as_str()?)?,
        assistance: Arc::new(Assistance {
            actor: columns::admin(row.get_ref(3)?.as_str()?)?,
            parent: columns::digest(row.get_ref(4)?.as_blob()?)?,
            reason: row.get(5)?,
        }),
        obtained: columns::obtained(row.get_ref(6)?.as_str()?)?,
        origin: columns::origin(text(row, 7)?, row.get(8)?, row.get(9)?)?,
        began_at: micros::to_time(row.get(10)?),
        expires_at: micros::to_time(row.get(11)?),
        ended_at: ended_at.map(micros::to_time),
        end,
    })
}
