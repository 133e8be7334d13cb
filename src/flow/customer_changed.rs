use super::steps::{credentials::end_credentials, ending::conclude};
use crate::{
    account::CustomerId,
    audit::{Action, Draft},
    error::Error,
    service::Services,
    token::{Origin, Subject},
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

pub(crate) async fn customer_changed(
    services: &Services,
    customer: &CustomerId,
    change: CustomerChange,
) -> Result<(), Error> {
    match change {
        CustomerChange::Disabled
        | CustomerChange::Deleted
        | CustomerChange::EmailChanged
        | CustomerChange::PasswordChanged => {
            let event = Draft::queued(Action::AccountChange, &Origin::default()).of_customer(customer);
            let subject = Subject::Customer(customer.clone());
            let ended = end_credentials(services, &subject, None, &event.origin).await;
            conclude(services, &event, ended.map_err(Into::into)).await
        }
    }
}
