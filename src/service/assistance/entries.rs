//! The entries of the ledger of assistance. An entry is written before the assistance token is
//! stored. An assistance can end without a call of the library, for example when its token expires.
//! So an operation that lists entries first closes the entries of ended assistances.

use super::{Assistances, LedgerPage};
use crate::{
    account::{AdminId, CustomerId, CustomerRecord},
    audit::Refusal,
    error::{Error, StoreError, TokenError},
    notifier::Notice,
    service::stop::Stop,
    store::{Generation, Position},
    token::{AssistanceEnd, AssistanceEntry, Grant, GrantId, Origin},
};

impl Assistances {
    /// Maximum number of entries in one list. The host calls [`Auth::purge`](crate::Auth::purge)
    /// regularly, which closes the entries of ended assistances. So the list of open entries stays
    /// short.
    pub(crate) const ENTRIES: usize = 1000;

    /// Begins an assistance: writes the entry in the ledger, stores the grant, and notifies the
    /// customer.
    pub(crate) async fn begin(
        &self,
        row: &CustomerRecord,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
    ) -> Result<(), Stop> {
        let Some(entry) = AssistanceEntry::of(grant, origin) else {
            return Err(Error::Token(TokenError::NotAuthorized).into());
        };
        self.ledger.begin(&entry).await?;
        if let Err(stop) = self.tokens.insert(grant, origin, generation).await {
            // If the end cannot be recorded now, a later listing of the ledger records it.
            let _ = self.ledger.end(&entry.customer, &grant.id, AssistanceEnd::NotIssued).await;
            return Err(stop);
        }
        let notice = Notice::AssistanceBegan {
            actor: entry.assistance.actor.clone(),
            reason: entry.assistance.reason.clone(),
            grant: entry.grant,
            expires_at: entry.expires_at,
        };
        self.notices.tell_customer(row, notice, origin);
        Ok(())
    }

    /// Records the end of an assistance whose token has ended, and notifies the customer. If
    /// several callers close the same entry, only the first one notifies the customer. If the end
    /// cannot be recorded now, a later listing of the ledger records it.
    pub(crate) async fn close(
        &self,
        customer: &CustomerId,
        grant: &GrantId,
        end: AssistanceEnd,
        origin: &Origin,
    ) {
        let _ = self.try_close(customer, grant, end, origin).await;
    }

    /// Returns the ledger entry of a customer's grant. The assistance may have ended.
    pub(crate) async fn entry(
        &self,
        customer: &CustomerId,
        grant: &GrantId,
    ) -> Result<Option<AssistanceEntry>, StoreError> {
        self.ledger.find(customer, grant).await
    }

    /// Returns the newest ledger entries of a customer, at most [`ENTRIES`](Self::ENTRIES). Before
    /// that, closes the entries of ended assistances among them.
    pub(crate) async fn list_of(
        &self,
        customer: &CustomerId,
        origin: &Origin,
    ) -> Result<Vec<AssistanceEntry>, Error> {
        let page = self.ledger.of(customer, None, Self::ENTRIES).await?;
        self.settle(page.entries, origin).await
    }

    /// Reads the oldest `limit` open entries of the shop. Closes the entries of ended assistances,
    /// and returns the entries that are still open.
    pub(crate) async fn settle_open(
        &self,
        limit: usize,
        origin: &Origin,
    ) -> Result<Vec<AssistanceEntry>, Error> {
        if self.admins.is_none() {
            return Ok(Vec::new());
        }
        let page = self.ledger.open(None, limit).await?;
        let mut settled = self.settle(page.entries, origin).await?;
        settled.retain(|entry| entry.ended_at.is_none());
        Ok(settled)
    }

    /// Closes the entry of every ended assistance of a customer. If the result is `Ok`, none of
    /// these assistances can become valid again. In a shop without admin users, does nothing.
    pub(crate) async fn settle_of(&self, customer: &CustomerId, origin: &Origin) -> Result<(), Error> {
        if self.admins.is_none() {
            return Ok(());
        }
        let mut after: Option<Position> = None;
        loop {
            let LedgerPage { entries, next } =
                self.ledger.of(customer, after.as_ref(), Self::ENTRIES).await?;
            self.settle(entries, origin).await?;
            let Some(next) = next else { return Ok(()) };
            after = Some(next);
        }
    }

    /// Closes the entries of an admin user's ended assistances, if they are among the
    /// [`ENTRIES`](Self::ENTRIES) oldest open entries of the shop. A later listing closes the other
    /// entries. The token of an ended assistance is refused even while its entry is open.
    pub(crate) async fn settle_by(&self, actor: &AdminId, origin: &Origin) {
        if let Ok(mut page) = self.ledger.open(None, Self::ENTRIES).await {
            page.entries.retain(|entry| entry.assistance.actor == *actor);
            let _ = self.settle(page.entries, origin).await;
        }
    }

    /// Removes the closed entries of a customer. Returns false if an open entry is left.
    pub(crate) async fn erase(&self, customer: &CustomerId) -> Result<bool, StoreError> {
        self.ledger.erase(customer).await?;
        Ok(self.ledger.of(customer, None, 1).await?.entries.is_empty())
    }

    /// Closes those of the given entries whose assistance has ended. Returns the given entries in
    /// their present state. Leaves out the entries of assistances whose token was not issued, and
    /// entries that were erased meanwhile.
    async fn settle(
        &self,
        entries: Vec<AssistanceEntry>,
        origin: &Origin,
    ) -> Result<Vec<AssistanceEntry>, Error> {
        let mut settled = Vec::with_capacity(entries.len());
        for mut entry in entries {
            if entry.ended_at.is_none()
                && let Some(end) = self.end_of(&entry).await?
            {
                // The token must be invalid before a caller can read that the assistance has ended.
                // If the token is not stored yet, `bar` also prevents that a running sign-in stores
                // it later.
                self.tokens.bar(&entry.grant, entry.expires_at).await?;
                let (customer, grant) = (entry.customer, entry.grant);
                let noted = match self.try_close(&customer, &grant, end, origin).await? {
                    // Another caller has just recorded an end, or has erased the entry.
                    None => self.ledger.find(&customer, &grant).await?,
                    closed => closed,
                };
                let Some(noted) = noted else { continue };
                entry = noted;
            }
            if entry.end != Some(AssistanceEnd::NotIssued) {
                settled.push(entry);
            }
        }
        Ok(settled)
    }

    /// Returns the end of an assistance whose entry is still open in the ledger. Returns none if
    /// the assistance has not ended.
    async fn end_of(&self, entry: &AssistanceEntry) -> Result<Option<AssistanceEnd>, Error> {
        if self.tokens.is_past(entry.expires_at) {
            return Ok(Some(AssistanceEnd::Expired));
        }
        if self.tokens.find(&entry.grant).await?.is_none() {
            return Ok(Some(AssistanceEnd::Withdrawn));
        }
        match self.require_both_sides(&entry.customer, &entry.assistance).await {
            Ok(()) => Ok(None),
            Err(Stop { why: Some(Refusal::NoConsent), .. }) => Ok(Some(AssistanceEnd::ConsentWithdrawn)),
            Err(Stop { why: Some(_), .. }) => Ok(Some(AssistanceEnd::Withdrawn)),
            Err(Stop { told, .. }) => Err(told),
        }
    }

    async fn try_close(
        &self,
        customer: &CustomerId,
        grant: &GrantId,
        end: AssistanceEnd,
        origin: &Origin,
    ) -> Result<Option<AssistanceEntry>, Error> {
        let closed = self.ledger.end(customer, grant, end).await?;
        if let Some(entry) = &closed
            && let Ok(Some(row)) = self.customers.find_by_id(customer).await
        {
            let (actor, began_at) = (entry.assistance.actor.clone(), entry.began_at);
            self.notices.tell_customer(&row, Notice::AssistanceEnded { actor, began_at, end }, origin);
        }
        Ok(closed)
    }
}
