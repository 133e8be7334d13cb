use std::num::NonZero;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};
use time::OffsetDateTime;

use super::SqliteStore;
use crate::{
    clock::micros,
    error::StoreError,
    store::{Generation, GenerationId, Insert, TokenStore, columns},
    token::{Grant, GrantId, Origin, Subject},
};

/// Builds the statement that selects live grants. The first columns of the statement are those that
/// [`grant`] reads, and `$more` adds further columns. The second parameter of the statement is the
/// current time.
macro_rules! live_grants {
    ($more:literal, $condition:literal) => {
        concat!(
            "SELECT digest, subject_kind, subject_id, website, obtained, actor, parent, reason, issued_at, expires_at",
            $more,
            " FROM grants WHERE ",
            $condition,
            " AND expires_at > ?2 AND shop_generation = (SELECT shop_generation FROM epoch)",
        )
    };
}

#[async_trait]
impl TokenStore for SqliteStore {
    async fn generation(&self, subject: &Subject, fresh: GenerationId) -> Result<Generation, StoreError> {
        if let Some(found) = self.0.readers.read(|connection| generation(connection, subject)).await? {
            return Ok(found);
        }
        let subject = subject.clone();
        self.0.writer.write(move |connection| generation_or(connection, &subject, fresh)).await
    }

    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        expected: Generation,
        cap: NonZero<usize>,
        now: OffsetDateTime,
    ) -> Result<Insert, StoreError> {
        let (grant, origin) = (grant.clone(), origin.clone());
        self.0.writer.write(move |connection| insert(connection, &grant, &origin, expected, cap, now)).await
    }

    async fn find(&self, id: &GrantId, now: OffsetDateTime) -> Result<Option<Grant>, StoreError> {
        let find = |connection: &Connection| {
            let mut find = connection.prepare_cached(live_grants!("", "digest = ?1"))?;
            find.query_row(params![id.as_bytes(), micros::from_time(now)], grant).optional()
        };
        self.0.readers.read(find).await
    }

    async fn revoke(
        &self,
        id: &GrantId,
        now: OffsetDateTime,
        bar_until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let id = *id;
        self.0.writer.write(move |connection| revoke(connection, &id, now, bar_until)).await
    }

    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&GrantId>,
        fresh: GenerationId,
        _now: OffsetDateTime,
    ) -> Result<Generation, StoreError> {
        let (subject, keep) = (subject.clone(), keep.copied());
        let revoke_all = move |connection: &Connection| {
            let (kind, id) = columns::subject_columns(&subject);
            let mut replace = connection.prepare_cached(
                "INSERT INTO subjects VALUES (?1, ?2, ?3) \
                 ON CONFLICT DO UPDATE SET generation = excluded.generation",
            )?;
            replace.execute(params![kind, id, fresh.as_bytes()])?;
            let mut delete = connection.prepare_cached(
                "DELETE FROM grants WHERE subject_kind = ?1 AND subject_id = ?2 AND digest IS NOT ?3",
            )?;
            delete.execute(params![kind, id, keep.as_ref().map(GrantId::as_bytes)])?;
            generation_or(connection, &subject, fresh)
        };
        self.0.writer.write(revoke_all).await
    }

    async fn revoke_everything(
        &self,
        fresh: GenerationId,
        _now: OffsetDateTime,
    ) -> Result<GenerationId, StoreError> {
        let replace = move |connection: &Connection| {
            let mut replace = connection.prepare_cached(
                "INSERT INTO epoch VALUES (1, ?1) \
                 ON CONFLICT DO UPDATE SET shop_generation = excluded.shop_generation",
            )?;
            replace.execute([fresh.as_bytes()]).map(|_| fresh)
        };
        self.0.writer.write(replace).await
    }

    async fn grants(
        &self,
        subject: &Subject,
        limit: usize,
        now: OffsetDateTime,
    ) -> Result<Vec<(Grant, Origin)>, StoreError> {
        let grants = |connection: &Connection| {
            let (kind, id) = columns::subject_columns(subject);
            let mut grants = connection.prepare_cached(concat!(
                live_grants!(", source, user_agent, correlation_id", "subject_kind = ?1 AND subject_id = ?3"),
                " ORDER BY issued_at DESC, digest DESC LIMIT ?4"
            ))?;
            let rows = grants.query_map(params![kind, micros::from_time(now), id, most(limit)], |row| {
                Ok((grant(row)?, columns::origin(text(row, 10)?, row.get(11)?, row.get(12)?)?))
            })?;
            rows.collect()
        };
        self.0.readers.read(grants).await
    }

    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        let purge = move |connection: &Connection| {
            let now = micros::from_time(now);
            let mut bars = connection.prepare_cached(
                "DELETE FROM bars WHERE digest IN (SELECT digest FROM bars WHERE until <= ?1 LIMIT ?2)",
            )?;
            let removed = bars.execute(params![now, most(limit)])?;
            let mut grants = connection.prepare_cached(
                "DELETE FROM grants WHERE digest IN (SELECT digest FROM grants WHERE expires_at <= ?1 LIMIT ?2)",
            )?;
            Ok(removed + grants.execute(params![now, most(limit.saturating_sub(removed))])?)
        };
        self.0.writer.write(purge).await
    }
}

/// Returns the generation under which the subject signs in. None if the file holds no generation of
/// the shop yet.
fn generation(connection: &Connection, subject: &Subject) -> rusqlite::Result<Option<Generation>> {
    let (kind, id) = columns::subject_columns(subject);
    let mut generation = connection.prepare_cached(
        "SELECT (SELECT generation FROM subjects WHERE kind = ?1 AND id = ?2), \
         (SELECT shop_generation FROM epoch)",
    )?;
    generation.query_row(params![kind, id], |row| {
        let id = |column| row.get_ref(column)?.as_blob_or_null().map_err(rusqlite::Error::from);
        let subject = id(0)?.map(columns::generation).transpose()?;
        let shop = id(1)?.map(columns::generation).transpose()?;
        Ok(shop.map(|shop| Generation { shop, subject }))
    })
}

/// Returns the generation under which the subject signs in. If the file holds no generation of the
/// shop yet, stores `fresh` as the shop's generation first.
fn generation_or(
    connection: &Connection,
    subject: &Subject,
    fresh: GenerationId,
) -> rusqlite::Result<Generation> {
    let mut begin = connection.prepare_cached("INSERT INTO epoch VALUES (1, ?1) ON CONFLICT DO NOTHING")?;
    begin.execute([fresh.as_bytes()])?;
    generation(connection, subject)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
}

fn insert(
    connection: &Connection,
    grant: &Grant,
    origin: &Origin,
    expected: Generation,
    cap: NonZero<usize>,
    now: OffsetDateTime,
) -> rusqlite::Result<Insert> {
    if generation(connection, &grant.subject)? != Some(expected) {
        return Ok(Insert::Revoked);
    }
    let digest = grant.id.as_bytes();
    let mut barred = connection.prepare_cached("SELECT 1 FROM bars WHERE digest = ?1 AND until > ?2")?;
    if barred.exists(params![digest, micros::from_time(now)])? {
        return Ok(Insert::Barred);
    }
    let (kind, id) = columns::subject_columns(&grant.subject);
    let assistance = grant.assistance.as_deref();
    let mut insert = connection.prepare_cached(
        "INSERT INTO grants VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT DO NOTHING",
    )?;
    let stored = insert.execute(params![
        digest,
        kind,
        id,
        grant.website.as_ref().map(|website| website.as_str()),
        columns::obtained_word(grant.obtained),
        assistance.map(|assistance| assistance.actor.to_string()),
        assistance.map(|assistance| assistance.parent.as_bytes()),
        assistance.map(|assistance| assistance.reason.as_str()),
        grant.issued_micros,
        grant.expires_micros,
        expected.shop.as_bytes(),
        origin.source.map(|source| source.to_string()),
        origin.user_agent,
        origin.correlation_id,
    ])?;
    if stored == 0 {
        return Ok(Insert::Collision);
    }
    let mut evict = connection.prepare_cached(
        "DELETE FROM grants WHERE digest IN (SELECT digest FROM grants \
         WHERE subject_kind = ?1 AND subject_id = ?2 AND digest <> ?3 AND expires_at > ?4 AND shop_generation = ?5 \
         ORDER BY issued_at DESC, digest DESC LIMIT -1 OFFSET ?6)",
    )?;
    evict.execute(params![
        kind,
        id,
        digest,
        micros::from_time(now),
        expected.shop.as_bytes(),
        most(cap.get() - 1)
    ])?;
    Ok(Insert::Stored)
}

fn revoke(
    connection: &Connection,
    id: &GrantId,
    now: OffsetDateTime,
    bar_until: OffsetDateTime,
) -> rusqlite::Result<bool> {
    let (id, now, until) = (id.as_bytes(), micros::from_time(now), micros::from_time(bar_until));
    let mut live = connection.prepare_cached(
        "SELECT 1 FROM grants WHERE digest = ?1 AND expires_at > ?2 \
         AND shop_generation = (SELECT shop_generation FROM epoch)",
    )?;
    let was_live = live.exists(params![id, now])?;
    connection.prepare_cached("DELETE FROM grants WHERE digest = ?1")?.execute([id])?;
    if now < until {
        let mut bar = connection.prepare_cached(
            "INSERT INTO bars VALUES (?1, ?2) ON CONFLICT DO UPDATE SET until = max(until, excluded.until)",
        )?;
        bar.execute(params![id, until])?;
    }
    Ok(was_live)
}

fn grant(row: &Row<'_>) -> rusqlite::Result<Grant> {
    Ok(Grant {
        id: columns::grant_id(row.get_ref(0)?.as_blob()?)?,
        subject: columns::subject(row.get_ref(1)?.as_str()?, row.get_ref(2)?.as_str()?)?,
        website: text(row, 3)?.map(columns::website).transpose()?,
        obtained: columns::obtained(row.get_ref(4)?.as_str()?)?,
        assistance: columns::assistance(text(row, 5)?, row.get_ref(6)?.as_blob_or_null()?, row.get(7)?)?,
        issued_micros: row.get(8)?,
        expires_micros: row.get(9)?,
    })
}

fn most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Returns the text of a column without copying it. None if the column is null.
pub(super) fn text<'row>(row: &'row Row<'_>, column: usize) -> rusqlite::Result<Option<&'row str>> {
    Ok(row.get_ref(column)?.as_str_or_null()?)
}
