use super::{
    steps::{ending::conclude, password::confirm},
    verify_customer::customer_self,
};
use crate::{
    audit::{Action, Draft},
    credential::Credential,
    error::{Error, Field},
    service::{Services, accounts::Account, attempts::Attempted, stop::Stop},
    token::{Bearer, CustomerIdentity},
};

pub(crate) async fn confirm_password(
    services: &Services,
    bearer: Bearer<'_>,
    password: Credential,
) -> Result<(), Error> {
    password.check_bounds(Field::Password)?;
    let who = customer_self(services, &bearer, Action::PasswordConfirmation).await?;
    let event = Draft::by_customer(Action::PasswordConfirmation, &who, bearer.origin);
    let ended = within_budget(services, &who, &password, &event).await;
    conclude(services, &event, ended).await
}

async fn within_budget(
    services: &Services,
    who: &CustomerIdentity,
    password: &Credential,
    event: &Draft,
) -> Result<(), Stop> {
    let address = services.customers.own(who).await?.name()?;
    let attempted = Attempted::confirmation(&address, &services.config);
    confirm(services, &services.customers, who, password, attempted, event).await.map(drop)
}
