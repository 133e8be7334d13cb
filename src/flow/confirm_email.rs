use super::{
    steps::{
        challenge::{Challenged, require_answer},
        confirmation::Confirming,
        credentials::{Ends, end_credentials, let_stand},
        ending::{conclude, settle, tell},
    },
    types::setters,
};
use crate::{
    account::{AccountStatus, CustomerId, CustomerRecord, EmailReplacement, Website},
    audit::{self, Action, Draft, Refusal},
    challenge::{ChallengeAction, ChallengeResponse},
    credential::{Credential, Verified, Work},
    error::{ConfirmationError, Error, Field, InputError, SignInError},
    notifier::Notice,
    service::{
        Services,
        accounts::{Account, Address},
        attempts::{Attempted, account_partition},
        one_time::Verdict,
        stop::{Denied, Judged, Stop},
    },
    state::budgets::AttemptOutcome,
    store::{Generation, Presented, Purpose, Purposes},
    token::{Digest, Origin, Subject},
};

/// A client's request to confirm an e-mail address. It contains the confirmation token from the
/// mail.
#[derive(Clone, Debug)]
#[must_use]
pub struct EmailConfirmation {
    email: String,
    token: Credential,
    password: Option<Credential>,
    website: Website,
    origin: Origin,
    challenge: ChallengeResponse,
}

/// The result of the confirmation of an e-mail address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Confirmed {
    /// The customer who has the e-mail address.
    pub customer: CustomerId,
    /// True if the confirmed e-mail address replaced an earlier one of the account. False if the
    /// account already had this e-mail address but was unconfirmed. The account is now active.
    pub replaced: bool,
}

impl EmailConfirmation {
    /// Creates a request to confirm an e-mail address on the default website. Pass the `email` and
    /// `confirmation_key` arguments unchanged, as the client sent them. The library does not remove
    /// white space around these values.
    pub fn new(email: impl Into<String>, token: impl Into<Credential>) -> Self {
        Self {
            email: email.into(),
            token: token.into(),
            password: None,
            website: Website::default(),
            origin: Origin::default(),
            challenge: ChallengeResponse::default(),
        }
    }

    /// Requires that `password` is the password of the new account. If `password` is wrong, the
    /// library refuses the confirmation.
    ///
    /// [`Auth::confirm_email`](crate::Auth::confirm_email) explains when a host needs this. If the
    /// confirmation token is for a changed e-mail address, the library ignores `password`. It has
    /// already checked the password at the request for the change.
    pub fn password(self, password: impl Into<Credential>) -> Self {
        Self { password: Some(password.into()), ..self }
    }

    setters!(website, origin, challenge);
}

/// The account to which a confirmation token possibly belongs. If no such account is found, `row`
/// is none. If the token has no pointer to an account, `id` is the id of a decoy account.
struct Found {
    row: Option<CustomerRecord>,
    id: CustomerId,
    /// The account's generation. It was read before the account row.
    generation: Generation,
}

/// The account whose confirmation token was spent, and the kind of e-mail address that the token
/// confirms.
struct Redeemed {
    row: CustomerRecord,
    confirming: Confirming,
    generation: Generation,
}

pub(crate) async fn confirm_email(
    services: &Services,
    confirmation: EmailConfirmation,
) -> Result<Confirmed, Error> {
    if confirmation.email.is_empty() {
        return Err(Error::Input(InputError::Required(Field::Email)));
    }
    let email = confirmation.email.parse().map_err(|_| InputError::Email)?;
    match confirmation.token.check_bounds(Field::ConfirmationToken) {
        Err(Error::Input(InputError::PasswordTooLong)) => {
            return Err(Error::Confirmation(ConfirmationError::InvalidToken));
        }
        bounds => bounds?,
    }
    if let Some(password) = &confirmation.password {
        password.check_bounds(Field::Password)?;
    }
    let address = Address { website: confirmation.website.clone(), email };
    let mut event = Draft::anonymous(Action::EmailConfirmation, &confirmation.origin)
        .website(&address.website)
        .at_account(account_partition(&address).account_key());
    let ended = within_budget(services, &confirmation, &address, &mut event).await;
    conclude(services, &event, ended).await
}

async fn within_budget(
    services: &Services,
    confirmation: &EmailConfirmation,
    address: &Address,
    event: &mut Draft,
) -> Result<Confirmed, Stop> {
    let source = confirmation.origin.source;
    let attempted = Attempted::redemption(Purpose::Confirmation, address, source, &services.config);
    let spent = || Refusal::BudgetSpent.told(SignInError::TooManyRequests);
    let opened = services.attempts.open(attempted).await?.ok_or_else(spent)?;
    let challenged = Challenged {
        action: ChallengeAction::EmailConfirmation,
        website: Some(&address.website),
        account: &confirmation.email,
        response: &confirmation.challenge,
        origin: &confirmation.origin,
    };
    require_answer(services, Some(&opened), challenged).await?;
    let mut charged = opened.reserve().await?.ok_or_else(spent)?;
    let token = Digest::of(confirmation.token.bytes());
    let found = find(services, &token, address).await?;
    if found.row.is_none() {
        charged.note_unknown();
    }
    event.subject = found.row.as_ref().map(|row| Subject::Customer(row.id.clone()));
    let redeemed = redeem(services, confirmation, &token, address, found, charged.work()).await;
    let judged = Judged::of(redeemed.map(|redeemed| (redeemed, AttemptOutcome::Withdrawn)), charged.work());
    // If the charge cannot be settled now, a later attempt settles it. The result of the
    // confirmation stays the same.
    let _ = settle(services, charged, judged.outcome, event).await;
    let redeemed = judged.answer?;
    let replaced = redeemed.confirming == Confirming::Changed;
    event.is_customers();
    event.action = if replaced { Action::EmailChange } else { Action::EmailConfirmation };
    // The audit trail records the begun confirmation before any change. So if the caller
    // disconnects after this point, the audit trail still has the record. If the sink fails, the
    // confirmation goes on.
    let _ = tell(services, event, audit::Outcome::Begun).await;
    let customer = redeemed.row.id.clone();
    if replaced {
        replace(services, redeemed, address, event).await?;
    } else {
        confirm(services, redeemed, address, event).await?;
    }
    Ok(Confirmed { customer, replaced })
}

/// Looks up the account of a confirmation token. The function makes the same requests to the stores
/// for known and unknown tokens and e-mail addresses. So the duration of a refusal does not reveal
/// if an account exists.
async fn find(services: &Services, token: &Digest, address: &Address) -> Result<Found, Stop> {
    let Services { customers, tokens, one_time, .. } = services;
    let decoy = customers.id_or_decoy(None, address);
    let id = one_time.owner(token).await?.unwrap_or(decoy);
    let generation = tokens.generation(&Subject::Customer(id.clone())).await?;
    let row = customers.find_by_id(&id).await?.filter(|row| row.website == address.website);
    Ok(Found { row, id, generation })
}

/// Checks the account and the confirmation token, and spends the token.
async fn redeem(
    services: &Services,
    confirmation: &EmailConfirmation,
    token: &Digest,
    address: &Address,
    Found { row, id, generation }: Found,
    work: &Work,
) -> Result<Redeemed, Denied> {
    let invalid = |why: Refusal| why.failed(ConfirmationError::InvalidToken);
    let already = || Refusal::AlreadyConfirmed.excused(ConfirmationError::AlreadyConfirmed);
    let is_active =
        |row: &CustomerRecord| row.status == AccountStatus::Active && Account::is_of(row, address);
    let presented = Presented {
        website: address.website.clone(),
        customer: id,
        digest: *token,
        purposes: Purposes::only(Purpose::Confirmation),
    };
    let verdict = services.one_time.peek(&presented, generation).await?;
    let row = row.ok_or(invalid(Refusal::UnknownAccount))?;
    let (digest, offer) = match verdict {
        Verdict::Good(offer) => (offer.credential.confirms, Some(offer)),
        Verdict::Replayed(spent) => (spent.bought, None),
        Verdict::Refused => (None, None),
    };
    let confirming = digest.and_then(|digest| Confirming::of(digest, address));
    let (Some(digest), Some(confirming)) = (digest, confirming) else {
        return Err(invalid(Refusal::WrongCredential));
    };
    if row.status == AccountStatus::Disabled {
        return Err(invalid(Refusal::AccountDisabled));
    }
    if is_active(&row) {
        return Err(already());
    }
    let has_address = Account::is_of(&row, address);
    let offer = offer.filter(|_| has_address == (confirming == Confirming::Own));
    // If there is no `offer`, the confirmation token is already spent, or the host has changed the
    // account's e-mail address since the token was made.
    let offer = offer.ok_or(invalid(Refusal::WrongCredential))?;
    if let Some(password) = &confirmation.password
        && confirming == Confirming::Own
    {
        let verified = services.passwords.verify(password, row.password_hash.as_ref(), work).await?;
        if verified == Verified::Wrong {
            return Err(Refusal::WrongCredential.failed(SignInError::WrongPassword));
        }
    }
    let spent = services.one_time.spend(offer, Some(&digest)).await;
    match spent.map_err(|error| Denied::from(error).behind_right_credential())? {
        Verdict::Good(()) => Ok(Redeemed { row, confirming, generation }),
        Verdict::Replayed(_) | Verdict::Refused => Err(invalid(Refusal::WrongCredential)),
    }
}

/// Activates an unconfirmed account.
///
/// The function first ends all earlier tokens and one-time credentials of the account. A person to
/// whom the e-mail address does not belong has possibly obtained them. If the caller disconnects
/// before the account row is changed, the account is still unconfirmed.
async fn confirm(
    services: &Services,
    Redeemed { row, generation, .. }: Redeemed,
    address: &Address,
    event: &Draft,
) -> Result<(), Stop> {
    let subject = Subject::Customer(row.id.clone());
    require_generation(services, &subject, generation).await?;
    end_credentials(services, &subject, None, &event.origin).await?;
    if services.customers.confirm(&row).await? {
        return Ok(());
    }
    // The account row was not changed. Either another confirmation token has already activated the
    // account, or the host has changed the account row.
    let row = services.customers.find_again(&row.id, address).await?;
    match row.filter(|row| row.status == AccountStatus::Active) {
        Some(_) => Err(Refusal::AlreadyConfirmed.told(ConfirmationError::AlreadyConfirmed)),
        None => Err(Refusal::RevokedMeanwhile.told(ConfirmationError::InvalidToken)),
    }
}

/// Writes the account's new e-mail address.
async fn replace(
    services: &Services,
    Redeemed { row, generation, .. }: Redeemed,
    address: &Address,
    event: &Draft,
) -> Result<(), Stop> {
    let Services { customers, notices, attempts, .. } = services;
    let invalid = |why: Refusal| why.told(ConfirmationError::InvalidToken);
    let (subject, origin) = (Subject::Customer(row.id.clone()), &event.origin);
    let earlier = row.name()?.email;
    require_generation(services, &subject, generation).await?;
    match customers.replace_email(&row, &row.email, &address.email).await? {
        EmailReplacement::Replaced => {}
        EmailReplacement::Changed => return Err(invalid(Refusal::RevokedMeanwhile)),
        EmailReplacement::Taken => return Err(invalid(Refusal::AddressTaken)),
    }
    let new = CustomerRecord { email: address.email.as_str().to_owned(), ..row.clone() };
    // The notices are sent before the tokens are ended, so that a caller who disconnects cannot
    // suppress the notices. If the earlier e-mail address is restored below, the customer got
    // needless notices.
    notices.tell_customer(&row, Notice::EmailChanged, origin);
    notices.tell_customer(&new, Notice::EmailChanged, origin);
    let undo = async {
        let restored = customers.replace_email(&row, &new.email, &earlier).await?;
        Ok(restored == EmailReplacement::Replaced)
    };
    let stands = let_stand(services, &subject, generation, Ends::All, origin, undo).await;
    stands.map_err(|stop| stop.refused_as(ConfirmationError::InvalidToken))?;
    // The account's known devices and sources are stored under the earlier e-mail address, so they
    // are removed.
    attempts.forget_devices(&subject).await?;
    // On a website that lets unconfirmed customers sign in, an unconfirmed customer can change the
    // e-mail address. The customer has now confirmed the new e-mail address, so the account becomes
    // active.
    if row.status == AccountStatus::Unconfirmed {
        customers.confirm(&new).await?;
    }
    Ok(())
}

/// Refuses the confirmation token if another request has ended the customer's tokens and
/// credentials since `generation` was read.
async fn require_generation(
    services: &Services,
    subject: &Subject,
    generation: Generation,
) -> Result<(), Stop> {
    if services.tokens.generation(subject).await? == generation {
        return Ok(());
    }
    Err(Refusal::RevokedMeanwhile.told(ConfirmationError::InvalidToken))
}
