use super::steps::{credentials::end_credentials, ending::conclude};
use crate::{
    account::AdminId,
    audit::{Action, Draft, Refusal},
    credential::TotpSecret,
    error::{Error, SecondFactorError},
    notifier::AdminNotice,
    service::{Services, stop::Stop},
    token::{Origin, Subject},
};

pub(crate) async fn import_admin_factor(
    services: &Services,
    admin: &AdminId,
    secret: &TotpSecret,
) -> Result<(), Error> {
    let event = Draft::awaited(Action::FactorActivation, &Origin::default()).of_admin(admin);
    let ended = import(services, admin, secret, &event).await;
    conclude(services, &event, ended).await
}

async fn import(
    services: &Services,
    admin: &AdminId,
    secret: &TotpSecret,
    event: &Draft,
) -> Result<(), Stop> {
    let Services { factors, notices, trail, .. } = services;
    let admin = services.admins()?.active(admin).await?;
    let taken = || Refusal::AlreadyEnrolled.told(SecondFactorError::AlreadyEnrolled);
    if factors.factor(&admin.id).await?.is_some() {
        return Err(taken());
    }
    let factor = factors.adopt(&admin.id, secret)?;
    trail.begin(event).await?;
    let subject = Subject::Admin(admin.id.clone());
    // Before, so that a store that cannot end tokens stops it early; and after, for those that came in between.
    end_credentials(services, &subject, None, &event.origin).await?;
    if !factors.import(&factor).await? {
        return Err(taken());
    }
    notices.tell_admin(&admin, AdminNotice::FactorActivated, &event.origin);
    Ok(end_credentials(services, &subject, None, &event.origin).await?)
}
