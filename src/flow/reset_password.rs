use super::{
    steps::{
        challenge::{Challenged, require_answer},
        credentials::{Ends, let_stand},
        ending::{conclude, settle, tell},
        replay::end_replayed,
        seek::{Sought, reserve_beside},
    },
    types::setters,
};
use crate::{
    account::{AccountStatus, CustomerId, CustomerRecord, PasswordHash, Website},
    audit::{self, Action, Draft, Refusal},
    challenge::{ChallengeAction, ChallengeResponse},
    credential::{Credential, Lane, Line},
    error::{Error, Field, InputError, SignInError, StoreError},
    notifier::Notice,
    service::{
        Services,
        accounts::Address,
        attempts::{Attempted, account_partition},
        one_time::Verdict,
        stop::{Denied, Judged, Stop},
    },
    state::budgets::AttemptOutcome,
    store::{Generation, Presented, Purpose, Purposes},
    token::{Digest, Origin, Subject},
};

/// A client's request to set a new password with a reset token.
#[derive(Clone, Debug)]
#[must_use]
pub struct PasswordReset {
    email: String,
    token: Credential,
    new_password: Credential,
    website: Website,
    origin: Origin,
    challenge: ChallengeResponse,
}

impl PasswordReset {
    /// Creates a password reset on the default website. Pass the `email`, `resetPasswordToken` and
    /// `newPassword` arguments unchanged, as the client sent them. The library does not remove
    /// white space around these values.
    pub fn new(
        email: impl Into<String>,
        token: impl Into<Credential>,
        new_password: impl Into<Credential>,
    ) -> Self {
        Self {
            email: email.into(),
            token: token.into(),
            new_password: new_password.into(),
            website: Website::default(),
            origin: Origin::default(),
            challenge: ChallengeResponse::default(),
        }
    }

    setters!(website, origin, challenge);
}

/// The result of spending a reset token: the customer, and the hash of the new password.
struct Redeemed {
    customer: CustomerId,
    hash: PasswordHash,
    /// The customer's generation. It was read before the token was looked up.
    generation: Generation,
}

/// Maximum number of attempts to replace the stored password hash. An attempt fails if another
/// request changes the hash at the same time.
const REPLACEMENTS: usize = 8;

pub(crate) async fn reset_password(services: &Services, reset: PasswordReset) -> Result<(), Error> {
    if reset.email.is_empty() {
        return Err(Error::Input(InputError::Required(Field::ResetEmail)));
    }
    let email = reset.email.parse().map_err(|_| InputError::Email)?;
    match reset.token.check_bounds(Field::ResetToken) {
        Err(Error::Input(InputError::PasswordTooLong)) => {
            return Err(Error::SignIn(SignInError::ResetTokenMismatched));
        }
        bounds => bounds?,
    }
    services.passwords.check_bounds(&reset.new_password, Field::ResetPassword)?;
    services.passwords.judge(&email, &reset.new_password)?;
    let address = Address { website: reset.website.clone(), email };
    let mut event = Draft::anonymous(Action::PasswordReset, &reset.origin)
        .website(&address.website)
        .at_account(account_partition(&address).account_key());
    let ended = within_budget(services, &reset, &address, &mut event).await;
    conclude(services, &event, ended).await
}

async fn within_budget(
    services: &Services,
    reset: &PasswordReset,
    address: &Address,
    event: &mut Draft,
) -> Result<(), Stop> {
    let attempted =
        Attempted::redemption(Purpose::ResetToken, address, reset.origin.source, &services.config);
    let spent = || Refusal::BudgetSpent.told(SignInError::TooManyRequests);
    let opened = services.attempts.open(attempted).await?.ok_or_else(spent)?;
    let challenged = Challenged {
        action: ChallengeAction::PasswordReset,
        website: Some(&address.website),
        account: &reset.email,
        response: &reset.challenge,
        origin: &reset.origin,
    };
    require_answer(services, Some(&opened), challenged).await?;
    let (charged, sought) = reserve_beside(opened, &services.customers, &services.tokens, address).await?;
    let charged = charged.ok_or_else(spent)?;
    event.subject = sought.row.as_ref().map(|row| Subject::Customer(row.id.clone()));
    let redeemed = redeem(services, reset, sought, event).await;
    let judged = Judged::of(redeemed.map(|redeemed| (redeemed, AttemptOutcome::Withdrawn)), charged.work());
    // If the charge cannot be settled now, a later attempt settles it. The result of the password
    // reset stays the same.
    let _ = settle(services, charged, judged.outcome, event).await;
    let redeemed = judged.answer?;
    write(services, redeemed, address, event).await
}

/// Hashes the new password, and then spends the reset token. The token is spent after the hashing.
/// So if the hashing queue is full, the reset fails and the token stays valid.
async fn redeem(
    services: &Services,
    reset: &PasswordReset,
    sought: Sought<CustomerRecord>,
    event: &mut Draft,
) -> Result<Redeemed, Denied> {
    let Sought { row, id, generation } = sought;
    let presented = Presented {
        website: reset.website.clone(),
        customer: id,
        digest: Digest::of(reset.token.bytes()),
        purposes: Purposes::only(Purpose::ResetToken),
    };
    let mismatched = |why: Refusal| why.failed(SignInError::ResetTokenMismatched);
    let replayed = SignInError::ResetTokenMismatched;
    let offer = match services.one_time.peek(&presented, generation).await? {
        Verdict::Good(offer) => offer,
        Verdict::Replayed(spent) => {
            return Err(end_replayed(services, row.as_ref(), spent, replayed, event).await);
        }
        Verdict::Refused => {
            let known = row.is_some();
            return Err(mismatched(if known { Refusal::WrongCredential } else { Refusal::UnknownAccount }));
        }
    };
    let row = row.ok_or(mismatched(Refusal::UnknownAccount))?;
    if row.status == AccountStatus::Disabled {
        return Err(mismatched(Refusal::AccountDisabled));
    }
    let line = Line::new(Lane::Strangers, reset.origin.source);
    let hash = services.passwords.hash_new(&reset.new_password, line).await?;
    event.is_customers();
    // The audit trail records the begun reset before any change. So if the caller disconnects after
    // this point, the audit trail still has the record. If the sink fails, the password is still
    // set.
    let _ = tell(services, event, audit::Outcome::Begun).await;
    match services.one_time.spend(offer, None).await? {
        Verdict::Good(()) => Ok(Redeemed { customer: row.id, hash, generation }),
        Verdict::Replayed(spent) => Err(end_replayed(services, Some(&row), spent, replayed, event).await),
        Verdict::Refused => Err(mismatched(Refusal::WrongCredential)),
    }
}

/// Writes the hash of the new password, and ends the customer's tokens and one-time credentials.
///
/// If a sign-in updates the parameters of the old password hash at the same time, the hash of the
/// new password replaces this updated hash. If another request ends the customer's tokens and
/// credentials after the reset token was looked up, the reset is refused. The changed generation
/// shows such a request.
async fn write(
    services: &Services,
    Redeemed { customer, hash, generation }: Redeemed,
    address: &Address,
    event: &Draft,
) -> Result<(), Stop> {
    let Services { customers, tokens, notices, .. } = services;
    let mismatched = |why: Refusal| why.told(SignInError::ResetTokenMismatched);
    let subject = Subject::Customer(customer.clone());
    for _ in 0..REPLACEMENTS {
        let row = customers.find_again(&customer, address).await?;
        let row = row.ok_or(mismatched(Refusal::UnknownAccount))?;
        if row.status == AccountStatus::Disabled {
            return Err(mismatched(Refusal::AccountDisabled));
        }
        if tokens.generation(&subject).await? != generation {
            return Err(mismatched(Refusal::RevokedMeanwhile));
        }
        if !customers.replace_hash(&row, &hash).await? {
            continue;
        }
        // The notice is sent before the tokens are ended, so that a caller who disconnects cannot
        // suppress the notice. If the earlier password is restored below, the customer got a
        // needless notice.
        notices.tell_customer(&row, Notice::PasswordReset, &event.origin);
        let undo = customers.restore_hash(&row, &hash);
        let stands = let_stand(services, &subject, generation, Ends::All, &event.origin, undo).await;
        stands.map_err(|stop| stop.refused_as(SignInError::ResetTokenMismatched))?;
        return Ok(services.attempts.clear(&account_partition(address)).await?);
    }
    Err(StoreError::new("other requests changed the password hash at every attempt to replace it").into())
}
