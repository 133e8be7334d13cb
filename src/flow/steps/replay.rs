//! The replay of a one-time credential: somebody presents it who did not spend it, or the thief does.

use super::credentials::end_credentials;
use crate::{
    account::CustomerRecord,
    audit::{Action, Delivery, Draft, Refusal},
    error::Error,
    notifier::Notice,
    service::{Services, stop::Denied},
    store::{Purpose, Spent},
    token::{AssistanceEnd, Digest, Obtained, Subject},
};

/// Tells the owner of a replay, and ends what the spent credential bought: whoever holds it may have stolen it,
/// before it was spent or after. Returns the refusal.
pub(in crate::flow) async fn end_replayed(
    services: &Services,
    row: Option<&CustomerRecord>,
    spent: Spent,
    told: impl Into<Error>,
    event: &mut Draft,
) -> Denied {
    // Only an account has credentials; a host's own store has mixed it up.
    let Some(row) = row else { return Refusal::UnknownAccount.failed(told) };
    event.delivery = Delivery::Awaited;
    event.action = Action::CodeReplay;
    event.grant = spent.bought;
    let obtained = match spent.purpose {
        Purpose::ResetToken => Obtained::ResetToken,
        Purpose::OneTimeCode => Obtained::OneTimeCode,
        // It signs nobody in and resets nothing, so neither asks for it.
        Purpose::Confirmation => return Refusal::WrongCredential.failed(told),
    };
    // First, so that a caller who goes away cannot keep it from the customer.
    services.notices.tell_customer(row, Notice::CredentialReplayed { obtained }, &event.origin);
    let ended = match spent.bought {
        Some(bought) => end_bought(services, row, spent.purpose, &bought, event).await,
        None => end_reset(services, row, spent, event).await,
    };
    match ended {
        Ok(()) => Refusal::SpentCode.failed(told),
        Err(error) => error.into(),
    }
}

/// Ends the grant that a credential bought. The token may not be stored yet, so it is barred for as long as it could
/// live.
async fn end_bought(
    services: &Services,
    row: &CustomerRecord,
    purpose: Purpose,
    bought: &Digest,
    event: &mut Draft,
) -> Result<(), Error> {
    let Services { tokens, assistance, config, .. } = services;
    // Only for the trail: a failure here must not keep the grant from ending.
    if let Ok(Some(grant)) = tokens.find(bought).await {
        event.about_grant(&grant);
    }
    let is_code = purpose == Purpose::OneTimeCode;
    let lifetime = if is_code { config.assistance_token_lifetime } else { config.customer_token_lifetime };
    tokens.bar_for(bought, lifetime).await?;
    if is_code {
        assistance.close(&row.id, bought, AssistanceEnd::Withdrawn, &event.origin).await;
    }
    Ok(())
}

/// Ends all that a customer holds, since the password was set with the credential: its sessions may be the thief's.
///
/// A reset ends the generation of its token. Under that generation it is still on its way, or has failed, and nothing
/// has come of it. It ends everything itself, and would be refused if that were done here.
async fn end_reset(
    services: &Services,
    row: &CustomerRecord,
    spent: Spent,
    event: &Draft,
) -> Result<(), Error> {
    let subject = Subject::Customer(row.id.clone());
    if services.tokens.generation(&subject).await? == spent.generation {
        return Ok(());
    }
    end_credentials(services, &subject, None, &event.origin).await
}
