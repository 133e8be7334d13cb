use async_trait::async_trait;
use time::OffsetDateTime;
use tokio_postgres::Row;

use super::{Command, Failure, PostgresStore, Query, limit, parameters, removed};
use crate::{
    account::CustomerId,
    error::StoreError,
    store::{OneTimeCredential, OtcStore, Presented, Purpose, Purposes, Take, columns, micros},
    token::Digest,
};

#[async_trait]
impl OtcStore for PostgresStore {
    async fn put(
        &self,
        credential: &OneTimeCredential,
        keep: usize,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let assistance = credential.assistance.as_deref();
        let put = self.call(
            Command::Put,
            parameters![
                credential.customer.to_string(),
                credential.digest.as_bytes().to_vec(),
                columns::purpose_word(credential.purpose),
                credential.website.to_string(),
                assistance.map(|assistance| assistance.actor.to_string()),
                assistance.map(|assistance| assistance.parent.as_bytes().to_vec()),
                assistance.map(|assistance| assistance.reason.clone()),
                micros::from_time(credential.issued_at),
                micros::from_time(credential.expires_at),
                limit(keep),
                micros::from_time(now),
            ],
        );
        Ok(put.await?)
    }

    async fn peek(
        &self,
        presented: &Presented,
        now: OffsetDateTime,
    ) -> Result<Option<OneTimeCredential>, StoreError> {
        let (customer, digest) = (presented.customer.to_string(), &presented.digest.as_bytes()[..]);
        let (website, purposes) = (presented.website.as_str(), words(presented.purposes));
        let now = micros::from_time(now);
        let rows = self.query(Query::Peek, &[&customer, &digest, &website, &purposes, &now]).await?;
        Ok(rows.first().map(credential).transpose()?)
    }

    async fn take(
        &self,
        presented: &Presented,
        buys: Option<&Digest>,
        now: OffsetDateTime,
    ) -> Result<Take, StoreError> {
        let take = self.command(
            Command::Take,
            parameters![
                presented.customer.to_string(),
                presented.digest.as_bytes().to_vec(),
                presented.website.to_string(),
                words(presented.purposes),
                buys.map(|buys| buys.as_bytes().to_vec()),
                micros::from_time(now),
            ],
        );
        let rows = take.await?;
        let Some(row) = rows.first() else { return Ok(Take::Nothing) };
        Ok(taken(row)?)
    }

    async fn discard(&self, customer: &CustomerId) -> Result<(), StoreError> {
        self.command(Command::Discard, parameters![customer.to_string()]).await?;
        Ok(())
    }

    async fn purge_codes(&self, now: OffsetDateTime, most: usize) -> Result<usize, StoreError> {
        let purge = self.call(Command::PurgeCodes, parameters![micros::from_time(now), limit(most)]);
        Ok(removed(purge.await?))
    }
}

fn words(purposes: Purposes) -> Vec<&'static str> {
    let all = [Purpose::ResetToken, Purpose::OneTimeCode];
    all.into_iter().filter(|purpose| purposes.contains(*purpose)).map(columns::purpose_word).collect()
}

fn taken(row: &Row) -> Result<Take, Failure> {
    let credential = credential(row)?;
    if !row.try_get::<_, bool>("spent")? {
        return Ok(Take::Taken(credential));
    }
    let bought = row.try_get::<_, Option<&[u8]>>("bought")?.map(columns::digest).transpose()?;
    Ok(Take::Spent { purpose: credential.purpose, bought })
}

fn credential(row: &Row) -> Result<OneTimeCredential, Failure> {
    Ok(OneTimeCredential {
        digest: columns::digest(row.try_get("digest")?)?,
        purpose: columns::purpose(row.try_get("purpose")?)?,
        website: columns::website(row.try_get("website")?)?,
        customer: columns::customer(row.try_get("customer")?)?,
        assistance: columns::assistance(
            row.try_get("actor")?,
            row.try_get("parent")?,
            row.try_get("reason")?,
        )?,
        issued_at: micros::to_time(row.try_get("issued_at")?),
        expires_at: micros::to_time(row.try_get("expires_at")?),
    })
}
