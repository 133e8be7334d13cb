use crate::{
    account::CustomerId,
    audit::{Action, Draft},
    auth::Auth,
    error::Error,
    token::{Digest, Origin, Subject},
};

/// What a host did to a customer account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CustomerChange {
    /// The account may no longer sign in: its row has [`AccountStatus::Disabled`](crate::AccountStatus::Disabled).
    Disabled,
    /// The account is gone.
    Deleted,
    /// The account has another e-mail address.
    EmailChanged,
    /// The account has another password, which the host has set.
    PasswordChanged,
}

impl Auth {
    /// Ends all tokens, reset tokens and one-time codes of a customer whose account the host has changed, those of sign-ins in
    /// flight too. Call it after the change is stored; it may be called again.
    ///
    /// # Security
    ///
    /// A change of the row ends nothing by itself, since tokens are verified without the row: the tokens of a disabled or
    /// deleted customer live on until they expire, unless this is called.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: some may still live; call it again.
    pub async fn customer_changed(&self, customer: &CustomerId, change: CustomerChange) -> Result<(), Error> {
        match change {
            CustomerChange::Disabled
            | CustomerChange::Deleted
            | CustomerChange::EmailChanged
            | CustomerChange::PasswordChanged => {
                let event = Draft::about(Action::AccountChange, &Origin::default()).of_customer(customer);
                let ended = self.end_credentials(customer, None, &event.origin).await;
                self.conclude(&event, ended.map_err(Into::into)).await
            }
        }
    }

    /// Ends a customer's one-time credentials, and all tokens but one. A one-time credential ends with the
    /// generation that it was made under.
    pub(super) async fn end_credentials(
        &self,
        customer: &CustomerId,
        keep: Option<&Digest>,
        origin: &Origin,
    ) -> Result<(), Error> {
        self.end_tokens(&Subject::Customer(customer.clone()), keep).await?;
        // What cannot be closed now is, when the ledger is read.
        let _ = self.settle_ledger_of(customer, origin).await;
        Ok(())
    }
}
