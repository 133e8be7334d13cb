use super::{Bearer, ledger::ENTRIES};
use crate::{
    account::Permission,
    audit::{Action, Draft, Refusal},
    auth::Auth,
    error::Error,
    token::{AssistanceEnd, AssistanceEntry, Digest},
};

impl Auth {
    /// Who has assisted the customer, and who does now: the newest first, 1,000 at most. One that has no
    /// [end](AssistanceEntry::ended_at) goes on: each is checked live.
    ///
    /// # Errors
    ///
    /// As [`verify_customer`](Self::verify_customer), and [`Error::NotAuthorized`] for a token born of assistance.
    pub async fn list_assistance(
        &self,
        bearer: impl Into<Bearer<'_>>,
    ) -> Result<Vec<AssistanceEntry>, Error> {
        let bearer = bearer.into();
        let who = self.customer_self(&bearer, Action::AssistanceList).await?;
        let page = self.parts.ledger.of(who.customer_id(), None, ENTRIES).await?;
        self.settle_ledger(page.entries, bearer.origin()).await
    }

    /// Who is assisting whom now, over all customers: the longest first, 1,000 at most. Each is checked live.
    ///
    /// # Errors
    ///
    /// As [`verify_admin`](Self::verify_admin), and [`Error::NotAuthorized`] for an admin user without
    /// [`Permission::AssistanceLog`].
    pub async fn current_assistance(
        &self,
        bearer: impl Into<Bearer<'_>>,
    ) -> Result<Vec<AssistanceEntry>, Error> {
        let bearer = bearer.into();
        let who = self.verify_admin(bearer.clone()).await?;
        if !who.has_permission(Permission::AssistanceLog) {
            let event = Draft::about(Action::AssistanceList, bearer.origin()).of_admin(who.admin_id());
            let refused = Err(Refusal::NoPermission.told(Error::NotAuthorized));
            return self.conclude(&event, refused).await;
        }
        let page = self.parts.ledger.open(None, ENTRIES).await?;
        let mut settled = self.settle_ledger(page.entries, bearer.origin()).await?;
        settled.retain(|entry| entry.ended_at.is_none());
        Ok(settled)
    }

    /// Ends an assistance of the customer's, named as [`list_assistance`](Self::list_assistance) names it: its token is no
    /// good any more, on any node. Answers whether the customer was assisted through it. The consent stays: withdraw it to
    /// end all of them.
    ///
    /// # Errors
    ///
    /// As [`verify_customer`](Self::verify_customer), and [`Error::NotAuthorized`] for a token born of assistance.
    pub async fn end_assistance(&self, bearer: impl Into<Bearer<'_>>, grant: &Digest) -> Result<bool, Error> {
        let bearer = bearer.into();
        let who = self.customer_self(&bearer, Action::AssistanceEnd).await?;
        let entry = self.parts.ledger.find(who.customer_id(), grant).await?;
        let Some(entry) = entry.filter(|entry| entry.ended_at.is_none()) else { return Ok(false) };
        let mut event = Draft::by_customer(Action::AssistanceEnd, &who, bearer.origin());
        event.grant = Some(entry.grant);
        event.about_assistance(&entry.assistance);
        // Should its token be about to be stored, it is not.
        let now = self.parts.clock.now();
        let ended = self.parts.tokens.revoke(&entry.grant, now, entry.expires_at).await;
        if ended.is_ok() {
            let end = AssistanceEnd::EndedByCustomer;
            self.close_assistance(who.customer_id(), grant, end, bearer.origin()).await;
        }
        self.conclude(&event, ended.map_err(Into::into)).await
    }
}
