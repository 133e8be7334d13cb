use time::OffsetDateTime;

use super::{
    steps::{ending::conclude, enrolment::begin_enrolment, freshness::require_fresh_sign_in},
    verify_admin,
};
use crate::{
    audit::{Action, Draft},
    credential::EnrolmentToken,
    error::Error,
    service::{Services, stop::Stop},
    token::{AdminIdentity, Bearer, Subject},
};

/// An enrolment that was begun.
#[derive(Clone, Debug)]
pub struct BegunEnrolment {
    token: EnrolmentToken,
    expires_at: OffsetDateTime,
}

impl BegunEnrolment {
    pub(super) const fn new(token: EnrolmentToken, expires_at: OffsetDateTime) -> Self {
        Self { token, expires_at }
    }

    /// What the authenticator is set up and activated with.
    #[must_use]
    pub const fn token(&self) -> &EnrolmentToken {
        &self.token
    }

    /// When it ends: at this instant it is expired.
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }
}

pub(crate) async fn begin_admin_enrolment(
    services: &Services,
    bearer: Bearer<'_>,
) -> Result<BegunEnrolment, Error> {
    let who = verify_admin(services, bearer.clone()).await?;
    let event = Draft::awaited(Action::FactorEnrolment, bearer.origin()).of_admin(who.admin_id());
    let ended = begin(services, &who, &event).await;
    conclude(services, &event, ended).await
}

async fn begin(services: &Services, who: &AdminIdentity, event: &Draft) -> Result<BegunEnrolment, Stop> {
    let replaces = require_fresh_sign_in(services, who).await?.map(|factor| factor.name);
    // If the token presented has ended by now, the enrolment is never accepted, whatever the generation.
    let generation = services.tokens.generation(&Subject::Admin(who.admin_id().clone())).await?;
    let begun_with = Some(*who.grant());
    begin_enrolment(services, who.admin_id(), replaces, begun_with, generation, event).await
}
