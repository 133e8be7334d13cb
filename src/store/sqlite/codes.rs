use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};
use time::OffsetDateTime;

use super::{SqliteStore, tokens::text};
use crate::{
    account::CustomerId,
    error::StoreError,
    store::{OneTimeCredential, OtcStore, Presented, Take, columns, micros},
    token::Digest,
};

#[async_trait]
impl OtcStore for SqliteStore {
    async fn put(
        &self,
        credential: &OneTimeCredential,
        keep: usize,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let credential = credential.clone();
        self.0.writer.write(move |connection| put(connection, &credential, keep, now)).await
    }

    async fn peek(
        &self,
        presented: &Presented,
        now: OffsetDateTime,
    ) -> Result<Option<OneTimeCredential>, StoreError> {
        let look = |connection: &Connection| fitting(connection, presented, now);
        let found = self.0.readers.read(look).await?;
        Ok(found.and_then(|found| found.bought.is_none().then_some(found.credential)))
    }

    async fn take(
        &self,
        presented: &Presented,
        buys: Option<&Digest>,
        now: OffsetDateTime,
    ) -> Result<Take, StoreError> {
        let (presented, buys) = (presented.clone(), buys.copied());
        let take = move |connection: &Connection| {
            let Some(found) = fitting(connection, &presented, now)? else { return Ok(Take::Nothing) };
            if let Some(bought) = found.bought {
                return Ok(Take::Spent { purpose: found.credential.purpose, bought });
            }
            let mut spend = connection.prepare_cached(
                "UPDATE one_time_credentials SET spent = 1, bought = ?1 WHERE arrival = ?2",
            )?;
            spend.execute(params![buys.as_ref().map(Digest::as_bytes), found.arrival])?;
            Ok(Take::Taken(found.credential))
        };
        self.0.writer.write(take).await
    }

    async fn discard(&self, customer: &CustomerId) -> Result<(), StoreError> {
        let customer = customer.to_string();
        let discard = move |connection: &Connection| {
            let mut discard = connection
                .prepare_cached("DELETE FROM one_time_credentials WHERE customer = ?1 AND spent = 0")?;
            discard.execute([customer]).map(drop)
        };
        self.0.writer.write(discard).await
    }

    async fn purge_codes(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        let purge = move |connection: &Connection| {
            let mut purge = connection.prepare_cached(
                "DELETE FROM one_time_credentials WHERE arrival IN \
                 (SELECT arrival FROM one_time_credentials WHERE expires_at <= ?1 LIMIT ?2)",
            )?;
            purge.execute(params![micros::from_time(now), i64::try_from(limit).unwrap_or(i64::MAX)])
        };
        self.0.writer.write(purge).await
    }
}

/// A live credential, and what was bought with it if it is spent.
struct Found {
    credential: OneTimeCredential,
    arrival: i64,
    bought: Option<Option<Digest>>,
}

/// The live credential, spent or not, of exactly what is presented.
fn fitting(
    connection: &Connection,
    presented: &Presented,
    now: OffsetDateTime,
) -> rusqlite::Result<Option<Found>> {
    let mut find = connection.prepare_cached(
        "SELECT digest, purpose, website, customer, actor, parent, reason, issued_at, expires_at, arrival, spent, bought \
         FROM one_time_credentials WHERE customer = ?1 AND digest = ?2 AND website = ?3 AND expires_at > ?4",
    )?;
    let (customer, website) = (presented.customer.to_string(), presented.website.as_str());
    let now = micros::from_time(now);
    let found =
        find.query_row(params![customer, presented.digest.as_bytes(), website, now], read).optional()?;
    Ok(found.filter(|found| presented.purposes.contains(found.credential.purpose)))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Found> {
    let credential = OneTimeCredential {
        digest: columns::digest(row.get_ref(0)?.as_blob()?)?,
        purpose: columns::purpose(row.get_ref(1)?.as_str()?)?,
        website: columns::website(row.get_ref(2)?.as_str()?)?,
        customer: columns::customer(row.get_ref(3)?.as_str()?)?,
        assistance: columns::assistance(text(row, 4)?, row.get_ref(5)?.as_blob_or_null()?, row.get(6)?)?,
        issued_at: micros::to_time(row.get(7)?),
        expires_at: micros::to_time(row.get(8)?),
    };
    let bought = row.get_ref(11)?.as_blob_or_null()?.map(columns::digest).transpose()?;
    let spent: bool = row.get(10)?;
    Ok(Found { credential, arrival: row.get(9)?, bought: spent.then_some(bought) })
}

fn put(
    connection: &Connection,
    credential: &OneTimeCredential,
    keep: usize,
    now: OffsetDateTime,
) -> rusqlite::Result<bool> {
    let (customer, now) = (credential.customer.to_string(), micros::from_time(now));
    let purpose = columns::purpose_word(credential.purpose);
    let mut expired = connection
        .prepare_cached("DELETE FROM one_time_credentials WHERE customer = ?1 AND expires_at <= ?2")?;
    expired.execute(params![customer, now])?;
    let assistance = credential.assistance.as_deref();
    let mut insert = connection.prepare_cached(
        "INSERT INTO one_time_credentials \
         (customer, digest, purpose, website, actor, parent, reason, issued_at, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
    )?;
    let stored = insert.execute(params![
        customer,
        credential.digest.as_bytes(),
        purpose,
        credential.website.as_str(),
        assistance.map(|assistance| assistance.actor.to_string()),
        assistance.map(|assistance| assistance.parent.as_bytes()),
        assistance.map(|assistance| assistance.reason.as_str()),
        micros::from_time(credential.issued_at),
        micros::from_time(credential.expires_at),
    ])?;
    if stored == 0 {
        return Ok(false);
    }
    let mut surplus = connection.prepare_cached(
        "DELETE FROM one_time_credentials WHERE arrival IN (SELECT arrival FROM one_time_credentials \
         WHERE customer = ?1 AND purpose = ?2 AND spent = 0 ORDER BY arrival DESC LIMIT -1 OFFSET ?3)",
    )?;
    surplus.execute(params![customer, purpose, i64::try_from(keep).unwrap_or(i64::MAX)])?;
    Ok(true)
}
