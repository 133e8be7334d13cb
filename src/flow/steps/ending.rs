//! The last steps of a flow: the settlement of its attempt, the record for the audit trail, and the
//! result for the caller.

use crate::{
    audit::{Action, Delivery, Draft, Outcome},
    error::{Error, TokenError},
    service::{
        Services,
        attempts::{Charged, Settled},
        stop::Stop,
    },
    state::budgets::{AttemptOutcome, Locks, Suspected},
    token::{Grant, Origin},
};

/// Records the outcome of a flow in the audit trail, and returns the flow's result.
///
/// If the audit sink fails, the result for the caller depends on the outcome of the flow:
///
/// - If the flow must wait for the record of a refusal, the caller gets "unavailable" in place of
///   the refusal. If the record is only queued, for example after a refusal because of a spent
///   budget, the caller gets the refusal.
/// - A success stays a success. Either the flow has recorded the act before it was done, or the act
///   must not depend on the audit trail. A revocation is such an act.
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

/// Records an event in the audit trail. If the flow need not wait for the audit sink, the event is
/// only queued.
pub(in crate::flow) async fn tell(services: &Services, event: &Draft, outcome: Outcome) -> Result<(), Error> {
    match event.delivery(outcome) {
        Delivery::Awaited => services.trail.record(event, outcome).await,
        Delivery::Queued | Delivery::Anonymous => {
            services.trail.note(event, outcome);
            Ok(())
        }
    }
}

/// Settles an attempt, and returns the locks that this attempt has caused. The audit trail records
/// these locks. It also records an alarm if this attempt has made the source suspicious.
pub(in crate::flow) async fn settle(
    services: &Services,
    charged: Charged<'_>,
    outcome: AttemptOutcome,
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

/// Records why a live token is refused, and returns the error for the caller. The event is queued,
/// so that the verification of a token does not wait for the audit sink.
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
