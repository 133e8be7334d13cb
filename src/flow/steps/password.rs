//! The password of an account: checked at a sign-in, and confirmed by whoever is signed in.

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
    state::budgets::Outcome,
};

/// Reads an account again whose credential was right.
///
/// The row was read before the generation, so the host may have changed it and revoked in between. A change
/// from here on moves the generation, and no grant is stored.
pub(in crate::flow) async fn read_again<A: Account>(
    accounts: &Accounts<A>,
    name: &A::Name,
    seen: &A,
) -> Result<A, Denied> {
    let row = accounts.find_again(seen.id(), name).await?;
    row.ok_or(Refusal::UnknownAccount.failed(SignInError::Refused))
}

/// Checks the password against the hash of a row that was read again, if it has another hash by now: made
/// anew by another sign-in, or changed. Returns true if the hash is outdated.
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

/// Checks the current password of an account whose owner is signed in, within its budget. Returns the row
/// whose hash it was checked against.
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
    let judged = Judged::of(judged.map(|row| (row, Outcome::Succeeded)), charged.work());
    // If the password is right, a charge that could not be settled now is settled later.
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
    // Read now: the wait for room may have been long.
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
