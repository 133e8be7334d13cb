use super::{steps::ending::conclude, verify_customer::customer_self};
use crate::{
    audit::{Action, Draft},
    error::Error,
    service::Services,
    token::{AssistanceEnd, Bearer, GrantId},
};

pub(crate) async fn end_assistance(
    services: &Services,
    bearer: Bearer<'_>,
    grant: &GrantId,
) -> Result<bool, Error> {
    let who = customer_self(services, &bearer, Action::AssistanceEnd).await?;
    let entry = services.assistance.entry(who.customer_id(), grant).await?;
    let Some(entry) = entry.filter(|entry| entry.ended_at.is_none()) else { return Ok(false) };
    let mut event = Draft::by_customer(Action::AssistanceEnd, &who, bearer.origin);
    event.is_admins();
    event.grant = Some(entry.grant);
    event.about_assistance(&entry.assistance);
    // The sign-in that begins the assistance is possibly still running. If that sign-in has not
    // stored the assistance token yet, `bar` prevents that it stores the token later.
    let ended = services.tokens.bar(&entry.grant, entry.expires_at).await;
    if ended.is_ok() {
        let (end, origin) = (AssistanceEnd::EndedByCustomer, bearer.origin);
        services.assistance.close(who.customer_id(), grant, end, origin).await;
    }
    conclude(services, &event, ended.map_err(Into::into)).await
}
