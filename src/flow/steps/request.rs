//! The charge for what a stranger may ask for: a mail, or a new account.

use super::{
    challenge::{Challenged, require_answer},
    ending::settle,
};
use crate::{
    audit::{Draft, Refusal},
    error::SignInError,
    service::{Services, attempts::Attempted, stop::Stop},
    state::budgets::Outcome,
};

/// Charges a request to the budget of its source, if that is known, and to that of the address. Each request
/// counts, whatever comes of it. Refuses it before that, if the host's challenge asks for an answer and there is no
/// right one.
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
    // A request for an address whose budget is spent is charged to its source, and refused.
    let is_spent = matches!(by_address, Some(None));
    if let Some(challenged) = challenged.filter(|_| !is_spent) {
        let opened = by_address.as_ref().and_then(Option::as_ref).or(by_source.as_ref());
        require_answer(services, opened, challenged).await?;
    }
    for opened in by_source.map(Some).into_iter().chain(by_address) {
        let charged = opened.ok_or_else(spent)?.reserve().await?.ok_or_else(spent)?;
        settle(services, charged, Outcome::Failed, event).await?;
    }
    Ok(())
}
