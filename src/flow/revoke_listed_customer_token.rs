use super::{steps::ending::conclude, verify_customer::customer_self};
use crate::{
    audit::{Action, Draft},
    error::Error,
    service::Services,
    token::{AssistanceEnd, Bearer, GrantId, Subject},
};

pub(crate) async fn revoke_listed_customer_token(
    services: &Services,
    bearer: Bearer<'_>,
    grant: &GrantId,
) -> Result<bool, Error> {
    let who = customer_self(services, &bearer, Action::TokenRevoke).await?;
    let found = services.tokens.find(grant).await?;
    let subject = Subject::Customer(who.customer_id().clone());
    let Some(found) = found.filter(|found| found.subject == subject) else { return Ok(false) };
    let mut event = Draft::by_customer(Action::TokenRevoke, &who, bearer.origin);
    event.grant = Some(*grant);
    let ended = services.tokens.revoke(grant).await;
    if ended.is_ok() && found.assistance.is_some() {
        let (end, origin) = (AssistanceEnd::EndedByCustomer, bearer.origin);
        services.assistance.close(who.customer_id(), grant, end, origin).await;
    }
    conclude(services, &event, ended.map_err(Into::into)).await
}
