use super::{
    steps::{
        challenge::Challenged,
        confirmation::{Confirming, make_token},
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
    token::{Origin, Subject},
};

/// A client's request for a mail with a confirmation token.
#[derive(Clone, Debug)]
#[must_use]
pub struct ConfirmationRequest {
    email: String,
    website: Website,
    origin: Origin,
    challenge: ChallengeResponse,
    after_registration: bool,
}

impl ConfirmationRequest {
    /// Creates a request on the default website. Pass the `email` argument unchanged, as the client
    /// sent it.
    pub fn new(email: impl Into<String>) -> Self {
        Self {
            email: email.into(),
            website: Website::default(),
            origin: Origin::default(),
            challenge: ChallengeResponse::default(),
            after_registration: false,
        }
    }

    setters!(website, origin, challenge);

    /// Marks the request as part of a registration with this e-mail address.
    ///
    /// If the e-mail address already has an active account, the customer of that account is
    /// notified ([`Notice::RegisteredAgain`]). So the host can send the same response for a new and
    /// for a known e-mail address. The response then does not reveal if an account exists.
    ///
    /// The library does not challenge a request that is part of a registration. The client has
    /// already passed the host's challenge when the registration
    /// [began](crate::Auth::begin_registration), and a captcha response works only once.
    pub fn after_registration(self) -> Self {
        Self { after_registration: true, ..self }
    }
}

pub(crate) async fn request_confirmation(
    services: &Services,
    request: ConfirmationRequest,
) -> Result<(), Error> {
    if request.email.is_empty() {
        return Err(Error::Input(InputError::Required(Field::Email)));
    }
    let email = request.email.parse().map_err(|_| InputError::Email)?;
    services.notices.require()?;
    let address = Address { website: request.website.clone(), email };
    let mut event = Draft::anonymous(Action::ConfirmationRequest, &request.origin)
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

/// Mails a confirmation token to the customer of an unconfirmed account. If no unconfirmed account
/// has the e-mail address, mails no token and returns the reason.
async fn mail(
    services: &Services,
    request: &ConfirmationRequest,
    address: &Address,
    event: &mut Draft,
) -> Result<Option<Refusal>, Stop> {
    let Services { config, customers, tokens, notices, .. } = services;
    let source = event.origin.source;
    let challenged = Challenged {
        action: ChallengeAction::ConfirmationRequest,
        website: Some(&address.website),
        account: &request.email,
        response: &request.challenge,
        origin: &request.origin,
    };
    let by_source = source.map(|source| Attempted::confirmation_request_from(source, config));
    let by_address = Attempted::confirmation_request(address, source, config);
    let challenged = Some(challenged).filter(|_| !request.after_registration);
    charge_request(services, by_source, Some(by_address), challenged, event).await?;
    let Sought { id, generation, .. } = seek(customers, tokens, address).await?;
    // The account row is read a second time, after the generation. If another request ends the
    // account's credentials after this point, the generation changes, so the new token will be
    // refused.
    let row = customers.find_again(&id, address).await?;
    event.subject = row.as_ref().map(|row| Subject::Customer(row.id.clone()));

    // If no unconfirmed account has the e-mail address, a token is stored for the decoy account, so
    // that all requests do the same work.
    //
    // No token is stored for an active account, because only the newest three confirmation tokens
    // of an account stay. An attacker could request so many that the customer's own token for a new
    // e-mail address is removed.
    let unconfirmed = row.as_ref().filter(|row| row.status == AccountStatus::Unconfirmed);
    let owner = customers.id_or_decoy(unconfirmed, address);
    let (token, expires_at) = make_token(services, owner, Confirming::Own, address, generation).await?;
    let Some(row) = row else { return Ok(Some(Refusal::UnknownAccount)) };
    Ok(match row.status {
        AccountStatus::Unconfirmed => {
            event.expires_at = Some(expires_at);
            let notice = Notice::ConfirmationRequested { token, expires_at };
            notices.tell_customer(&row, notice, &event.origin);
            None
        }
        AccountStatus::Active => {
            if request.after_registration {
                notices.tell_customer(&row, Notice::RegisteredAgain, &event.origin);
            }
            Some(Refusal::AlreadyConfirmed)
        }
        AccountStatus::Disabled => Some(Refusal::AccountDisabled),
    })
}
