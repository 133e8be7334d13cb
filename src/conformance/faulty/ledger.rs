use std::{cmp::Reverse, time::Duration};

use async_trait::async_trait;
use time::OffsetDateTime;

use super::Faulty;
use crate::{
    account::CustomerId,
    conformance::Fault,
    error::StoreError,
    store::{AssistanceEnd, AssistanceEntry, LedgerStore, Store},
    token::Digest,
};

/// More entries than a case begins.
const ALL: usize = 1_000;

impl<S: Store> Faulty<S> {
    /// Notes the end of what has not ended and is of this customer, or of any, and began until then.
    async fn end_open(&self, customer: Option<&CustomerId>, until: OffsetDateTime) -> Result<(), StoreError> {
        for open in self.inner.open_assistance(ALL).await? {
            if customer.is_none_or(|customer| open.customer == *customer) && open.began_at <= until {
                self.inner.end_assistance(&open.grant, AssistanceEnd::Expired, until).await?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl<S: Store> LedgerStore for Faulty<S> {
    async fn begin_assistance(&self, entry: &AssistanceEntry) -> Result<(), StoreError> {
        let ended = self.memory().ended.remove(&entry.grant);
        match (self.fault, ended) {
            (Fault::LosesEntries, _) => return Ok(()),
            (Fault::ReopensEntries, Some(ended)) => {
                self.inner.erase_assistance(&ended.customer).await?;
            }
            _ => {}
        }
        self.memory().entries.insert(entry.grant, entry.clone());
        self.inner.begin_assistance(entry).await
    }

    async fn end_assistance(
        &self,
        grant: &Digest,
        end: AssistanceEnd,
        at: OffsetDateTime,
    ) -> Result<Option<AssistanceEntry>, StoreError> {
        let answer = self.inner.end_assistance(grant, end, at).await?;
        let mut memory = self.memory();
        if let Some(entry) = answer {
            memory.ended.insert(entry.grant, entry.clone());
            return Ok(Some(entry));
        }
        match (self.fault, memory.ended.get_mut(grant)) {
            (Fault::EndsTwice, Some(ended)) => Ok(Some(ended.clone())),
            (Fault::OverwritesEnds, Some(ended)) => {
                (ended.ended_at, ended.end) = (Some(at), Some(end));
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    async fn find_assistance(&self, grant: &Digest) -> Result<Option<AssistanceEntry>, StoreError> {
        self.inner.find_assistance(grant).await
    }

    async fn open_assistance(&self, limit: usize) -> Result<Vec<AssistanceEntry>, StoreError> {
        let mut open = self.inner.open_assistance(limit).await?;
        match self.fault {
            Fault::ShowsTheNewestOpenFirst => open.reverse(),
            Fault::OverwritesEntries => {
                let memory = self.memory();
                let latest = open.iter().filter_map(|entry| memory.entries.get(&entry.grant));
                open = latest.cloned().collect();
            }
            _ => {}
        }
        Ok(open)
    }

    async fn assistance_of(
        &self,
        customer: &CustomerId,
        limit: usize,
    ) -> Result<Vec<AssistanceEntry>, StoreError> {
        let mut entries = self.inner.assistance_of(customer, limit).await?;
        match self.fault {
            Fault::ShowsTheOldestFirst => entries.reverse(),
            Fault::ShowsEntriesOfOthers => {
                let open = self.inner.open_assistance(ALL).await?;
                entries.extend(open.into_iter().filter(|open| open.customer != *customer));
                entries.sort_by_key(|entry| Reverse(entry.began_at));
                entries.truncate(limit);
            }
            Fault::OverwritesEnds => {
                let memory = self.memory();
                let latest =
                    |entry: &AssistanceEntry| memory.ended.get(&entry.grant).unwrap_or(entry).clone();
                entries = entries.iter().map(latest).collect();
            }
            _ => {}
        }
        Ok(entries)
    }

    async fn erase_assistance(&self, customer: &CustomerId) -> Result<usize, StoreError> {
        match self.fault {
            Fault::ForgetsErasure => {
                let entries = self.inner.assistance_of(customer, ALL).await?;
                Ok(entries.iter().filter(|entry| entry.ended_at.is_some()).count())
            }
            Fault::ErasesOpenEntries => {
                let ended = self.inner.erase_assistance(customer).await?;
                self.end_open(Some(customer), far_future()).await?;
                self.inner.erase_assistance(customer).await?;
                Ok(ended)
            }
            _ => self.inner.erase_assistance(customer).await,
        }
    }

    async fn purge_assistance(&self, until: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        match self.fault {
            Fault::PurgesOpenEntries => {
                let ended = self.inner.purge_assistance(until, limit).await?;
                self.end_open(None, until).await?;
                self.inner.purge_assistance(until, limit).await?;
                Ok(ended)
            }
            Fault::PurgesLaterEntries => {
                self.inner.purge_assistance(until + Duration::from_micros(1), limit).await
            }
            Fault::PurgesEntriesWithoutLimit => self.inner.purge_assistance(until, usize::MAX >> 1).await,
            _ => self.inner.purge_assistance(until, limit).await,
        }
    }
}

/// An instant after every entry of a case.
fn far_future() -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::from_secs(1 << 33)
}
