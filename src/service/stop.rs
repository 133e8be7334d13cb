//! The reason why a flow stops, and the judgement of an attempt.

use crate::{
    audit::Refusal,
    credential::Work,
    error::{Error, InputError},
    state::budgets::Outcome,
};

/// The reason why a flow stops. The trail is told more than the caller.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) told: Error,
    /// None if something failed.
    pub(crate) why: Option<Refusal>,
}

/// The judgement of an attempt at an account: how it is charged, and what its caller gets.
#[derive(Debug)]
#[must_use]
pub(crate) struct Judged<T> {
    pub(crate) outcome: Outcome,
    pub(crate) answer: Result<T, Stop>,
}

/// A credential that a judge does not let pass.
#[derive(Debug)]
pub(crate) struct Denied {
    stop: Stop,
    /// None if something failed before there was a judgement.
    outcome: Option<Outcome>,
}

impl Refusal {
    /// Stops a flow for this reason. Its caller is told an error that may say less.
    pub(crate) fn told(self, error: impl Into<Error>) -> Stop {
        Stop { told: error.into(), why: Some(self) }
    }

    /// Denies a credential for this reason. The attempt counts as a failure.
    pub(crate) fn failed(self, error: impl Into<Error>) -> Denied {
        Denied { stop: self.told(error), outcome: Some(Outcome::Failed) }
    }

    /// Denies a right credential for this reason. The attempt costs nothing.
    pub(crate) fn excused(self, error: impl Into<Error>) -> Denied {
        Denied { stop: self.told(error), outcome: Some(Outcome::Withdrawn) }
    }
}

impl Stop {
    /// The same stop with another error for the caller, if it is a refusal.
    pub(crate) fn refused_as(self, error: impl Into<Error>) -> Self {
        if self.why.is_some() { Self { told: error.into(), ..self } } else { self }
    }

    /// Denies a credential because of this refusal, which counts as a failure. Something that failed is no
    /// judgement.
    pub(crate) fn failed(self) -> Denied {
        let outcome = self.why.map(|_| Outcome::Failed);
        Denied { stop: self, outcome }
    }
}

impl Denied {
    /// The same denial behind a right credential. If something failed, the attempt costs nothing.
    pub(crate) fn behind_right_credential(self) -> Self {
        Self { outcome: self.outcome.or(Some(Outcome::Withdrawn)), ..self }
    }
}

impl<T> Judged<T> {
    /// Completes a judgement. Without one, an attempt whose work has started counts as a failure.
    pub(crate) fn of(judged: Result<(T, Outcome), Denied>, work: &Work) -> Self {
        match judged {
            Ok((right, outcome)) => Self { outcome, answer: Ok(right) },
            Err(Denied { stop, outcome }) => {
                Self { outcome: outcome.unwrap_or_else(|| unjudged(work)), answer: Err(stop) }
            }
        }
    }
}

/// The outcome of an attempt that nobody judged: its caller went away, or something failed.
pub(crate) fn unjudged(work: &Work) -> Outcome {
    if work.has_started() { Outcome::Failed } else { Outcome::Withdrawn }
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
