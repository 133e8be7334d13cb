//! The ledger of assistance: the list of all assistances of a shop.

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use crate::service::{Documents, Held};
use crate::{
    account::CustomerId,
    error::StoreError,
    state::{
        ledger::{
            Beginning, Ending, ErasingEntries, FindingEntry, decode_entry, of_customer_index, open_index,
        },
        of_customer,
    },
    store::{Index, Listed, Position},
    token::{AssistanceEnd, AssistanceEntry, GrantId},
};

/// The ledger of assistance. A customer can list the assistances to this customer. An admin user
/// with the permission `AssistanceLog` can list the open assistances of the shop. The ledger does
/// not decide if an assistance token is valid.
#[derive(Debug)]
pub(crate) struct Ledger {
    documents: Arc<Documents>,
    /// The time for which an entry is kept after the end of its assistance.
    history: Duration,
}

/// Entries of the ledger in the order of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LedgerPage {
    pub(crate) entries: Vec<AssistanceEntry>,
    /// The position of the last entry, if more entries may follow.
    pub(crate) next: Option<Position>,
}

impl Ledger {
    pub(crate) const fn new(documents: Arc<Documents>, history: Duration) -> Self {
        Self { documents, history }
    }

    /// Writes the entry of an assistance, before its token is stored. If the grant already has an
    /// entry, that entry is not changed.
    pub(crate) async fn begin(&self, entry: &AssistanceEntry) -> Result<(), StoreError> {
        self.documents.change(&of_customer(&entry.customer), &Beginning { entry }).await?.kept()
    }

    /// Records the end of an assistance, if no end is recorded yet. The recorded time is now, or
    /// the expiry of the token if the token has already expired. If several callers record the end,
    /// exactly one of them gets the changed entry and notifies the customer. The others get none,
    /// and the recorded end stays.
    pub(crate) async fn end(
        &self,
        customer: &CustomerId,
        grant: &GrantId,
        end: AssistanceEnd,
    ) -> Result<Option<AssistanceEntry>, StoreError> {
        let ending = Ending { grant, end, history: self.history };
        self.documents.change(&of_customer(customer), &ending).await?.kept()
    }

    /// Returns the customer's entry of a grant. The assistance may have ended.
    pub(crate) async fn find(
        &self,
        customer: &CustomerId,
        grant: &GrantId,
    ) -> Result<Option<AssistanceEntry>, StoreError> {
        self.documents.change(&of_customer(customer), &FindingEntry { grant }).await?.kept()
    }

    /// Returns at most `limit` entries of a customer, the newest first.
    pub(crate) async fn of(
        &self,
        customer: &CustomerId,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<LedgerPage, StoreError> {
        self.page(&of_customer_index(customer), after, limit).await
    }

    /// Returns at most `limit` entries of the shop that have not ended, the oldest first.
    pub(crate) async fn open(
        &self,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<LedgerPage, StoreError> {
        let mut page = self.page(&open_index(), after, limit).await?;
        page.entries.retain(|entry| entry.ended_at.is_none());
        Ok(page)
    }

    /// Removes the closed entries of a customer, and returns the number of removed entries. If the
    /// call fails, some entries are possibly removed.
    pub(crate) async fn erase(&self, customer: &CustomerId) -> Result<usize, StoreError> {
        let (partition, index) = (of_customer(customer), of_customer_index(customer));
        let (mut erased, mut after) = (0, None);
        loop {
            let listed = self.documents.list(&index, after.as_ref(), ErasingEntries::MAX).await?;
            let Some(last) = listed.last() else { return Ok(erased) };
            let (last, is_full) = (last.position.clone(), listed.len() >= ErasingEntries::MAX);
            let keys = listed.iter().map(|listed| listed.position.key.clone()).collect();
            let documents = listed.into_iter().map(|listed| Some(listed.document)).collect();
            let erasing = ErasingEntries { keys };
            let mut held = Held::of(&partition, &erasing, documents)?;
            erased += self.documents.change_held(&mut held, &erasing).await?.kept()?;
            if !is_full {
                return Ok(erased);
            }
            after = Some(last);
        }
    }

    async fn page(
        &self,
        index: &Index,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<LedgerPage, StoreError> {
        let listed = self.documents.list(index, after, limit).await?;
        let next = listed.last().filter(|_| listed.len() >= limit).map(|last| last.position.clone());
        let decode = |Listed { document, .. }: &Listed| decode_entry(&document.bytes);
        let entries = listed.iter().map(decode).collect::<Result<_, _>>().map_err(StoreError::new)?;
        Ok(LedgerPage { entries, next })
    }
}
