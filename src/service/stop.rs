//! The reason why a flow stops, and the verdict on an attempt.

use crate::{
    audit::Refusal,
    credential::Work,
    error::{Error, InputError},
    state::budgets::AttemptOutcome,
};

/// The reason why a flow stops. The audit trail gets more detail than the caller.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) told: Error,
    /// The reason for the audit trail. None if something failed.
    pub(crate) why: Option<Refusal>,
}

/// The verdict on an attempt at an account: how it is charged, and what its caller gets.
#[derive(Debug)]
#[must_use]
pub(crate) struct Judged<T> {
    pub(crate) outcome: AttemptOutcome,
    pub(crate) answer: Result<T, Stop>,
}

/// The refusal of a credential.
#[derive(Debug)]
pub(crate) struct Denied {
    stop: Stop,
    /// The outcome of the attempt. None if something failed before the credential was verified.
    outcome: Option<AttemptOutcome>,
}

impl Refusal {
    /// Stops a flow for this reason. The error for the caller may say less.
    pub(crate) fn told(self, error: impl Into<Error>) -> Stop {
        Stop { told: error.into(), why: Some(self) }
    }

    /// Refuses a credential for this reason. The attempt counts as a failure.
    pub(crate) fn failed(self, error: impl Into<Error>) -> Denied {
        Denied { stop: self.told(error), outcome: Some(AttemptOutcome::Failed) }
    }

    /// Refuses a right credential for this reason. The attempt costs nothing.
    pub(crate) fn excused(self, error: impl Into<Error>) -> Denied {
        Denied { stop: self.told(error), outcome: Some(AttemptOutcome::Withdrawn) }
    }
}

impl Stop {
    /// Replaces the error for the caller, if this is a refusal.
    pub(crate) fn refused_as(self, error: impl Into<Error>) -> Self {
        if self.why.is_some() { Self { told: error.into(), ..self } } else { self }
    }

    /// Refuses a credential because of this stop. A refusal counts as a failure. If something
    /// failed, then there is no verdict.
    pub(crate) fn failed(self) -> Denied {
        let outcome = self.why.map(|_| AttemptOutcome::Failed);
        Denied { stop: self, outcome }
    }
}

impl Denied {
    /// Marks the credential as right. If something failed, then the attempt costs nothing.
    pub(crate) fn behind_right_credential(self) -> Self {
        Self { outcome: self.outcome.or(Some(AttemptOutcome::Withdrawn)), ..self }
    }
}

impl<T> Judged<T> {
    /// Completes a verdict. If there is none and the work has started, then the attempt counts as a
    /// failure.
    pub(crate) fn of(judged: Result<(T, AttemptOutcome), Denied>, work: &Work) -> Self {
        match judged {
            Ok((right, outcome)) => Self { outcome, answer: Ok(right) },
            Err(Denied { stop, outcome }) => {
                Self { outcome: outcome.unwrap_or_else(|| unjudged(work)), answer: Err(stop) }
            }
        }
    }
}

/// Returns the outcome of an attempt without a verdict, because its caller went away or something
/// failed.
pub(crate) fn unjudged(work: &Work) -> AttemptOutcome {
    if work.has_started() { AttemptOutcome::Failed } else { AttemptOutcome::Withdrawn }
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        let told = error.into();
        let why = match told {
            Error::Overloaded => Some(Refusal::Overloaded),
            Error::Input(InputError::Policy(_)) => Some(Refusal::PasswordPolicy),
            _ => None,
        };
        Self { told, why }
    }
}

impl<E: Into<Stop>> From<E> for Denied {
    fn from(error: E) -> Self {
        Self { stop: error.into(), outcome: None }
    }
}
