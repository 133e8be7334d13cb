use super::Bearer;
use crate::{
    audit::{Action, AuditEvent, Refusal},
    auth::Auth,
    error::Error,
    notifier::Notice,
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
    /// - [`Error::Unavailable`]: it may be set.
    pub async fn set_remote_shopping_assistance(
        &self,
        bearer: impl Into<Bearer<'_>>,
        allowed: bool,
    ) -> Result<(), Error> {
        let bearer = bearer.into();
        let action = if allowed { Action::ConsentGiven } else { Action::ConsentWithdrawn };
        let who = self.customer_self(&bearer, action).await?;
        let event = AuditEvent::by_customer(action, &who, bearer.origin());
        let ended = match self.parts.customers.set_assistance(who.customer_id(), allowed).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Refusal::UnknownAccount.told(Error::InvalidToken)),
            Err(error) => Err(error.into()),
        };
        self.conclude(&event, ended).await?;
        if !allowed {
            self.settle_ledger_of(who.customer_id(), bearer.origin()).await;
        }
        // The host may have moved the customer to another website since; the account is still the customer's.
        if let Ok(Some(row)) = self.parts.customers.find_by_id(who.customer_id()).await
            && row.id == *who.customer_id()
        {
            self.notify(&row, Notice::AssistanceConsent { allowed }, bearer.origin());
        }
        Ok(())
    }
}
