use super::{
    steps::{
        challenge::Challenged,
        ending::{conclude, tell},
        request::charge_request,
        seek::{Sought, seek},
    },
    types::setters,
};
use crate::{
    account::{AccountStatus, Website},
    audit::{Action, Draft, Outcome, Refusal},
    challenge::{ChallengeAction, ChallengeResponse},
    error::{Error, Field, InputError},
    notifier::Notice,
    service::{
        Services,
        accounts::Address,
        attempts::{Attempted, account_partition},
        stop::Stop,
    },
    store::OneTimeCredential,
    token::{Origin, Subject},
};

/// A client's request for a mail with a reset token.
#[derive(Clone, Debug)]
#[must_use]
pub struct PasswordResetRequest {
    email: String,
    website: Website,
    origin: Origin,
    challenge: ChallengeResponse,
}

impl PasswordResetRequest {
    /// Creates a request on the default website. Pass the `email` argument unchanged, as the client
    /// sent it.
    pub fn new(email: impl Into<String>) -> Self {
        Self {
            email: email.into(),
            website: Website::default(),
            origin: Origin::default(),
            challenge: ChallengeResponse::default(),
        }
    }

    setters!(website, origin, challenge);
}

pub(crate) async fn request_password_reset(
    services: &Services,
    request: PasswordResetRequest,
) -> Result<(), Error> {
    if request.email.is_empty() {
        return Err(Error::Input(InputError::Required(Field::ResetEmail)));
    }
    let email = request.email.parse().map_err(|_| InputError::Email)?;
    services.notices.require()?;
    let address = Address { website: request.website.clone(), email };
    let mut event = Draft::anonymous(Action::ResetRequest, &request.origin)
        .website(&address.website)
        .at_account(account_partition(&address).account_key());
    match mail(services, &request, &address, &mut event).await {
        // The caller gets the same result as if a token had been mailed. Only the audit trail
        // records why no token was mailed.
        Ok(Some(why)) => tell(services, &event, Outcome::Refused(why)).await,
        Ok(None) => conclude(services, &event, Ok(())).await,
        Err(stop) => conclude(services, &event, Err(stop)).await,
    }
}

/// Mails a reset token to the customer who has the e-mail address. If there is no such customer or
/// the account is disabled, mails no token and returns the reason.
async fn mail(
    services: &Services,
    request: &PasswordResetRequest,
    address: &Address,
    event: &mut Draft,
) -> Result<Option<Refusal>, Stop> {
    let Services { config, customers, tokens, .. } = services;
    let source = event.origin.source;
    let challenged = Challenged {
        action: ChallengeAction::ResetRequest,
        website: Some(&address.website),
        account: &request.email,
        response: &request.challenge,
        origin: &request.origin,
    };
    let by_source = source.map(|source| Attempted::reset_request_from(source, config));
    let by_address = Attempted::reset_request(address, source, config);
    charge_request(services, by_source, Some(by_address), Some(challenged), event).await?;
    let Sought { id, generation, .. } = seek(customers, tokens, address).await?;
    // The account row is read a second time, after the generation. If another request ends the
    // account's credentials after this point, the generation changes, so the new token will be
    // refused.
    let row = customers.find_again(&id, address).await?;
    event.subject = row.as_ref().map(|row| Subject::Customer(row.id.clone()));
    let disabled = row.as_ref().is_some_and(|row| row.status == AccountStatus::Disabled);
    let row = row.filter(|_| !disabled);

    // If the e-mail address has no account, or its account is disabled, the reset token is stored
    // for the decoy account. So the function does the same work for known and unknown e-mail
    // addresses.
    let (now, expires_at) = tokens.lifespan(config.lifetimes.reset_token, None);
    let owner = customers.id_or_decoy(row.as_ref(), address);
    let token = services.one_time.draw_reset_token()?;
    let (digest, website) = (token.digest(), address.website.clone());
    let record = OneTimeCredential::reset_token(digest, website, owner, generation, now, expires_at);
    services.one_time.put(&record).await?;
    Ok(match row {
        Some(row) => {
            event.expires_at = Some(expires_at);
            services.notices.tell_customer(&row, Notice::ResetRequested { token, expires_at }, &event.origin);
            None
        }
        None if disabled => Some(Refusal::AccountDisabled),
        None => Some(Refusal::UnknownAccount),
    })
}
