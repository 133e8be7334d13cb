use super::{
    steps::{ending::conclude, freshness::require_fresh_sign_in, new_password::change},
    verify_admin,
};
use crate::{
    audit::{Action, Draft},
    credential::Credential,
    error::{Error, Field},
    service::{Services, stop::Stop},
    token::{AdminIdentity, Bearer},
};

pub(crate) async fn change_admin_password(
    services: &Services,
    bearer: Bearer<'_>,
    current: Credential,
    new: Credential,
) -> Result<(), Error> {
    current.check_bounds(Field::CurrentPassword)?;
    services.passwords.check_bounds(&new, Field::NewPassword)?;
    let who = verify_admin(services, bearer.clone()).await?;
    let event = Draft::awaited(Action::PasswordChange, bearer.origin).of_admin(who.admin_id());
    let ended = change_fresh(services, &who, (&current, &new), &event).await;
    conclude(services, &event, ended).await
}

async fn change_fresh(
    services: &Services,
    who: &AdminIdentity,
    passwords: (&Credential, &Credential),
    event: &Draft,
) -> Result<(), Stop> {
    require_fresh_sign_in(services, who).await?;
    change(services, services.admins()?, who, passwords, event).await
}
