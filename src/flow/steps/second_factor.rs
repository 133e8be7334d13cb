//! The second factor of an admin user's sign-in or step-up. The flow first checks the code, then
//! spends the code, and then issues a token.

use time::OffsetDateTime;

use super::{ending::settle, lock::tell_of_locks};
use crate::{
    account::{AdminId, AdminRecord},
    audit::{Draft, Refusal},
    credential::{Credential, TypedCode},
    error::{SignInError, StoreError},
    flow::types::AdminSignedIn,
    notifier::AdminNotice,
    service::{
        Services,
        accounts::Account,
        attempts::{Attempted, Charged, recovery_code_partition, second_factor_partition},
        factors::RightCode,
        stop::{Judged, Stop},
    },
    state::budgets::AttemptOutcome,
    store::Generation,
    token::{Grant, Obtained, Origin},
};

/// A right code of an admin user that is not spent yet, and the charge of the attempt that
/// presented the code.
pub(in crate::flow) struct PendingCode<'a> {
    code: RightCode,
    charged: Charged<'a>,
}

/// Checks a code of an admin user within the budget of such codes, without spending the code.
pub(in crate::flow) async fn judge_code<'a>(
    services: &'a Services,
    row: &AdminRecord,
    code: &Credential,
    event: &Draft,
) -> Result<PendingCode<'a>, Stop> {
    let admin = &row.id;
    let code = TypedCode::of(code);
    let attempted = match code.recovery_code() {
        // Wrong recovery codes do not count in the budget of wrong codes of the authenticator. If
        // an attacker spends the budget of the authenticator's codes, the admin user can still sign
        // in with a recovery code. This is safe, because a recovery code is too long to be guessed.
        Some(_) => Attempted::recovery_code(admin, event.origin.source, &services.config),
        None => Attempted::second_factor(admin, &services.config),
    };
    let charged = services.attempts.reserve(attempted).await?;
    let charged = charged.ok_or(Refusal::BudgetSpent.told(SignInError::Refused))?;
    let Judged { outcome, answer } = services.factors.judge(admin, &code, charged.work()).await;
    match answer {
        Ok(code) => Ok(PendingCode { code, charged }),
        Err(stop) => {
            // If the charge cannot be settled now, a later attempt settles it.
            if let Ok(locks) = settle(services, charged, outcome, event).await
                && let Ok(username) = row.name()
            {
                tell_of_locks(services, locks, &username, Some(row), &event.origin).await;
            }
            if outcome == AttemptOutcome::Failed {
                tell_of_wrong_code(services, row, &event.origin).await;
            }
            Err(stop)
        }
    }
}

/// Notifies an admin user that somebody presented the admin user's right password and a wrong code.
/// For each source, the admin user gets at most one such notice in the period of the second
/// factor's budget.
///
/// If the notice cannot be sent, the result of the sign-in stays the same.
async fn tell_of_wrong_code(services: &Services, row: &AdminRecord, origin: &Origin) {
    let notice = Attempted::wrong_code_notice(&row.id, origin.source, &services.config);
    if let Ok(Some(charged)) = services.attempts.reserve(notice).await
        && charged.settle(AttemptOutcome::Failed).await.is_ok()
    {
        services.notices.tell_admin(row, AdminNotice::SecondFactorFailed, origin);
    }
}

/// Spends the code of the second factor, if the sign-in has one, and issues an admin user's token.
/// No other function issues admin users' tokens.
pub(in crate::flow) async fn issue_admin_token(
    services: &Services,
    row: &AdminRecord,
    right: Option<PendingCode<'_>>,
    until: Option<OffsetDateTime>,
    generation: Generation,
    event: &mut Draft,
) -> Result<AdminSignedIn, Stop> {
    let drawn = services.tokens.draw()?;
    let (now, end) = services.tokens.lifespan(services.config.lifetimes.admin_token, until);
    let obtained = right.as_ref().map_or(Obtained::Password, |right| right.code.obtained());
    let grant = Grant::admin(drawn.id, row.id.clone(), obtained, now, end);
    event.about_grant(&grant);
    let begun = services.trail.begin(event).await;
    match (right, begun) {
        (Some(right), Ok(())) => spend(services, row, right, event).await?,
        (Some(right), Err(error)) => {
            // The audit sink failed, but the code was right, so the attempt is not counted as a
            // failure. If the charge cannot be settled now, a later attempt settles it.
            let _ = right.charged.settle(AttemptOutcome::Withdrawn).await;
            return Err(error.into());
        }
        (None, begun) => begun?,
    }
    services.tokens.insert(&grant, &event.origin, generation).await?;
    Ok(AdminSignedIn::new(drawn.token, row.id.clone(), &grant))
}

/// Clears an admin user's budgets of wrong codes of the authenticator and of wrong recovery codes.
pub(in crate::flow) async fn clear_budgets(services: &Services, admin: &AdminId) -> Result<(), StoreError> {
    for budgets in [second_factor_partition(admin), recovery_code_partition(admin)] {
        services.attempts.clear(&budgets).await?;
    }
    Ok(())
}

async fn spend(
    services: &Services,
    admin: &AdminRecord,
    PendingCode { code, charged }: PendingCode<'_>,
    event: &Draft,
) -> Result<(), Stop> {
    let Judged { outcome, answer } = services.factors.spend(&code, charged.work()).await;
    // If the charge cannot be settled now, a later attempt settles it.
    let _ = settle(services, charged, outcome, event).await;
    if let Err(Stop { why: Some(Refusal::SpentCode), .. }) = answer {
        services.notices.tell_admin(admin, AdminNotice::CodeReplayed, &event.origin);
    }
    answer?;
    if let Some(left) = code.recovery_codes_left() {
        services.notices.tell_admin(admin, AdminNotice::RecoveryCodeUsed { left }, &event.origin);
    }
    // If the secret of the second factor is encrypted with an older secret key, it is encrypted
    // again with the current one. If this fails, the next sign-in or `reseal_factors` tries it
    // again.
    let _ = services.factors.reseal(code.factor()).await;
    Ok(())
}
