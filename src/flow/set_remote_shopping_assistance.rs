use super::{Bearer, ending::Stop};
use crate::{
    audit::{Action, Draft, Refusal},
    auth::Auth,
    error::Error,
    notifier::Notice,
    token::{CustomerIdentity, Origin},
};

impl Auth {
    /// Sets the customer's consent to remote shopping assistance: Commerce's `allow_remote_shopping_assistance`. Only
    /// the customer does, never an admin user acting for the customer.
    ///
    /// Consent is read live: once it is withdrawn, the very next use of a token born of assistance is refused, and so is
    /// an outstanding code, which is spent by it. The assistance of the ledger ends with the consent: a later one does not
    /// revive it.
    ///
    /// # Errors
    ///
    /// - As [`verify_customer`](Self::verify_customer), and [`Error::NotAuthorized`] for a token born of assistance.
    /// - [`Error::InvalidToken`]: the customer is gone.
    /// - [`Error::Unavailable`]: it may be set; set it again. Once it is withdrawn, no assistance is good for anything.
    pub async fn set_remote_shopping_assistance(
        &self,
        bearer: impl Into<Bearer<'_>>,
        allowed: bool,
    ) -> Result<(), Error> {
        let bearer = bearer.into();
        let action = if allowed { Action::ConsentGiven } else { Action::ConsentWithdrawn };
        let who = self.customer_self(&bearer, action).await?;
        let event = Draft::by_customer(action, &who, bearer.origin());
        let ended = self.set_consent(&who, allowed, bearer.origin()).await;
        self.conclude(&event, ended).await?;
        // The host may have moved the customer to another website since; the account is still the customer's.
        if let Ok(Some(row)) = self.parts.customers.find_by_id(who.customer_id()).await
            && row.id == *who.customer_id()
        {
            self.notify(&row, Notice::AssistanceConsent { allowed }, bearer.origin());
        }
        Ok(())
    }

    async fn set_consent(&self, who: &CustomerIdentity, allowed: bool, origin: &Origin) -> Result<(), Stop> {
        let customer = who.customer_id();
        if allowed {
            // What an earlier withdrawal could not close, while there is no consent.
            self.settle_ledger_of(customer, origin).await?;
        }
        if !self.parts.customers.set_assistance(customer, allowed).await? {
            return Err(Refusal::UnknownAccount.told(Error::InvalidToken));
        }
        if !allowed {
            self.settle_ledger_of(customer, origin).await?;
        }
        Ok(())
    }
}
