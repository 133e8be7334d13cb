//! The check of an account's password, at a sign-in or for a signed-in customer or admin user.

use super::{
    ending::settle,
    lock::{ToldOfLock, tell_of_locks},
};
use crate::{
    account::AccountStatus,
    audit::{Draft, Refusal},
    credential::{Credential, Verified, Work},
    error::SignInError,
    service::{
        Services,
        accounts::{Account, Accounts},
        attempts::Attempted,
        passwords::Passwords,
        stop::{Denied, Judged, Stop},
    },
    state::budgets::AttemptOutcome,
};

/// Reads the account row a second time, after the presented credential was right.
///
/// The account row was first read before the generation. Between these two reads, the host has
/// possibly changed the row and ended the tokens. The second reading notices this. If the host ends
/// the tokens after the second reading, the generation changes, so no grant is stored.
pub(in crate::flow) async fn read_again<A: Account>(
    accounts: &Accounts<A>,
    name: &A::Name,
    seen: &A,
) -> Result<A, Denied> {
    let row = accounts.find_again(seen.id(), name).await?;
    row.ok_or(Refusal::UnknownAccount.failed(SignInError::Refused))
}

/// Checks the password again if the account row has a new password hash since the first check.
/// Either another sign-in has updated the parameters of the hash, or the password was changed.
/// Returns true if the present hash has outdated parameters.
pub(in crate::flow) async fn check_again<A: Account>(
    passwords: &Passwords,
    password: &Credential,
    (seen, verified): (&A, Verified),
    row: &A,
    work: &Work,
) -> Result<bool, Denied> {
    let [earlier, present] = [seen, row].map(|row| row.password_hash().map(|hash| hash.expose()));
    let verified = if earlier == present {
        verified
    } else {
        passwords.verify(password, row.password_hash(), work).await?
    };
    verified.outdated().ok_or(Refusal::WrongCredential.failed(SignInError::Refused))
}

/// Checks the current password of a signed-in customer or admin user, within the budgets of
/// `attempted`. Returns the account row with the password hash that was checked.
pub(in crate::flow) async fn confirm<A: ToldOfLock>(
    services: &Services,
    accounts: &Accounts<A>,
    who: &A::Identity,
    password: &Credential,
    attempted: Attempted,
    event: &Draft,
) -> Result<A, Stop> {
    let charged = services.attempts.reserve(attempted).await?;
    let charged = charged.ok_or(Refusal::BudgetSpent.told(SignInError::Locked))?;
    let judged = judge(services, accounts, who, password, charged.work()).await;
    let judged = Judged::of(judged.map(|row| (row, AttemptOutcome::Succeeded)), charged.work());
    // If the charge cannot be settled now, a later attempt settles it.
    if let Ok(locks) = settle(services, charged, judged.outcome, event).await
        && locks.wide
        && let Ok(row) = accounts.own(who).await
    {
        tell_of_locks(services, locks, &row.name()?, Some(&row), &event.origin).await;
    }
    judged.answer
}

async fn judge<A: Account>(
    services: &Services,
    accounts: &Accounts<A>,
    who: &A::Identity,
    password: &Credential,
    work: &Work,
) -> Result<A, Denied> {
    // The account row is read only now, because the attempt has possibly waited long for room in
    // the budget. A row that was read before the wait would be outdated.
    let row = accounts.own(who).await?;
    let verified = services.passwords.verify(password, row.password_hash(), work).await?;
    let why = match (verified, row.standing(&services.config)) {
        (Verified::Wrong, _) => Refusal::WrongCredential,
        (_, AccountStatus::Active) => return Ok(row),
        (_, AccountStatus::Unconfirmed) => Refusal::AccountUnconfirmed,
        (_, AccountStatus::Disabled) => Refusal::AccountDisabled,
    };
    Err(why.failed(SignInError::WrongPassword))
}
