use super::Bearer;
use crate::{
    audit::{Action, Draft},
    auth::Auth,
    config::RevokeScope,
    error::Error,
    token::{AssistanceEnd, CustomerIdentity, Digest, Subject},
};

/// Which token stays when all of a customer's are revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Keep {
    /// The one that was presented: "sign out everywhere else".
    Presented,
    /// None.
    Nothing,
}

impl Auth {
    /// Ends the token presented: Commerce's `revokeCustomerToken`. Once it has returned, no node accepts the
    /// token.
    ///
    /// Commerce ends all of the customer's tokens; set [`AuthConfig::revoke`](crate::AuthConfig::revoke) to
    /// [`RevokeScope::All`] for that, as by [`revoke_all_customer_tokens`](Self::revoke_all_customer_tokens). A token born of assistance only ever ends itself.
    ///
    /// # Errors
    ///
    /// As [`verify_customer`](Self::verify_customer).
    pub async fn revoke_customer_token(&self, bearer: impl Into<Bearer<'_>>) -> Result<(), Error> {
        let bearer = bearer.into();
        let who = self.verify_customer(bearer.clone()).await?;
        if self.config().revoke == RevokeScope::All && who.require_self().is_ok() {
            return self.revoke_all(&who, None, &bearer).await;
        }
        let event = Draft::by_customer(Action::TokenRevoke, &who, bearer.origin());
        let ended = self.revoke(who.grant()).await.map(drop);
        if ended.is_ok() && who.actor().is_some() {
            let end = AssistanceEnd::SignedOut;
            self.close_assistance(who.customer_id(), who.grant(), end, bearer.origin()).await;
        }
        self.conclude(&event, ended.map_err(Into::into)).await
    }

    /// Ends all of the customer's tokens, or all but the one presented, and the outstanding reset tokens and
    /// one-time codes: one atomic step, which a sign-in in flight does not survive and a later one does.
    ///
    /// # Errors
    ///
    /// As [`verify_customer`](Self::verify_customer), and [`Error::NotAuthorized`] for a token born of
    /// assistance.
    pub async fn revoke_all_customer_tokens(
        &self,
        bearer: impl Into<Bearer<'_>>,
        keep: Keep,
    ) -> Result<(), Error> {
        let bearer = bearer.into();
        let who = self.customer_self(&bearer, Action::AllTokensRevoke).await?;
        let keep = (keep == Keep::Presented).then(|| *who.grant());
        self.revoke_all(&who, keep.as_ref(), &bearer).await
    }

    /// Ends one of the customer's other tokens, named as [`list_customer_tokens`](Self::list_customer_tokens)
    /// names it. Answers whether the customer had it.
    ///
    /// # Errors
    ///
    /// As [`verify_customer`](Self::verify_customer), and [`Error::NotAuthorized`] for a token born of
    /// assistance.
    pub async fn revoke_listed_customer_token(
        &self,
        bearer: impl Into<Bearer<'_>>,
        grant: &Digest,
    ) -> Result<bool, Error> {
        let bearer = bearer.into();
        let who = self.customer_self(&bearer, Action::TokenRevoke).await?;
        let found = self.parts.tokens.find(grant, self.parts.clock.now()).await?;
        let subject = Subject::Customer(who.customer_id().clone());
        let Some(found) = found.filter(|found| found.subject == subject) else { return Ok(false) };
        let mut event = Draft::by_customer(Action::TokenRevoke, &who, bearer.origin());
        event.grant = Some(*grant);
        let ended = self.revoke(grant).await;
        if ended.is_ok() && found.assistance.is_some() {
            let end = AssistanceEnd::EndedByCustomer;
            self.close_assistance(who.customer_id(), grant, end, bearer.origin()).await;
        }
        self.conclude(&event, ended.map_err(Into::into)).await
    }

    pub(super) async fn revoke(&self, grant: &Digest) -> Result<bool, Error> {
        let now = self.parts.clock.now();
        Ok(self.parts.tokens.revoke(grant, now, now).await?)
    }

    async fn revoke_all(
        &self,
        who: &CustomerIdentity,
        keep: Option<&Digest>,
        bearer: &Bearer<'_>,
    ) -> Result<(), Error> {
        let event = Draft::by_customer(Action::AllTokensRevoke, who, bearer.origin());
        let subject = Subject::Customer(who.customer_id().clone());
        let ended = self.end_tokens(&subject, keep).await;
        let _ = self.settle_ledger_of(who.customer_id(), bearer.origin()).await;
        self.conclude(&event, ended.map_err(Into::into)).await
    }
}
