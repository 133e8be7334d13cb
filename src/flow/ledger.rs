//! The ledger of assistance: entered before a token is stored, closed when it is over, and true whenever it is read.

use super::ending::Stop;
use crate::{
    account::{AdminId, CustomerId, CustomerRecord},
    audit::Refusal,
    auth::Auth,
    error::Error,
    notifier::Notice,
    store::Generation,
    token::{AssistanceEnd, AssistanceEntry, Digest, Grant, Origin},
};

/// The most entries of one list. Those of the shop beyond it are left to the host's timer, [`Auth::purge`].
pub(super) const ENTRIES: usize = 1000;

impl Auth {
    /// Stores the grant of an assistance that is in the ledger by then, and tells the customer that it begins.
    pub(super) async fn store_assistance(
        &self,
        row: &CustomerRecord,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
    ) -> Result<(), Stop> {
        let Some(entry) = AssistanceEntry::of(grant, origin) else { return Err(Error::NotAuthorized.into()) };
        self.parts.ledger.begin(&entry).await?;
        if let Err(stop) = self.store_grant(grant, origin, generation).await {
            // If it cannot be noted now, it is found out when the ledger is read.
            let _ = self.parts.ledger.end(&entry.customer, &grant.digest, AssistanceEnd::NotIssued).await;
            return Err(stop);
        }
        let notice = Notice::AssistanceBegan {
            actor: entry.assistance.actor.clone(),
            reason: entry.assistance.reason.clone(),
            grant: entry.grant,
            expires_at: entry.expires_at,
        };
        self.notify(row, notice, origin);
        Ok(())
    }

    /// Notes that an assistance is over whose token has ended, and tells the customer: once, whoever notes it first.
    /// What cannot be noted now is found out when the ledger is read.
    pub(super) async fn close_assistance(
        &self,
        customer: &CustomerId,
        grant: &Digest,
        end: AssistanceEnd,
        origin: &Origin,
    ) {
        let _ = self.try_close(customer, grant, end, origin).await;
    }

    /// Closes every assistance of a customer that is over. If it returns `Ok`, none of them revives.
    pub(super) async fn settle_ledger_of(&self, customer: &CustomerId, origin: &Origin) -> Result<(), Error> {
        if self.parts.admins.is_none() {
            return Ok(());
        }
        let mut after = None;
        loop {
            let page = self.parts.ledger.of(customer, after.as_ref(), ENTRIES).await?;
            self.settle_ledger(page.entries, origin).await?;
            let Some(next) = page.next else { return Ok(()) };
            after = Some(next);
        }
    }

    /// Closes the assistances of an admin user that are over, among the oldest of the shop. The tokens of the others
    /// are no better for it: their ends are noted later.
    pub(super) async fn settle_ledger_by(&self, actor: &AdminId, origin: &Origin) {
        if let Ok(mut page) = self.parts.ledger.open(None, ENTRIES).await {
            page.entries.retain(|entry| entry.assistance.actor == *actor);
            let _ = self.settle_ledger(page.entries, origin).await;
        }
    }

    /// Closes what is over of these entries, and answers all of them as they are now. Those whose token was never issued
    /// are none.
    pub(super) async fn settle_ledger(
        &self,
        entries: Vec<AssistanceEntry>,
        origin: &Origin,
    ) -> Result<Vec<AssistanceEntry>, Error> {
        let mut settled = Vec::with_capacity(entries.len());
        for mut entry in entries {
            if entry.ended_at.is_none()
                && let Some(end) = self.end_of(&entry).await?
            {
                // Whoever is told that it has ended must not see it revive; nor begin, if its token is yet to be stored.
                let now = self.parts.clock.now();
                self.parts.tokens.revoke(&entry.grant, now, entry.expires_at).await?;
                let (customer, grant) = (entry.customer, entry.grant);
                let noted = match self.try_close(&customer, &grant, end, origin).await? {
                    // Another caller has noted an end in this moment, or has erased the entry.
                    None => self.parts.ledger.find(&customer, &grant).await?,
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

    /// How an assistance has ended that the ledger takes for open, if it has.
    async fn end_of(&self, entry: &AssistanceEntry) -> Result<Option<AssistanceEnd>, Error> {
        let now = self.parts.clock.now();
        if now >= entry.expires_at {
            return Ok(Some(AssistanceEnd::Expired));
        }
        if self.parts.tokens.find(&entry.grant, now).await?.is_none() {
            return Ok(Some(AssistanceEnd::Withdrawn));
        }
        match self.assistance_holds(&entry.customer, &entry.assistance).await {
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
        let closed = self.parts.ledger.end(customer, grant, end).await?;
        if let Some(entry) = &closed
            && let Ok(Some(row)) = self.parts.customers.find_by_id(customer).await
            && row.id == *customer
        {
            let (actor, began_at) = (entry.assistance.actor.clone(), entry.began_at);
            self.notify(&row, Notice::AssistanceEnded { actor, began_at, end }, origin);
        }
        Ok(closed)
    }
}
