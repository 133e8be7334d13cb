//! The enrolment of an authenticator. A signed-in admin user can begin an enrolment and gets an
//! enrolment token. If an admin user must have a second factor but has none, the sign-in mails an
//! enrolment token. With this token, the admin user can see the secret and activate the
//! authenticator.

use super::ending::settle;
use crate::{
    account::{AdminId, AdminRecord},
    audit::{Action, Draft, Outcome, Refusal},
    credential::Credential,
    error::{Error, Field, SecondFactorError, SignInError},
    flow::types::BegunEnrolment,
    notifier::AdminNotice,
    service::{
        Services,
        attempts::{Attempted, Tallies},
        stop::Stop,
    },
    state::{
        budgets::{AttemptOutcome, CountedFailure},
        factor::{Enrolment, EnrolmentId, FactorId},
    },
    store::Generation,
    token::{Digest, GrantId, Subject},
};

/// Mails an enrolment token to an admin user who has presented the right password. The caller must
/// have read `generation` before it checked the password.
pub(in crate::flow) async fn mail_enrolment(
    services: &Services,
    admin: &AdminRecord,
    generation: Generation,
    event: &Draft,
) -> Result<(), Stop> {
    services.factors.current_key()?;
    let attempted = Attempted::enrolment_request(&admin.id, &services.config);
    let charged = services.attempts.reserve(attempted).await?;
    let charged = charged.ok_or(Refusal::BudgetSpent.told(SignInError::TooManyRequests))?;
    // Every charged request uses up an attempt of the budget, even if the request fails later.
    settle(services, charged, AttemptOutcome::Failed, event).await?;
    let event = Draft { action: Action::FactorEnrolment, ..event.clone() };
    let begun = begin_enrolment(services, &admin.id, None, None, generation, &event).await?;
    let (token, expires_at) = (begun.token().clone(), begun.expires_at());
    let notice = AdminNotice::EnrolmentRequested { token, expires_at };
    if !services.notices.tell_admin(admin, notice, &event.origin) {
        services.trail.record(&event, Outcome::Failed).await?;
        return Err(Error::SecondFactor(SecondFactorError::EnrolmentNotSent).into());
    }
    Ok(services.trail.record(&event, Outcome::Succeeded).await?)
}

pub(in crate::flow) async fn begin_enrolment(
    services: &Services,
    admin: &AdminId,
    replaces: Option<FactorId>,
    begun_with: Option<GrantId>,
    generation: Generation,
    event: &Draft,
) -> Result<BegunEnrolment, Stop> {
    let (token, secret) = services.factors.draw_secret(admin)?;
    let (_, expires_at) = services.tokens.lifespan(services.config.lifetimes.enrolment_token, None);
    let enrolment = Enrolment {
        id: EnrolmentId::from_digest(token.digest()),
        admin: admin.clone(),
        secret,
        replaces,
        begun_with,
        generation,
        expires_at,
    };
    services.trail.begin(event).await?;
    services.factors.begin_enrolment(&enrolment).await?;
    Ok(BegunEnrolment::new(token, expires_at))
}

/// Returns the enrolment of a presented enrolment token, and the admin user who enrols. Refuses an
/// enrolment that can no longer be activated.
pub(in crate::flow) async fn live_enrolment(
    services: &Services,
    token: &Credential,
    event: &mut Draft,
) -> Result<(Enrolment, AdminRecord), Stop> {
    token.check_bounds(Field::TfaToken)?;
    services.factors.current_key()?;
    let attempts = &services.attempts;
    let source = Tallies::of_source(event.origin.source, &services.config);
    attempts.admit(source.as_ref()).await?;
    let id = EnrolmentId::from_digest(Digest::of(token.bytes()));
    let Some(found) = services.factors.enrolment(id).await? else {
        attempts.count(source.as_ref(), CountedFailure::default(), services.documents.now()).await;
        return Err(Refusal::WrongCredential.told(SecondFactorError::InvalidEnrolmentToken));
    };
    let subject = Subject::Admin(found.admin().clone());
    event.subject = Some(subject.clone());
    event.is_admins();
    let admin = services.admins()?.active(found.admin()).await;
    let admin = admin.map_err(|stop| stop.refused_as(SecondFactorError::InvalidEnrolmentToken))?;
    let found = found.under(services.tokens.generation(&subject).await?);
    let revoked = Refusal::RevokedMeanwhile;
    let (enrolment, present) = found.ok_or(revoked.told(SecondFactorError::InvalidEnrolmentToken))?;
    // If a signed-in admin user began the enrolment, the enrolment ends together with the bearer
    // token that this user presented.
    if let Some(grant) = &enrolment.begun_with
        && services.tokens.find(grant).await?.is_none()
    {
        return Err(Refusal::AdminSignedOut.told(SecondFactorError::InvalidEnrolmentToken));
    }
    if present.map(|factor| factor.id) != enrolment.replaces {
        return Err(Refusal::AlreadyEnrolled.told(SecondFactorError::AlreadyEnrolled));
    }
    Ok((enrolment, admin))
}
