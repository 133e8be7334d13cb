use super::steps::{credentials::end_credentials, ending::conclude};
use crate::{
    account::CustomerId,
    audit::{Action, Draft},
    error::Error,
    service::Services,
    token::{Origin, Subject},
};

pub(crate) async fn customer_changed(services: &Services, customer: &CustomerId) -> Result<(), Error> {
    let event = Draft::awaited(Action::AccountChange, &Origin::default()).of_customer(customer);
    let subject = Subject::Customer(customer.clone());
    let ended = end_credentials(services, &subject, None, &event.origin).await;
    let forgotten = services.attempts.forget_devices(&subject).await.map_err(Error::from);
    let ended = ended.and(forgotten);
    conclude(services, &event, ended.map_err(Into::into)).await
}
