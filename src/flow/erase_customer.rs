use crate::{
    account::CustomerId,
    audit::{Action, Draft},
    auth::Auth,
    error::{Error, StoreError},
    token::{Origin, Subject},
};

#[derive(Debug, thiserror::Error)]
#[error("an assistance of the customer's began in this moment, or could not be ended")]
struct NotEnded;

impl Auth {
    /// Forgets a customer: for a host that has removed the account because its owner asked to be forgotten (GDPR article
    /// 17).
    ///
    /// All tokens, reset tokens and one-time codes end; the ledger of assistance is emptied; and the audit trail loses what
    /// is personal in its events of the customer (the id, addresses, user agents, reasons), while what was done, when and by
    /// which admin user stays. A signed trail still verifies. That it was done is an event of its own, without the
    /// customer's id.
    ///
    /// It finds what was kept before it was called. Where several nodes run, call it again once the others have
    /// [flushed](Self::flush_audit) what they had queued. A one-time code that is being made at this moment may be
    /// stored after it, with the customer's id and the reason: it is good for nothing, and is removed an hour after
    /// its expiry. So are those in a host's own [`OtcStore`](crate::store::OtcStore).
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: some of it may be done; call it again. A trail that cannot forget is among the reasons.
    pub async fn erase_customer(&self, customer: &CustomerId) -> Result<(), Error> {
        self.end_credentials(customer, None, &Origin::default()).await?;
        self.parts.codes.erase(customer).await?;
        self.parts.ledger.erase(customer).await?;
        if !self.parts.ledger.of(customer, None, 1).await?.entries.is_empty() {
            return Err(StoreError::new(NotEnded).into());
        }
        // What is queued would come after the erasure.
        self.flush_audit().await;
        self.parts.trail.erase(&Subject::Customer(customer.clone())).await?;
        let event = Draft::about(Action::Erasure, &Origin::default());
        self.conclude(&event, Ok(())).await
    }
}
