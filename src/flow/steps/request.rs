//! The charge for a request that anybody can make without a sign-in: a request for a mail, or the
//! registration of an account. Also the charge for a customer's request to change the e-mail
//! address.

use super::{
    challenge::{Challenged, require_answer},
    ending::settle,
};
use crate::{
    audit::{Draft, Refusal},
    error::SignInError,
    service::{Services, attempts::Attempted, stop::Stop},
    state::budgets::AttemptOutcome,
};

/// Charges a request to the budgets that the caller passes: that of the source, that of the e-mail
/// address, or both.
///
/// If the host challenges the request and the client's response is missing or wrong, the request is
/// refused without a charge. Otherwise the charge counts like a failed attempt and is not given
/// back, even if the request fails later.
pub(in crate::flow) async fn charge_request(
    services: &Services,
    by_source: Option<Attempted>,
    by_address: Option<Attempted>,
    challenged: Option<Challenged<'_>>,
    event: &Draft,
) -> Result<(), Stop> {
    let spent = || Refusal::BudgetSpent.told(SignInError::TooManyRequests);
    let by_source = match by_source {
        Some(attempted) => Some(services.attempts.open(attempted).await?.ok_or_else(spent)?),
        None => None,
    };
    let by_address = match by_address {
        Some(attempted) => Some(services.attempts.open(attempted).await?),
        None => None,
    };
    // If the budget of the e-mail address is spent, the request is refused without a challenge.
    // Before that, the request is charged to the budget of its source.
    let is_spent = matches!(by_address, Some(None));
    if let Some(challenged) = challenged.filter(|_| !is_spent) {
        let opened = by_address.as_ref().and_then(Option::as_ref).or(by_source.as_ref());
        require_answer(services, opened, challenged).await?;
    }
    for opened in by_source.map(Some).into_iter().chain(by_address) {
        let charged = opened.ok_or_else(spent)?.reserve().await?.ok_or_else(spent)?;
        settle(services, charged, AttemptOutcome::Failed, event).await?;
    }
    Ok(())
}
