use super::{
    steps::{ending::conclude, new_password::change},
    verify_customer::customer_self,
};
use crate::{
    audit::{Action, Draft},
    credential::Credential,
    error::{Error, Field},
    service::Services,
    token::Bearer,
};

pub(crate) async fn change_password(
    services: &Services,
    bearer: Bearer<'_>,
    current: Credential,
    new: Credential,
) -> Result<(), Error> {
    current.check_bounds(Field::CurrentPassword)?;
    services.passwords.check_bounds(&new, Field::NewPassword)?;
    let who = customer_self(services, &bearer, Action::PasswordChange).await?;
    let event = Draft::by_customer(Action::PasswordChange, &who, bearer.origin);
    let ended = change(services, &services.customers, &who, (&current, &new), &event).await;
    conclude(services, &event, ended).await
}
