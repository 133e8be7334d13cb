use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::Faulty;
use crate::{
    conformance::Fault,
    error::StoreError,
    store::{Attempt, Outcome, Reserve, Store, ThrottleKey, ThrottleStore},
};

impl<S: Store> Faulty<S> {
    /// The attempt as the faulty store sees it.
    fn bent(&self, attempt: &Attempt) -> Attempt {
        let mut attempt = attempt.clone();
        let day = Duration::from_secs(24 * 60 * 60);
        for charge in &mut attempt.charges {
            match self.fault {
                Fault::EndsALastingLock => charge.budget.lock = crate::store::Lock::For(day),
                Fault::NeverForgets => charge.budget.window = 365 * day,
                Fault::SharesScopes => charge.scope = ThrottleKey::of(&[b"one scope"]),
                _ => {}
            }
        }
        match self.fault {
            Fault::KeepsUnsettled => attempt.lease_until += 365 * day,
            Fault::ChargesTheFirst | Fault::LosesTheSharedBudget => attempt.charges.truncate(1),
            Fault::SharesScopes => attempt.charges.truncate(1),
            _ => {}
        }
        attempt
    }

    /// The latest time that an attempt was reserved at, this one included.
    fn latest(&self, now: OffsetDateTime) -> OffsetDateTime {
        let mut memory = self.memory();
        let latest = memory.latest.map_or(now, |latest| latest.max(now));
        *memory.latest.insert(latest)
    }
}

#[async_trait]
impl<S: Store> ThrottleStore for Faulty<S> {
    async fn reserve(&self, attempt: &Attempt, now: OffsetDateTime) -> Result<Reserve, StoreError> {
        let attempt = self.bent(attempt);
        match self.fault {
            Fault::ReservesBeyondTheBudget => match self.inner.reserve(&attempt, now).await? {
                Reserve::Busy => Ok(Reserve::Reserved),
                answer => Ok(answer),
            },
            Fault::CallsBusySpent => match self.inner.reserve(&attempt, now).await? {
                Reserve::Busy => Ok(Reserve::Spent),
                answer => Ok(answer),
            },
            Fault::LosesALock => match self.inner.reserve(&attempt, now).await? {
                Reserve::Spent => {
                    self.inner.clear(&attempt.account).await?;
                    self.inner.reserve(&attempt, now).await
                }
                answer => Ok(answer),
            },
            Fault::ChargesSome => {
                let mut answer = Reserve::Reserved;
                for (number, charge) in attempt.charges.iter().rev().enumerate() {
                    let mut part = Attempt { charges: vec![*charge], ..attempt.clone() };
                    part.id.0.rotate_right(number);
                    answer = self.inner.reserve(&part, now).await?;
                    if answer != Reserve::Reserved {
                        break;
                    }
                }
                Ok(answer)
            }
            Fault::GivesBackUnsettled => {
                // Reservations of others whose lease has ended are withdrawn just before it.
                let lapsed: Vec<_> =
                    self.memory().attempts.extract_if(.., |other| other.lease_until <= now).collect();
                for other in lapsed {
                    let before = other.lease_until - Duration::from_micros(1);
                    self.inner.settle(&other, Outcome::Withdrawn, before).await?;
                }
                let answer = self.inner.reserve(&attempt, now).await?;
                if answer == Reserve::Reserved {
                    self.memory().attempts.push(attempt);
                }
                Ok(answer)
            }
            Fault::KeepsALockFromAhead => {
                let latest = self.latest(now);
                self.inner.reserve(&attempt, latest).await
            }
            Fault::ForgetsALockFromAhead | Fault::ForgetsOnAStepBack => {
                let bound = if self.is(Fault::ForgetsOnAStepBack) { 0 } else { 24 * 60 * 60 };
                if self.latest(now) - now > Duration::from_secs(bound) {
                    self.inner.clear(&attempt.account).await?;
                }
                self.inner.reserve(&attempt, now).await
            }
            _ => self.inner.reserve(&attempt, now).await,
        }
    }

    async fn settle(
        &self,
        attempt: &Attempt,
        outcome: Outcome,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let attempt = self.bent(attempt);
        match (self.fault, outcome) {
            (Fault::IgnoresSuccess, Outcome::Succeeded) => {
                self.inner.settle(&attempt, Outcome::Withdrawn, now).await
            }
            (Fault::ClearsTheAccountOnSuccess, Outcome::Succeeded) => {
                let locked = self.inner.settle(&attempt, outcome, now).await?;
                self.inner.clear(&attempt.account).await?;
                Ok(locked)
            }
            (Fault::ClearsOnWithdrawal, Outcome::Withdrawn) => {
                self.inner.settle(&attempt, Outcome::Succeeded, now).await
            }
            (Fault::CountsTwice, Outcome::Failed) => {
                let mut again = attempt.clone();
                again.id.0 = u128::from(self.number()).wrapping_add(1 << 100).to_be_bytes();
                self.inner.settle(&attempt, outcome, now).await?;
                let _ = self.inner.reserve(&again, now).await?;
                self.inner.settle(&again, outcome, now).await
            }
            (Fault::ChargesSome, _) => {
                let mut locked = false;
                for (number, charge) in attempt.charges.iter().rev().enumerate() {
                    let mut part = Attempt { charges: vec![*charge], ..attempt.clone() };
                    part.id.0.rotate_right(number);
                    locked |= self.inner.settle(&part, outcome, now).await?;
                }
                Ok(locked)
            }
            (Fault::TellsNoLock, _) => {
                self.inner.settle(&attempt, outcome, now).await?;
                Ok(false)
            }
            (Fault::TellsEveryFailure, _) => {
                self.inner.settle(&attempt, outcome, now).await?;
                Ok(outcome == Outcome::Failed)
            }
            _ => self.inner.settle(&attempt, outcome, now).await,
        }
    }

    async fn clear(&self, account: &ThrottleKey) -> Result<(), StoreError> {
        if self.is(Fault::ForgetsClear) { Ok(()) } else { self.inner.clear(account).await }
    }

    async fn purge_attempts(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        let later = now + Duration::from_secs(60 * 60);
        let now = if self.is(Fault::PurgesLocks) { later } else { now };
        self.inner.purge_attempts(now, limit).await
    }
}
