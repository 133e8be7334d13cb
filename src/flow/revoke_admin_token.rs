use super::{steps::ending::conclude, verify_admin};
use crate::{
    audit::{Action, Draft},
    error::Error,
    service::Services,
    token::Bearer,
};

pub(crate) async fn revoke_admin_token(services: &Services, bearer: Bearer<'_>) -> Result<(), Error> {
    let who = verify_admin(services, bearer.clone()).await?;
    let mut event = Draft::awaited(Action::TokenRevoke, bearer.origin).of_admin(who.admin_id());
    event.grant = Some(*who.grant());
    let ended = services.tokens.revoke(who.grant()).await.map(drop);
    services.assistance.settle_by(who.admin_id(), bearer.origin).await;
    conclude(services, &event, ended.map_err(Into::into)).await
}
