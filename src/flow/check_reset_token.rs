use super::steps::ending::{conclude, settle};
use crate::{
    account::{AccountStatus, CustomerId, Website},
    audit::{Action, Draft, Refusal},
    credential::Credential,
    error::{Error, Field, InputError, SignInError},
    service::{
        Services,
        attempts::Attempted,
        one_time::Verdict,
        stop::{Denied, Judged, Stop},
    },
    state::budgets::AttemptOutcome,
    store::{Presented, Purpose, Purposes},
    token::{Digest, Origin, Subject},
};

pub(crate) async fn check_reset_token(
    services: &Services,
    customer: &CustomerId,
    token: Credential,
    origin: &Origin,
) -> Result<(), Error> {
    match token.check_bounds(Field::ResetToken) {
        Err(Error::Input(InputError::PasswordTooLong)) => {
            return Err(Error::SignIn(SignInError::ResetTokenMismatched));
        }
        bounds => bounds?,
    }
    let event = Draft::anonymous(Action::ResetTokenCheck, origin).of_customer(customer);
    match within_budget(services, customer, &token, &event).await {
        Ok(()) => Ok(()),
        refused => conclude(services, &event, refused).await,
    }
}

async fn within_budget(
    services: &Services,
    customer: &CustomerId,
    token: &Credential,
    event: &Draft,
) -> Result<(), Stop> {
    let attempted = Attempted::reset_token_check(customer, event.origin.source, &services.config);
    let charged = services.attempts.reserve(attempted).await?;
    let charged = charged.ok_or(Refusal::BudgetSpent.told(SignInError::TooManyRequests))?;
    let judged = judge(services, customer, token).await;
    let judged = Judged::of(judged.map(|()| ((), AttemptOutcome::Withdrawn)), charged.work());
    // If the charge cannot be settled now, the caller still gets the result of the check.
    let _ = settle(services, charged, judged.outcome, event).await;
    judged.answer
}

/// Checks the reset token without spending it. For an unknown customer, a disabled account and a
/// wrong token, the function makes the same requests to the stores. So the duration of the refusal
/// does not reveal its reason.
async fn judge(services: &Services, customer: &CustomerId, token: &Credential) -> Result<(), Denied> {
    let mismatched = |why: Refusal| why.failed(SignInError::ResetTokenMismatched);
    let generation = services.tokens.generation(&Subject::Customer(customer.clone())).await?;
    let row = services.customers.find_by_id(customer).await?;
    let presented = Presented {
        website: row.as_ref().map_or_else(Website::default, |row| row.website.clone()),
        customer: customer.clone(),
        digest: Digest::of(token.bytes()),
        purposes: Purposes::only(Purpose::ResetToken),
    };
    let verdict = services.one_time.peek(&presented, generation).await?;
    let row = row.ok_or(mismatched(Refusal::UnknownAccount))?;
    if row.status == AccountStatus::Disabled {
        return Err(mismatched(Refusal::AccountDisabled));
    }
    match verdict {
        Verdict::Good(_) => Ok(()),
        Verdict::Replayed(_) | Verdict::Refused => Err(mismatched(Refusal::WrongCredential)),
    }
}
