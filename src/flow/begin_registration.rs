use super::{
    steps::{challenge::Challenged, ending::conclude, request::charge_request},
    types::setters,
};
use crate::{
    account::{AccountStatus, Email, PasswordHash, Website},
    audit::{Action, Draft},
    challenge::{ChallengeAction, ChallengeResponse},
    credential::{Credential, Lane, Line},
    error::{Error, Field, InputError},
    service::{
        Services,
        accounts::Address,
        attempts::{Attempted, account_partition},
        stop::Stop,
    },
    token::Origin,
};

/// A client's request to register a new customer account.
#[derive(Clone, Debug)]
#[must_use]
pub struct Registration {
    email: String,
    password: Option<Credential>,
    website: Website,
    origin: Origin,
    challenge: ChallengeResponse,
}

/// The values of a new account that the library decides. The host stores these values in the new
/// account row, together with the columns that only the host knows.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewAccount {
    /// The customer's e-mail address in canonical form.
    pub email: Email,
    /// The password hash. None if the registration has no password.
    pub password_hash: Option<PasswordHash>,
    /// The status of the new account: unconfirmed if the website requires a confirmed e-mail
    /// address, otherwise active.
    pub status: AccountStatus,
}

impl Registration {
    /// Creates a registration on the default website. Pass the `email` and `password` arguments
    /// unchanged, as the client sent them. `password` is none if the customer registers without a
    /// password.
    pub fn new(email: impl Into<String>, password: Option<Credential>) -> Self {
        Self {
            email: email.into(),
            password,
            website: Website::default(),
            origin: Origin::default(),
            challenge: ChallengeResponse::default(),
        }
    }

    setters!(website, origin, challenge);
}

pub(crate) async fn begin_registration(
    services: &Services,
    registration: Registration,
) -> Result<NewAccount, Error> {
    if registration.email.is_empty() {
        return Err(Error::Input(InputError::Required(Field::Email)));
    }
    let email: Email = registration.email.parse().map_err(|_| InputError::Email)?;
    if let Some(password) = &registration.password {
        services.passwords.check_bounds(password, Field::Password)?;
        services.passwords.judge(&email, password)?;
    }
    let address = Address { website: registration.website.clone(), email };
    let event = Draft::anonymous(Action::Registration, &registration.origin)
        .website(&address.website)
        .at_account(account_partition(&address).account_key());
    let ended = within_budget(services, &registration, address, &event).await;
    conclude(services, &event, ended).await
}

/// Checks the registration: its budget, the client's response to the host's challenge, and the
/// password. No account is looked up, so the result does not reveal if the e-mail address already
/// has an account.
async fn within_budget(
    services: &Services,
    registration: &Registration,
    address: Address,
    event: &Draft,
) -> Result<NewAccount, Stop> {
    let source = registration.origin.source;
    let attempted = source.map(|source| Attempted::registration_from(source, &services.config));
    let challenged = Challenged {
        action: ChallengeAction::Registration,
        website: Some(&address.website),
        account: &registration.email,
        response: &registration.challenge,
        origin: &registration.origin,
    };
    charge_request(services, attempted, None, Some(challenged), event).await?;
    let password_hash = match &registration.password {
        Some(password) => {
            let line = Line::new(Lane::Strangers, source);
            Some(services.passwords.hash_new(password, line).await?)
        }
        None => None,
    };
    let status = match services.config.confirmation.is_demanded_on(&address.website) {
        true => AccountStatus::Unconfirmed,
        false => AccountStatus::Active,
    };
    Ok(NewAccount { email: address.email, password_hash, status })
}
