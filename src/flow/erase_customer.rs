use super::steps::{credentials::end_credentials, ending::conclude};
use crate::{
    account::CustomerId,
    audit::{Action, Draft},
    error::{Error, StoreError},
    service::Services,
    token::{Origin, Subject},
};

#[derive(Debug, thiserror::Error)]
#[error("an assistance of the customer has just begun or could not be ended: erase the customer again")]
struct NotEnded;

pub(crate) async fn erase_customer(services: &Services, customer: &CustomerId) -> Result<(), Error> {
    let subject = Subject::Customer(customer.clone());
    end_credentials(services, &subject, None, &Origin::default()).await?;
    services.one_time.erase(customer).await?;
    services.attempts.forget_devices(&subject).await?;
    if !services.assistance.erase(customer).await? {
        return Err(StoreError::new(NotEnded).into());
    }
    // The audit trail first records the queued events about the customer. Otherwise the sink would
    // record these events after it has erased the customer, and they would stay.
    services.trail.flush().await;
    services.trail.erase(&subject).await?;
    let event = Draft::awaited(Action::Erasure, &Origin::default());
    conclude(services, &event, Ok(())).await
}
