use async_trait::async_trait;
use redis::cmd;
use time::OffsetDateTime;

use super::{
    PURGED_AT_ONCE, RedisStore,
    answer::{bytes, pairs, size},
    ledger_records::{end_byte, read_entry, write_entry},
    script::{BEGIN_ASSISTANCE, END_ASSISTANCE, ENTRIES, ERASE_ASSISTANCE, PURGE_ASSISTANCE},
};
use crate::{
    account::CustomerId,
    error::StoreError,
    store::{AssistanceEnd, AssistanceEntry, LedgerStore, micros},
    token::Digest,
};

#[async_trait]
impl LedgerStore for RedisStore {
    async fn begin_assistance(&self, entry: &AssistanceEntry) -> Result<(), StoreError> {
        let keys = &self.0.keys;
        let call = BEGIN_ASSISTANCE
            .on([keys.entry(&entry.grant), keys.open_entries(), keys.entries_of(&entry.customer)])
            .arg(write_entry(entry))
            .arg(entry.grant.as_bytes())
            .arg(micros::from_time(entry.began_at));
        self.0.links.run_ending(call).await?;
        Ok(())
    }

    async fn end_assistance(
        &self,
        grant: &Digest,
        end: AssistanceEnd,
        at: OffsetDateTime,
    ) -> Result<Option<AssistanceEntry>, StoreError> {
        let keys = &self.0.keys;
        let call = END_ASSISTANCE
            .on([keys.entry(grant), keys.open_entries(), keys.ended_entries()])
            .arg(grant.as_bytes())
            .arg(end_byte(end))
            .arg(micros::from_time(at));
        let answer = self.0.links.run_ending(call).await?;
        let Some(record) = bytes(&answer)? else { return Ok(None) };
        Ok(Some(read_entry(grant.as_bytes(), record)?))
    }

    async fn find_assistance(&self, grant: &Digest) -> Result<Option<AssistanceEntry>, StoreError> {
        let mut question = cmd("GET");
        question.arg(self.0.keys.entry(grant));
        let answer = self.0.links.ask(&question).await?;
        Ok(bytes(&answer)?.map(|record| read_entry(grant.as_bytes(), record)).transpose()?)
    }

    async fn open_assistance(&self, limit: usize) -> Result<Vec<AssistanceEntry>, StoreError> {
        self.entries(self.0.keys.open_entries(), limit, "oldest").await
    }

    async fn assistance_of(
        &self,
        customer: &CustomerId,
        limit: usize,
    ) -> Result<Vec<AssistanceEntry>, StoreError> {
        self.entries(self.0.keys.entries_of(customer), limit, "newest").await
    }

    async fn erase_assistance(&self, customer: &CustomerId) -> Result<usize, StoreError> {
        let keys = &self.0.keys;
        let call = ERASE_ASSISTANCE.on([keys.entries_of(customer), keys.ended_entries()]).arg(keys.kind("l"));
        Ok(size(&self.0.links.run_ending(call).await?)?)
    }

    async fn purge_assistance(&self, until: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        let keys = &self.0.keys;
        let call = PURGE_ASSISTANCE
            .on([keys.ended_entries()])
            .arg(keys.kind("l"))
            .arg(keys.kind("h"))
            .arg(micros::from_time(until))
            .arg(PURGED_AT_ONCE)
            .arg(limit);
        Ok(size(&self.0.links.run(call).await?)?)
    }
}

impl RedisStore {
    /// Entries whose grants stand in an index by their begin.
    async fn entries(
        &self,
        index: Vec<u8>,
        limit: usize,
        first: &str,
    ) -> Result<Vec<AssistanceEntry>, StoreError> {
        // Beyond a signed number, the server refuses it.
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let call = ENTRIES.on([index]).arg(self.0.keys.kind("l")).arg(limit).arg(first);
        let answer = self.0.links.run(call).await?;
        pairs(&answer)?.into_iter().map(|(grant, record)| Ok(read_entry(grant, record)?)).collect()
    }
}
