use super::{revoke_all_customer_tokens::revoke_all, steps::ending::conclude, verify_customer};
use crate::{
    audit::{Action, Draft},
    config::RevokeScope,
    error::Error,
    service::Services,
    token::{AssistanceEnd, Bearer},
};

pub(crate) async fn revoke_customer_token(services: &Services, bearer: Bearer<'_>) -> Result<(), Error> {
    let who = verify_customer(services, bearer.clone()).await?;
    if services.config.revoke == RevokeScope::All && who.require_self().is_ok() {
        return revoke_all(services, &who, None, &bearer).await;
    }
    let event = Draft::by_customer(Action::TokenRevoke, &who, bearer.origin);
    let ended = services.tokens.revoke(who.grant()).await.map(drop);
    if ended.is_ok() && who.actor().is_some() {
        let (end, origin) = (AssistanceEnd::SignedOut, bearer.origin);
        services.assistance.close(who.customer_id(), who.grant(), end, origin).await;
    }
    conclude(services, &event, ended.map_err(Into::into)).await
}
