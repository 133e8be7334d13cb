use super::steps::{
    credentials::end_credentials,
    ending::{conclude, settle},
    enrolment::live_enrolment,
};
use crate::{
    audit::{Action, Draft, Refusal},
    credential::{Credential, RecoveryCode},
    error::{Error, Field, SecondFactorError, SignInError},
    notifier::AdminNotice,
    service::{Services, attempts::Attempted, stop::Stop},
    state::budgets::Outcome,
    token::{Origin, Subject},
};

pub(crate) async fn activate_admin_factor(
    services: &Services,
    token: Credential,
    code: Credential,
    origin: &Origin,
) -> Result<Vec<RecoveryCode>, Error> {
    code.check_bounds(Field::Otp)?;
    let mut event = Draft::queued(Action::FactorActivation, origin);
    let ended = activate(services, &token, &code, &mut event).await;
    conclude(services, &event, ended).await
}

async fn activate(
    services: &Services,
    token: &Credential,
    code: &Credential,
    event: &mut Draft,
) -> Result<Vec<RecoveryCode>, Stop> {
    let Services { factors, notices, trail, .. } = services;
    let (enrolment, admin) = live_enrolment(services, token, event).await?;
    let attempted = Attempted::activation(&admin.id, &services.config);
    let charged = services.attempts.reserve(attempted).await?;
    let charged = charged.ok_or(Refusal::BudgetSpent.told(SignInError::TooManyRequests))?;
    let Some(step) = factors.first_step(&enrolment, code)? else {
        settle(services, charged, Outcome::Failed, event).await?;
        return Err(Refusal::WrongCredential.told(SecondFactorError::InvalidCode));
    };
    settle(services, charged, Outcome::Succeeded, event).await?;
    let codes = factors.draw_recovery_codes()?;
    trail.begin(event).await?;
    let subject = Subject::Admin(admin.id.clone());
    // Before, so that a store that cannot end tokens stops it early; and after, for those that came in between.
    services.tokens.revoke_all(&subject, None).await?;
    let digests: Vec<_> = codes.iter().map(RecoveryCode::digest).collect();
    if !factors.activate(&admin.id, &enrolment.token, step, &digests).await? {
        return Err(Refusal::RevokedMeanwhile.told(SecondFactorError::InvalidEnrolmentToken));
    }
    notices.tell_admin(&admin, AdminNotice::FactorActivated, &event.origin);
    end_credentials(services, &subject, None, &event.origin).await?;
    Ok(codes)
}
