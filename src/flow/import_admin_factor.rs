use super::steps::{
    credentials::{Ends, end_credentials, let_stand},
    ending::conclude,
};
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
    let subject = Subject::Admin(admin.clone());
    let generation = services.tokens.generation(&subject).await?;
    let admin = services.admins()?.active(admin).await?;
    let taken = || Refusal::AlreadyEnrolled.told(SecondFactorError::AlreadyEnrolled);
    if factors.factor(&admin.id).await?.is_some() {
        return Err(taken());
    }
    let factor = factors.adopt(&admin.id, secret)?;
    trail.begin(event).await?;
    let earlier = match factors.import(&factor).await {
        Ok(Some(earlier)) => earlier,
        Ok(None) => return Err(taken()),
        Err(error) => {
            // The store has possibly stored the second factor although the request failed. So all
            // earlier tokens of the admin user are ended.
            end_credentials(services, &subject, None, &event.origin).await?;
            return Err(error.into());
        }
    };
    notices.tell_admin(&admin, AdminNotice::FactorActivated, &event.origin);
    let undo = factors.restore(&admin.id, factor.id, &earlier);
    let stands = let_stand(services, &subject, generation, Ends::All, &event.origin, undo).await;
    stands.map_err(|stop| stop.refused_as(Error::Conflict))
}
