use super::{
    AdminSignIn, AdminSignedIn,
    steps::{
        challenge::{Challenged, require_answer},
        ending::{conclude, settle},
        enrolment::mail_enrolment,
        lock::tell_of_locks,
        password::{check_again, read_again},
        second_factor::{PendingCode, issue_admin_token, judge_code},
        seek::{Sought, reserve_beside},
    },
};
use crate::{
    account::{AccountStatus, AdminRecord, Username},
    audit::{Action, Draft, Refusal},
    challenge::ChallengeAction,
    credential::{Verified, Work},
    error::{Error, Field, InputError, SecondFactorError, SignInError},
    notifier::AdminNotice,
    service::{
        Services,
        attempts::{Attempted, Opened, SignedInDevice, admin_partition, caller},
        stop::{Denied, Judged, Stop},
    },
    state::budgets::AttemptOutcome,
    store::Generation,
    token::Subject,
};

/// An active admin account, after the sign-in presented its right password.
struct AdmittedAdmin {
    row: AdminRecord,
    hash_is_outdated: bool,
    /// The account's generation. It was read before the password was checked.
    generation: Generation,
}

pub(crate) async fn generate_admin_token(
    services: &Services,
    asked: AdminSignIn,
) -> Result<AdminSignedIn, Error> {
    if asked.username.is_empty() {
        return Err(Error::Input(InputError::Required(Field::Username)));
    }
    asked.password.check_bounds(Field::Password)?;
    if let Some(code) = &asked.otp {
        code.check_bounds(Field::Otp)?;
    }
    let username: Username = asked.username.parse().map_err(|_| InputError::Username)?;
    services.admins()?;
    let account = admin_partition(&username).account_key();
    // The event is anonymous until the caller has passed the host's challenge. If there are many
    // anonymous events, the audit trail sums them up. A request without a challenge costs an
    // attacker nothing, so it must not cause much work for the audit sink.
    let mut event = Draft::anonymous(Action::AdminSignIn, &asked.origin).at_account(account);
    let attempted =
        Attempted::admin_sign_in(&username, asked.origin.source, asked.device.as_ref(), &services.config);
    let ended = match services.attempts.open(attempted).await {
        Ok(Some(opened)) => within_budget(services, &asked, &username, opened, &mut event).await,
        Ok(None) => Err(Refusal::BudgetSpent.told(SignInError::Refused)),
        Err(stop) => Err(stop),
    };
    conclude(services, &event, ended).await
}

async fn within_budget(
    services: &Services,
    asked: &AdminSignIn,
    username: &Username,
    opened: Opened<'_>,
    event: &mut Draft,
) -> Result<AdminSignedIn, Stop> {
    let challenged = Challenged {
        action: ChallengeAction::AdminSignIn,
        website: None,
        account: &asked.username,
        response: &asked.challenge,
        origin: &asked.origin,
    };
    require_answer(services, Some(&opened), challenged).await?;
    event.is_admins();
    let (charged, sought) = reserve_beside(opened, services.admins()?, &services.tokens, username).await?;
    let charged = charged.ok_or(Refusal::BudgetSpent.told(SignInError::Refused))?;
    event.subject = sought.row.as_ref().map(|row| Subject::Admin(row.id.clone()));
    let owner = sought.row.clone();
    let judged = judge(services, asked, username, sought, charged.work()).await;
    let judged = Judged::of(judged.map(|admitted| (admitted, AttemptOutcome::Succeeded)), charged.work());
    // The charge of the password is settled before the second factor is checked, because wrong
    // codes do not count in the budget of wrong passwords. If the charge cannot be settled now, a
    // later attempt settles it.
    if let Ok(locks) = settle(services, charged, judged.outcome, event).await {
        tell_of_locks(services, locks, username, owner.as_ref(), &asked.origin).await;
    }
    let AdmittedAdmin { row, hash_is_outdated, generation } = judged.answer?;

    let right = second_factor(services, asked, &row, generation, event).await?;
    let signed_in = issue_admin_token(services, &row, right, None, generation, event).await?;
    if hash_is_outdated {
        services.passwords.rehash(services.admins()?, &row, &asked.password).await;
    }
    // The device is stored after the second factor, because a stolen password alone must not make a
    // device known. If the device cannot be stored now, the next sign-in from this device stores
    // it.
    let caller = caller(asked.origin.source, asked.device.as_ref());
    let subject = Subject::Admin(row.id.clone());
    let device = services.attempts.remember(&admin_partition(username), caller, &subject).await;
    let SignedInDevice { secret, is_new } = device.unwrap_or_default();
    if is_new {
        services.notices.tell_admin(&row, AdminNotice::NewDevice, &asked.origin);
    }
    let violation = services.passwords.admins_violation(username, &asked.password);
    Ok(signed_in.with_device(secret).with_password_violation(violation))
}

/// Checks the admin user's password and account. For an unknown account, an inactive account and a
/// wrong password, the function does the same work. So the duration of the refusal does not reveal
/// its reason.
async fn judge(
    services: &Services,
    asked: &AdminSignIn,
    username: &Username,
    sought: Sought<AdminRecord>,
    work: &Work,
) -> Result<AdmittedAdmin, Denied> {
    let Sought { row, generation, .. } = sought;
    let active = row.as_ref().filter(|row| row.status == AccountStatus::Active);
    let hash = active.and_then(|row| row.password_hash.as_ref());
    let verified = services.passwords.verify(&asked.password, hash, work).await?;
    let seen = row.ok_or(Refusal::UnknownAccount.failed(SignInError::Refused))?;
    require_active(&seen)?;
    if verified == Verified::Wrong {
        return Err(Refusal::WrongCredential.failed(SignInError::Refused));
    }
    let row = read_again(services.admins()?, username, &seen).await?;
    require_active(&row)?;
    let (password, seen) = (&asked.password, (&seen, verified));
    let hash_is_outdated = check_again(&services.passwords, password, seen, &row, work).await?;
    Ok(AdmittedAdmin { row, hash_is_outdated, generation })
}

fn require_active(row: &AdminRecord) -> Result<(), Denied> {
    match row.status {
        AccountStatus::Active => Ok(()),
        _ => Err(Refusal::AdminDisabled.failed(SignInError::Refused)),
    }
}

/// Checks the admin user's second factor, after the password was right. Returns none if the client
/// sent no code and the admin user needs no second factor.
async fn second_factor<'a>(
    services: &'a Services,
    asked: &AdminSignIn,
    row: &AdminRecord,
    generation: Generation,
    event: &Draft,
) -> Result<Option<PendingCode<'a>>, Stop> {
    if let Some(code) = &asked.otp {
        return judge_code(services, row, code, event).await.map(Some);
    }
    if services.factors.factor(&row.id).await?.is_some() {
        return Err(Refusal::NoSecondFactor.told(SecondFactorError::Required));
    }
    if services.config.admin_second_factor.demands_of(row) {
        mail_enrolment(services, row, generation, event).await?;
        return Err(Refusal::NotEnrolled.told(SecondFactorError::EnrolmentRequired));
    }
    Ok(None)
}
