//! How a flow ends: what its caller is told, and what the audit trail is.

use crate::{
    audit::{Action, Draft, Outcome, Refusal},
    auth::Auth,
    error::{Error, StoreError},
    random::RandomError,
    service::attempts::Charged,
    state::budgets,
};

/// Why a flow stopped: the trail is told more than the caller.
#[derive(Debug)]
pub(super) struct Stop {
    pub(super) told: Error,
    /// None if something failed.
    pub(super) why: Option<Refusal>,
}

impl Refusal {
    /// Stops a flow for this reason; its caller is told an error that may say less.
    pub(super) const fn told(self, error: Error) -> Stop {
        Stop { told: error, why: Some(self) }
    }
}

impl Stop {
    /// The same, but its caller is told something else if it was a refusal.
    pub(super) fn refused_as(self, error: Error) -> Self {
        if self.why.is_some() { Self { told: error, ..self } } else { self }
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        let why = match error {
            Error::Overloaded => Some(Refusal::Overloaded),
            Error::PasswordPolicy(_) => Some(Refusal::PasswordPolicy),
            _ => None,
        };
        Self { told: error, why }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Error::from(error).into()
    }
}

impl From<RandomError> for Stop {
    fn from(error: RandomError) -> Self {
        Error::from(error).into()
    }
}

impl Auth {
    /// Tells the trail how a flow ended, and gives the caller its answer.
    ///
    /// Where an admin user is involved the event is kept before the answer is given, and a refusal within budget that
    /// cannot be recorded is "unavailable". A success has been announced before (or, like a revoke, must not depend on
    /// the trail).
    pub(super) async fn conclude<T>(&self, event: &Draft, ended: Result<T, Stop>) -> Result<T, Error> {
        let outcome = match &ended {
            Ok(_) => Outcome::Succeeded,
            Err(Stop { why: Some(why), .. }) => Outcome::Refused(*why),
            Err(Stop { why: None, .. }) => Outcome::Failed,
        };
        let recorded = self.tell(event, outcome).await;
        match ended {
            Ok(done) => Ok(done),
            Err(Stop { told, why: Some(_) }) => Err(recorded.err().unwrap_or(told)),
            Err(Stop { told, why: None }) => Err(told),
        }
    }

    /// Keeps an event that involves an admin user; queues any other, and what is beyond a budget: that is cheap for whoever
    /// asks, however often, and must not become work for the sink.
    pub(super) async fn tell(&self, event: &Draft, outcome: Outcome) -> Result<(), Error> {
        if event.involves_admin() && outcome != Outcome::Refused(Refusal::BudgetSpent) {
            self.parts.trail.record(event, outcome).await
        } else {
            self.parts.trail.note(event, outcome);
            Ok(())
        }
    }

    /// Settles an attempt, and tells of the lock if it leads to one.
    pub(super) async fn settle(
        &self,
        charged: Charged<'_>,
        outcome: budgets::Outcome,
        event: &Draft,
    ) -> Result<(), Error> {
        if charged.settle(outcome).await? {
            let lock = Draft { action: Action::Lock, ..event.clone() };
            self.tell(&lock, Outcome::Succeeded).await?;
        }
        Ok(())
    }
}
