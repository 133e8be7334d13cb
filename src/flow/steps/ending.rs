//! The end of a flow: what its caller is told, and what the audit trail is.

use crate::{
    audit::{Action, Delivery, Draft, Outcome},
    error::{Error, TokenError},
    service::{
        Services,
        attempts::{Charged, Settled},
        stop::Stop,
    },
    state::budgets::{self, Locks, Suspected},
    token::{Grant, Origin},
};

/// Tells the trail how a flow ended, and gives the caller its answer.
///
/// A refusal within budget that must be awaited and cannot be recorded is "unavailable". A success has been
/// announced before, or, like a revoke, must not depend on the trail.
pub(in crate::flow) async fn conclude<T>(
    services: &Services,
    event: &Draft,
    ended: Result<T, Stop>,
) -> Result<T, Error> {
    let outcome = match &ended {
        Ok(_) => Outcome::Succeeded,
        Err(Stop { why: Some(why), .. }) => Outcome::Refused(*why),
        Err(Stop { why: None, .. }) => Outcome::Failed,
    };
    let recorded = tell(services, event, outcome).await;
    match ended {
        Ok(done) => Ok(done),
        Err(Stop { told, why: Some(_) }) => Err(recorded.err().unwrap_or(told)),
        Err(Stop { told, why: None }) => Err(told),
    }
}

/// Records or queues an event.
pub(in crate::flow) async fn tell(services: &Services, event: &Draft, outcome: Outcome) -> Result<(), Error> {
    match event.delivery(outcome) {
        Delivery::Awaited => services.trail.record(event, outcome).await,
        Delivery::Queued | Delivery::Anonymous => {
            services.trail.note(event, outcome);
            Ok(())
        }
    }
}

/// Settles an attempt. Tells the trail of the locks that begin with it, which it returns, and of a source that
/// becomes suspicious.
pub(in crate::flow) async fn settle(
    services: &Services,
    charged: Charged<'_>,
    outcome: budgets::Outcome,
    event: &Draft,
) -> Result<Locks, Error> {
    let Settled { locks, suspected } = charged.settle(outcome).await?;
    if let Some(Suspected { accounts, failures, unknown }) = suspected {
        let numbers = format!("{failures} failures at {accounts} accounts, {unknown} at unknown names");
        let event = Draft::queued(Action::AttackSuspected, &event.origin).because(numbers);
        services.trail.note(&event, Outcome::Succeeded);
    }
    if locks != Locks::default() {
        let lock = Draft { action: Action::Lock, ..event.clone() };
        tell(services, &lock, Outcome::Succeeded).await?;
    }
    Ok(locks)
}

/// Tells the trail why a token that is live is refused, and gives the caller its answer. The event is queued:
/// a verification waits for no sink.
pub(in crate::flow) fn refused_in_use(
    services: &Services,
    stop: Stop,
    action: Action,
    grant: &Grant,
    origin: &Origin,
) -> Error {
    if let Some(why) = stop.why {
        let mut event = Draft::queued(action, origin);
        event.about_grant(grant);
        services.trail.note(&event, Outcome::Refused(why));
    }
    stop.refused_as(TokenError::Invalid).told
}
