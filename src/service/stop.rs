//! The reason why a flow stops without success, and the verdict on an attempt.

use crate::{
    audit::Refusal,
    credential::Work,
    error::{Error, InputError},
    state::budgets::AttemptOutcome,
};

/// The reason why a flow stops without success. The audit trail gets more details than the caller,
/// so that the caller does not learn, for example, if an account exists.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) told: Error,
    /// The reason of a refusal, for the audit trail. None if the flow failed instead, for example
    /// because the store was not available.
    pub(crate) why: Option<Refusal>,
}

/// The verdict on an attempt: the outcome with which its charge is settled, and the result for the
/// caller.
#[derive(Debug)]
#[must_use]
pub(crate) struct Judged<T> {
    pub(crate) outcome: AttemptOutcome,
    pub(crate) answer: Result<T, Stop>,
}

/// The refusal of a credential, or the failure of its verification.
#[derive(Debug)]
pub(crate) struct Denied {
    stop: Stop,
    /// The outcome of the attempt. None if an error occurred before the credential was verified, so
    /// that nobody knows if the credential is right.
    outcome: Option<AttemptOutcome>,
}

impl Refusal {
    /// Stops a flow for this reason. The error for the caller can say less than the reason.
    pub(crate) fn told(self, error: impl Into<Error>) -> Stop {
        Stop { told: error.into(), why: Some(self) }
    }

    /// Refuses a credential for this reason. The attempt counts as a failure.
    pub(crate) fn failed(self, error: impl Into<Error>) -> Denied {
        Denied { stop: self.told(error), outcome: Some(AttemptOutcome::Failed) }
    }

    /// Refuses a right credential for this reason. The attempt does not count as a failure, and its
    /// charge is given back.
    pub(crate) fn excused(self, error: impl Into<Error>) -> Denied {
        Denied { stop: self.told(error), outcome: Some(AttemptOutcome::Withdrawn) }
    }
}

impl Stop {
    /// Replaces the error for the caller if the flow was refused. If the flow failed, the error for
    /// the caller stays.
    pub(crate) fn refused_as(self, error: impl Into<Error>) -> Self {
        if self.why.is_some() { Self { told: error.into(), ..self } } else { self }
    }

    /// Refuses a credential because of this stop. If the flow was refused, the attempt counts as a
    /// failure. If the flow failed, the attempt has no outcome yet.
    pub(crate) fn failed(self) -> Denied {
        let outcome = self.why.map(|_| AttemptOutcome::Failed);
        Denied { stop: self, outcome }
    }
}

impl Denied {
    /// Marks the credential as right. If the attempt has no outcome yet, the charge of the attempt
    /// is given back.
    pub(crate) fn behind_right_credential(self) -> Self {
        Self { outcome: self.outcome.or(Some(AttemptOutcome::Withdrawn)), ..self }
    }
}

impl<T> Judged<T> {
    /// Completes the verdict on an attempt. If the attempt has no outcome yet, [`unjudged`] decides
    /// the outcome.
    pub(crate) fn of(judged: Result<(T, AttemptOutcome), Denied>, work: &Work) -> Self {
        match judged {
            Ok((right, outcome)) => Self { outcome, answer: Ok(right) },
            Err(Denied { stop, outcome }) => {
                Self { outcome: outcome.unwrap_or_else(|| unjudged(work)), answer: Err(stop) }
            }
        }
    }
}

/// Returns the outcome of an attempt whose credential was not judged, because the caller
/// disconnected or an error occurred. If the costly work of the attempt has started, the attempt
/// counts as a failure. Otherwise the charge is given back.
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
