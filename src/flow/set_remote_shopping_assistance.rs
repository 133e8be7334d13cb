use super::{
    steps::{
        credentials::{Ends, let_stand},
        ending::conclude,
    },
    verify_customer::customer_self,
};
use crate::{
    audit::{Action, Draft, Refusal},
    error::{Error, TokenError},
    notifier::Notice,
    service::{Services, stop::Stop},
    token::{Bearer, CustomerIdentity, Origin, Subject},
};

pub(crate) async fn set_remote_shopping_assistance(
    services: &Services,
    bearer: Bearer<'_>,
    allowed: bool,
) -> Result<(), Error> {
    let action = if allowed { Action::ConsentGiven } else { Action::ConsentWithdrawn };
    let who = customer_self(services, &bearer, action).await?;
    let event = Draft::by_customer(action, &who, bearer.origin);
    let ended = set_consent(services, &who, allowed, bearer.origin).await;
    conclude(services, &event, ended).await?;
    // The customer is looked up by id alone and not by website. The host has possibly moved the
    // account to another website since the sign-in.
    if let Ok(Some(row)) = services.customers.find_by_id(who.customer_id()).await {
        let notice = Notice::AssistanceConsent { allowed };
        services.notices.tell_customer(&row, notice, bearer.origin);
    }
    Ok(())
}

async fn set_consent(
    services: &Services,
    who: &CustomerIdentity,
    allowed: bool,
    origin: &Origin,
) -> Result<(), Stop> {
    let Services { assistance, customers, tokens, .. } = services;
    let customer = who.customer_id();
    let gone = || Refusal::UnknownAccount.told(TokenError::Invalid);
    if !allowed {
        if !assistance.set_consent(customer, false).await? {
            return Err(gone());
        }
        return Ok(assistance.settle_of(customer, origin).await?);
    }
    let subject = Subject::Customer(customer.clone());
    let generation = tokens.generation_behind(&subject, who.grant()).await?;
    let earlier = customers.find_by_id(customer).await?.ok_or_else(gone)?.allows_assistance;
    // An earlier withdrawal of consent has possibly failed to close some assistances. These
    // assistances are closed now, because their tokens would become valid again with the new
    // consent.
    assistance.settle_of(customer, origin).await?;
    if !assistance.set_consent(customer, true).await? {
        return Err(gone());
    }
    // With consent, admin users can act for the customer. So the library treats consent like a new
    // credential: if the customer's tokens ended during the call, the new consent does not stay.
    let undo = async { Ok(earlier || assistance.set_consent(customer, false).await?) };
    let_stand(services, &subject, generation, Ends::Nothing, origin, undo).await
}
