use super::{steps::ending::conclude, verify_customer::customer_self};
use crate::{
    audit::{Action, Draft, Refusal},
    error::{Error, TokenError},
    notifier::Notice,
    service::{Services, stop::Stop},
    token::{Bearer, CustomerIdentity, Origin},
};

pub(crate) async fn set_remote_shopping_assistance(
    services: &Services,
    bearer: Bearer<'_>,
    allowed: bool,
) -> Result<(), Error> {
    let action = if allowed { Action::ConsentGiven } else { Action::ConsentWithdrawn };
    let who = customer_self(services, &bearer, action).await?;
    let event = Draft::by_customer(action, &who, bearer.origin());
    let ended = set_consent(services, &who, allowed, bearer.origin()).await;
    conclude(services, &event, ended).await?;
    // The host may have moved the customer to another website since; the account is still the customer's.
    if let Ok(Some(row)) = services.customers.find_by_id(who.customer_id()).await {
        let notice = Notice::AssistanceConsent { allowed };
        services.notices.tell_customer(&row, notice, bearer.origin());
    }
    Ok(())
}

async fn set_consent(
    services: &Services,
    who: &CustomerIdentity,
    allowed: bool,
    origin: &Origin,
) -> Result<(), Stop> {
    let customer = who.customer_id();
    if allowed {
        // What an earlier withdrawal could not close is closed while there is no consent.
        services.assistance.settle_of(customer, origin).await?;
    }
    if !services.assistance.set_consent(customer, allowed).await? {
        return Err(Refusal::UnknownAccount.told(TokenError::Invalid));
    }
    if !allowed {
        services.assistance.settle_of(customer, origin).await?;
    }
    Ok(())
}
