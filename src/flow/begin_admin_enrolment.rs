use super::{
    BegunEnrolment,
    steps::{ending::conclude, enrolment::begin_enrolment, freshness::require_fresh_sign_in},
    verify_admin,
};
use crate::{
    audit::{Action, Draft},
    error::Error,
    service::{Services, stop::Stop},
    token::{AdminIdentity, Bearer, Subject},
};

pub(crate) async fn begin_admin_enrolment(
    services: &Services,
    bearer: Bearer<'_>,
) -> Result<BegunEnrolment, Error> {
    let who = verify_admin(services, bearer.clone()).await?;
    let event = Draft::awaited(Action::FactorEnrolment, bearer.origin).of_admin(who.admin_id());
    let ended = begin(services, &who, &event).await;
    conclude(services, &event, ended).await
}

async fn begin(services: &Services, who: &AdminIdentity, event: &Draft) -> Result<BegunEnrolment, Stop> {
    let replaces = require_fresh_sign_in(services, who).await?.map(|factor| factor.id);
    // The presented bearer token has possibly ended since it was verified. Nobody can then activate
    // the new enrolment, because `live_enrolment` refuses an enrolment whose bearer token has
    // ended.
    let generation = services.tokens.generation(&Subject::Admin(who.admin_id().clone())).await?;
    let begun_with = Some(*who.grant());
    begin_enrolment(services, who.admin_id(), replaces, begun_with, generation, event).await
}
