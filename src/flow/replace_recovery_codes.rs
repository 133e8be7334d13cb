use super::{
    steps::{
        credentials::{Ends, let_stand},
        ending::conclude,
        freshness::require_fresh_sign_in,
    },
    verify_admin,
};
use crate::{
    audit::{Action, Draft, Refusal},
    credential::RecoveryCode,
    error::{Error, SecondFactorError},
    notifier::AdminNotice,
    service::{Services, stop::Stop},
    token::{AdminIdentity, Bearer, Subject},
};

pub(crate) async fn replace_recovery_codes(
    services: &Services,
    bearer: Bearer<'_>,
) -> Result<Vec<RecoveryCode>, Error> {
    let who = verify_admin(services, bearer.clone()).await?;
    let event = Draft::awaited(Action::RecoveryCodes, bearer.origin).of_admin(who.admin_id());
    let ended = replace(services, &who, &event).await;
    conclude(services, &event, ended).await
}

async fn replace(services: &Services, who: &AdminIdentity, event: &Draft) -> Result<Vec<RecoveryCode>, Stop> {
    let Services { factors, notices, tokens, trail, .. } = services;
    let admin = who.admin_id();
    let subject = Subject::Admin(admin.clone());
    let generation = tokens.generation_behind(&subject, who.grant()).await?;
    let factor = require_fresh_sign_in(services, who).await?;
    let factor = factor.ok_or(Refusal::NotEnrolled.told(SecondFactorError::NotEnrolled))?;
    let codes = factors.draw_recovery_codes()?;
    trail.begin(event).await?;
    let digests: Vec<_> = codes.iter().map(RecoveryCode::digest).collect();
    let replaced = factors.replace_recovery_codes(admin, factor.id, &digests).await?;
    let replaced = replaced.ok_or(Refusal::RevokedMeanwhile.told(SecondFactorError::NotEnrolled))?;
    notices.tell_admin(&who.admin, AdminNotice::RecoveryCodesReplaced, &event.origin);
    let undo = factors.restore_recovery_codes(admin, factor.id, &digests, &replaced);
    let_stand(services, &subject, generation, Ends::Nothing, &event.origin, undo).await?;
    Ok(codes)
}
