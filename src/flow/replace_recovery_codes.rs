use super::{
    steps::{ending::conclude, freshness::require_fresh_sign_in},
    verify_admin,
};
use crate::{
    audit::{Action, Draft, Refusal},
    credential::RecoveryCode,
    error::{Error, SecondFactorError},
    notifier::AdminNotice,
    service::{Services, stop::Stop},
    token::{AdminIdentity, Bearer},
};

pub(crate) async fn replace_recovery_codes(
    services: &Services,
    bearer: Bearer<'_>,
) -> Result<Vec<RecoveryCode>, Error> {
    let who = verify_admin(services, bearer.clone()).await?;
    let event = Draft::awaited(Action::RecoveryCodes, bearer.origin()).of_admin(who.admin_id());
    let ended = replace(services, &who, &event).await;
    conclude(services, &event, ended).await
}

async fn replace(services: &Services, who: &AdminIdentity, event: &Draft) -> Result<Vec<RecoveryCode>, Stop> {
    let factor = require_fresh_sign_in(services, who).await?;
    let factor = factor.ok_or(Refusal::NotEnrolled.told(SecondFactorError::NotEnrolled))?;
    let codes = services.factors.draw_recovery_codes()?;
    services.trail.begin(event).await?;
    let digests: Vec<_> = codes.iter().map(RecoveryCode::digest).collect();
    if !services.factors.replace_recovery_codes(who.admin_id(), &factor.name, &digests).await? {
        return Err(Refusal::RevokedMeanwhile.told(SecondFactorError::NotEnrolled));
    }
    services.notices.tell_admin(&who.admin, AdminNotice::RecoveryCodesReplaced, &event.origin);
    Ok(codes)
}
