use super::steps::{
    credentials::{Ends, end_credentials, let_stand},
    ending::{conclude, settle},
    enrolment::live_enrolment,
};
use crate::{
    audit::{Action, Draft, Refusal},
    credential::{Credential, RecoveryCode},
    error::{Error, Field, SecondFactorError, SignInError},
    notifier::AdminNotice,
    service::{
        Services,
        attempts::Attempted,
        stop::{Judged, Stop},
    },
    token::{Origin, Subject},
};

pub(crate) async fn activate_admin_factor(
    services: &Services,
    token: Credential,
    code: Credential,
    origin: &Origin,
) -> Result<Vec<RecoveryCode>, Error> {
    code.check_bounds(Field::Otp)?;
    let mut event = Draft::anonymous(Action::FactorActivation, origin);
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
    let Judged { outcome, answer } = factors.judge_first(&enrolment, code, charged.work());
    // If the charge cannot be settled now, a later attempt settles it.
    let _ = settle(services, charged, outcome, event).await;
    let step = answer?;
    let codes = factors.draw_recovery_codes()?;
    trail.begin(event).await?;
    let subject = Subject::Admin(admin.id.clone());
    let digests: Vec<_> = codes.iter().map(RecoveryCode::digest).collect();
    let earlier = match factors.activate(&enrolment, step, &digests).await {
        Ok(Some(earlier)) => earlier,
        Ok(None) => {
            return Err(Refusal::RevokedMeanwhile.told(SecondFactorError::InvalidEnrolmentToken));
        }
        Err(error) => {
            // The store has possibly activated the second factor although the request failed. So
            // all earlier tokens of the admin user are ended.
            end_credentials(services, &subject, None, &event.origin).await?;
            return Err(error.into());
        }
    };
    // The notice is sent before the tokens are ended, so that a caller who disconnects cannot
    // suppress the notice. If the activation is undone below, the admin user got a needless notice.
    notices.tell_admin(&admin, AdminNotice::FactorActivated, &event.origin);
    let undo = factors.restore(&admin.id, enrolment.id.factor(), &earlier);
    let stands = let_stand(services, &subject, enrolment.generation, Ends::All, &event.origin, undo).await;
    stands.map_err(|stop| stop.refused_as(SecondFactorError::InvalidEnrolmentToken))?;
    Ok(codes)
}
