use super::{
    AdminSignedIn,
    steps::{
        ending::conclude,
        second_factor::{issue_admin_token, judge_code},
    },
    verify_admin,
};
use crate::{
    audit::{Action, Draft, Refusal},
    credential::Credential,
    error::{Error, Field, TokenError},
    service::{Services, stop::Stop},
    token::{AdminIdentity, Bearer, GrantId, Subject},
};

pub(crate) async fn step_up(
    services: &Services,
    bearer: Bearer<'_>,
    code: Credential,
) -> Result<AdminSignedIn, Error> {
    code.check_bounds(Field::Otp)?;
    let who = verify_admin(services, bearer.clone()).await?;
    let mut event = Draft::awaited(Action::StepUp, bearer.origin).of_admin(who.admin_id());
    let ended = freshen(services, &who, &code, &mut event).await;
    conclude(services, &event, ended).await
}

async fn freshen(
    services: &Services,
    who: &AdminIdentity,
    code: &Credential,
    event: &mut Draft,
) -> Result<AdminSignedIn, Stop> {
    let id = who.admin_id();
    let generation = services.tokens.generation(&Subject::Admin(id.clone())).await?;
    let right = judge_code(services, &who.admin, code, event).await?;
    let until = Some(who.expires_at());
    let signed_in = issue_admin_token(services, &who.admin, Some(right), until, generation, event).await?;
    if !services.tokens.revoke(who.grant()).await? {
        // The presented token has ended, possibly because another step-up has already replaced it
        // by a new token. So the new token of this request is revoked.
        services.tokens.revoke(&GrantId::of(signed_in.token().expose().as_bytes())).await?;
        return Err(Refusal::RevokedMeanwhile.told(TokenError::Invalid));
    }
    services.assistance.settle_by(id, &event.origin).await;
    Ok(signed_in)
}
