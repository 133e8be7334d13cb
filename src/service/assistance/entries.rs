//! The entries of the ledger: made before a token is stored, closed when it is over, and true whenever they
//! are read.

use super::{Assistance, Page};
use crate::{
    account::{AdminId, CustomerId, CustomerRecord},
    audit::Refusal,
    error::{Error, StoreError, TokenError},
    notifier::Notice,
    service::stop::Stop,
    store::{Generation, Position},
    token::{AssistanceEnd, AssistanceEntry, Digest, Grant, Origin},
};

impl Assistance {
    /// The most entries of one list. Those of the shop beyond it are left to the host's timer,
    /// [`Auth::purge`](crate::Auth::purge).
    pub(crate) const ENTRIES: usize = 1000;

    /// Enters an assistance, stores its grant, and tells the customer that it begins.
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
            // If it cannot be noted now, it is found out when the ledger is read.
            let _ = self.ledger.end(&entry.customer, &grant.digest, AssistanceEnd::NotIssued).await;
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

    /// Notes that an assistance is over whose token has ended, and tells the customer: once, whoever notes it
    /// first. What cannot be noted now is found out when the ledger is read.
    pub(crate) async fn close(
        &self,
        customer: &CustomerId,
        grant: &Digest,
        end: AssistanceEnd,
        origin: &Origin,
    ) {
        let _ = self.try_close(customer, grant, end, origin).await;
    }

    /// The entry of a customer's grant, ended or not.
    pub(crate) async fn entry(
        &self,
        customer: &CustomerId,
        grant: &Digest,
    ) -> Result<Option<AssistanceEntry>, StoreError> {
        self.ledger.find(customer, grant).await
    }

    /// The newest entries of a customer, after those that are over are closed.
    pub(crate) async fn list_of(
        &self,
        customer: &CustomerId,
        origin: &Origin,
    ) -> Result<Vec<AssistanceEntry>, Error> {
        let page = self.ledger.of(customer, None, Self::ENTRIES).await?;
        self.settle(page.entries, origin).await
    }

    /// At most `limit` entries of the shop that have not ended, the oldest first, after those that are over are
    /// closed.
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

    /// Closes every assistance of a customer that is over. If it returns `Ok`, none of them revives.
    pub(crate) async fn settle_of(&self, customer: &CustomerId, origin: &Origin) -> Result<(), Error> {
        if self.admins.is_none() {
            return Ok(());
        }
        let mut after: Option<Position> = None;
        loop {
            let Page { entries, next } = self.ledger.of(customer, after.as_ref(), Self::ENTRIES).await?;
            self.settle(entries, origin).await?;
            let Some(next) = next else { return Ok(()) };
            after = Some(next);
        }
    }

    /// Closes the assistances of an admin user that are over, among the oldest of the shop. The tokens of the
    /// others are no better for it: their ends are noted later.
    pub(crate) async fn settle_by(&self, actor: &AdminId, origin: &Origin) {
        if let Ok(mut page) = self.ledger.open(None, Self::ENTRIES).await {
            page.entries.retain(|entry| entry.assistance.actor == *actor);
            let _ = self.settle(page.entries, origin).await;
        }
    }

    /// Removes every entry of a customer that has ended. Returns false if there is one that has not.
    pub(crate) async fn erase(&self, customer: &CustomerId) -> Result<bool, StoreError> {
        self.ledger.erase(customer).await?;
        Ok(self.ledger.of(customer, None, 1).await?.entries.is_empty())
    }

    /// Closes what is over of these entries, and answers all of them as they are now. Those whose token was
    /// never issued are left out.
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
                // Whoever is told that it has ended must not see it revive; nor begin, if its token is yet to
                // be stored.
                self.tokens.bar(&entry.grant, entry.expires_at).await?;
                let (customer, grant) = (entry.customer, entry.grant);
                let noted = match self.try_close(&customer, &grant, end, origin).await? {
                    // Another caller has noted an end in this moment, or has erased the entry.
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

    /// The end of an assistance that the ledger takes for open, if it has ended.
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
        grant: &Digest,
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
