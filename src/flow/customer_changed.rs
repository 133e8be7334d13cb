use super::steps::{credentials::end_credentials, ending::conclude};
use crate::{
    account::CustomerId,
    audit::{Action, Draft, Outcome},
    error::Error,
    notifier::Notice,
    service::Services,
    token::{Origin, Subject},
};

/// A change that the host made to a customer's account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CustomerChange {
    /// The host disabled the account, which may no longer sign in.
    Disabled,
    /// The host deleted the account.
    Deleted,
    /// The host set a new password. The customer is notified ([`Notice::PasswordSetByHost`]).
    PasswordChanged,
    /// The host replaced the account's e-mail address. The customer is notified at the earlier and
    /// at the new e-mail address ([`Notice::EmailChanged`]).
    EmailChanged {
        /// The stored e-mail address before the change.
        from: String,
    },
}

pub(crate) async fn customer_changed(
    services: &Services,
    customer: &CustomerId,
    change: CustomerChange,
) -> Result<(), Error> {
    let event = Draft::awaited(Action::AccountChange, &Origin::default()).of_customer(customer);
    let subject = Subject::Customer(customer.clone());
    let ended = end_credentials(services, &subject, None, &event.origin).await;
    let forgotten = services.attempts.forget_devices(&subject).await.map_err(Error::from);
    let ended = ended.and(forgotten);
    // The host has already stored the change. So the customer is notified of a new password or
    // e-mail address even if the tokens could not be ended. If the host repeats the call, the
    // customer is notified once more.
    tell_of_change(services, customer, change, &event.origin).await;
    conclude(services, &event, ended.map_err(Into::into)).await
}

/// Notifies the customer of a new password or e-mail address that the host set. If the customer's
/// account row cannot be read, no notice is sent, and the audit trail records the failure. This
/// failure does not change the result of the host's call.
async fn tell_of_change(services: &Services, customer: &CustomerId, change: CustomerChange, origin: &Origin) {
    let (notice, from) = match change {
        CustomerChange::Disabled | CustomerChange::Deleted => return,
        CustomerChange::PasswordChanged => (Notice::PasswordSetByHost, None),
        CustomerChange::EmailChanged { from } => (Notice::EmailChanged, Some(from)),
    };
    match services.customers.find_by_id(customer).await {
        Ok(Some(row)) => {
            if let Some(from) = from.filter(|from| *from != row.email) {
                services.notices.tell_customer_at(&from, &row, notice.clone(), origin);
            }
            services.notices.tell_customer(&row, notice, origin);
        }
        Ok(None) => {}
        Err(_) => {
            let event = Draft::queued(Action::Notification, origin).of_customer(customer);
            services.trail.note(&event, Outcome::Failed);
        }
    }
}
