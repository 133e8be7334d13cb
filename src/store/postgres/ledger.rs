use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;
use tokio_postgres::Row;

use super::{Command, Failure, PostgresStore, Query, limit, parameters, removed};
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
impl LedgerStore for PostgresStore {
    async fn begin_assistance(&self, entry: &AssistanceEntry) -> Result<(), StoreError> {
        let begin = self.command(
            Command::BeginAssistance,
            parameters![
                entry.grant.as_bytes().to_vec(),
                entry.customer.to_string(),
                entry.website.to_string(),
                entry.assistance.actor.to_string(),
                entry.assistance.parent.as_bytes().to_vec(),
                entry.assistance.reason.clone(),
                columns::obtained_word(entry.obtained),
                entry.origin.source.map(|source| source.to_string()),
                entry.origin.user_agent.clone(),
                entry.origin.correlation_id.clone(),
                micros::from_time(entry.began_at),
                micros::from_time(entry.expires_at),
                entry.ended_at.map(micros::from_time),
                entry.end.map(columns::assistance_end_word),
            ],
        );
        begin.await?;
        Ok(())
    }

    async fn end_assistance(
        &self,
        grant: &Digest,
        end: AssistanceEnd,
        at: OffsetDateTime,
    ) -> Result<Option<AssistanceEntry>, StoreError> {
        let (at, how) = (micros::from_time(at), columns::assistance_end_word(end));
        let ending = self.command(Command::EndAssistance, parameters![grant.as_bytes().to_vec(), at, how]);
        Ok(ending.await?.first().map(entry).transpose()?)
    }

    async fn find_assistance(&self, grant: &Digest) -> Result<Option<AssistanceEntry>, StoreError> {
        let rows = self.query(Query::FindAssistance, &[&&grant.as_bytes()[..]]).await?;
        Ok(rows.first().map(entry).transpose()?)
    }

    async fn open_assistance(&self, most: usize) -> Result<Vec<AssistanceEntry>, StoreError> {
        entries(&self.query(Query::OpenAssistance, &[&limit(most)]).await?)
    }

    async fn assistance_of(
        &self,
        customer: &CustomerId,
        most: usize,
    ) -> Result<Vec<AssistanceEntry>, StoreError> {
        entries(&self.query(Query::AssistanceOf, &[&customer.to_string(), &limit(most)]).await?)
    }

    async fn erase_assistance(&self, customer: &CustomerId) -> Result<usize, StoreError> {
        Ok(removed(self.call(Command::EraseAssistance, parameters![customer.to_string()]).await?))
    }

    async fn purge_assistance(&self, until: OffsetDateTime, most: usize) -> Result<usize, StoreError> {
        let purge = self.call(Command::PurgeAssistance, parameters![micros::from_time(until), limit(most)]);
        Ok(removed(purge.await?))
    }
}

fn entries(rows: &[Row]) -> Result<Vec<AssistanceEntry>, StoreError> {
    Ok(rows.iter().map(entry).collect::<Result<_, _>>()?)
}

fn entry(row: &Row) -> Result<AssistanceEntry, Failure> {
    let ended_at: Option<i64> = row.try_get(12)?;
    let end = row.try_get::<_, Option<&str>>(13)?.map(columns::assistance_end).transpose()?;
    if ended_at.is_some() != end.is_some() {
        return Err(CorruptColumn("ended_how").into());
    }
    Ok(AssistanceEntry {
        grant: columns::digest(row.try_get(0)?)?,
        customer: columns::customer(row.try_get(1)?)?,
        website: columns::website(row.try_get(2)?)?,
        assistance: Arc::new(Assistance {
            actor: columns::admin(row.try_get(3)?)?,
            parent: columns::digest(row.try_get(4)?)?,
            reason: row.try_get(5)?,
        }),
        obtained: columns::obtained(row.try_get(6)?)?,
        origin: columns::origin(row.try_get(7)?, row.try_get(8)?, row.try_get(9)?)?,
        began_at: micros::to_time(row.try_get(10)?),
        expires_at: micros::to_time(row.try_get(11)?),
        ended_at: ended_at.map(micros::to_time),
        end,
    })
}
