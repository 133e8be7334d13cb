//! The replay of a one-time credential: a second use of a credential that is already spent. One of
//! the two uses was possibly made by a thief.

use super::credentials::end_credentials;
use crate::{
    account::CustomerRecord,
    audit::{Action, Delivery, Draft, Refusal},
    error::Error,
    notifier::Notice,
    service::{Services, stop::Denied},
    store::{Purpose, Spent},
    token::{AssistanceEnd, GrantId, Obtained, Subject},
};

/// Notifies the customer of a replay, and returns the refusal. Also ends the tokens obtained with
/// the spent credential, because a thief was possibly the first to use the credential.
pub(in crate::flow) async fn end_replayed(
    services: &Services,
    row: Option<&CustomerRecord>,
    spent: Spent,
    told: impl Into<Error>,
    event: &mut Draft,
) -> Denied {
    // Without an account row, the credential belongs to a decoy account. Credentials of a decoy
    // account are not mailed to anybody, so they are not spent. Only a faulty store of the host
    // reports a replay for a decoy account.
    let Some(row) = row else { return Refusal::UnknownAccount.failed(told) };
    event.delivery = Delivery::Awaited;
    event.action = Action::CodeReplay;
    let bought = spent.bought.map(GrantId::from_digest);
    event.grant = bought;
    let obtained = match spent.purpose {
        Purpose::ResetToken => Obtained::ResetToken,
        Purpose::OneTimeCode => Obtained::OneTimeCode,
        // The flows that call this function do not look up confirmation tokens, because such a
        // token cannot sign in or set a password.
        Purpose::Confirmation => return Refusal::WrongCredential.failed(told),
    };
    // The notice is sent before the tokens are ended, so that a caller who disconnects cannot
    // suppress the notice.
    services.notices.tell_customer(row, Notice::CredentialReplayed { obtained }, &event.origin);
    let ended = match bought {
        Some(bought) => end_bought(services, row, spent.purpose, &bought, event).await,
        None => end_reset(services, row, spent, event).await,
    };
    match ended {
        Ok(()) => Refusal::SpentCode.failed(told),
        Err(error) => error.into(),
    }
}

/// Ends the grant `bought`, which was obtained with the spent credential. If the request of the
/// first use is still running, it has possibly not stored this grant yet. So the store also refuses
/// to store a grant with this id later, for the whole lifetime of such a token.
async fn end_bought(
    services: &Services,
    row: &CustomerRecord,
    purpose: Purpose,
    bought: &GrantId,
    event: &mut Draft,
) -> Result<(), Error> {
    let Services { tokens, assistance, config, .. } = services;
    // The grant is read only for the details in the audit trail. If the grant cannot be read, its
    // token is still ended.
    if let Ok(Some(grant)) = tokens.find(bought).await {
        event.about_grant(&grant);
    }
    let is_code = purpose == Purpose::OneTimeCode;
    let lifetime = if is_code { config.lifetimes.assistance_token } else { config.lifetimes.customer_token };
    tokens.bar_for(bought, lifetime).await?;
    if is_code {
        assistance.close(&row.id, bought, AssistanceEnd::Withdrawn, &event.origin).await;
    }
    Ok(())
}

/// Ends all tokens and one-time credentials of a customer after the replay of a reset token. If a
/// thief was the first to use the reset token, the thief has set the password.
///
/// A completed password reset changes the generation. If the generation is still that of the spent
/// token, the reset has failed or is still running, and this function does nothing. A running reset
/// will itself end all tokens and credentials. If this function ended them now, the running reset
/// would be refused.
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
