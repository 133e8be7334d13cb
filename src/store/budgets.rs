//! The arithmetic of failed attempts, for the backends that do it in this process.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Attempt, AttemptId, Budget, Charge, Lock, Outcome, Reserve, ThrottleKey, micros};
use crate::clock::{SKEW, after};

/// The budgets of one account.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Budgets {
    counters: Vec<(ThrottleKey, Counter)>,
}

impl Budgets {
    pub(super) fn reserve(&mut self, attempt: &Attempt, now: OffsetDateTime) -> Reserve {
        self.clamp(now);
        let mut answer = Reserve::Reserved;
        for charge in &attempt.charges {
            answer = match (answer, self.counter(charge).available(charge.budget, now)) {
                (Reserve::Spent, _) | (_, Reserve::Spent) => Reserve::Spent,
                (Reserve::Busy, _) | (_, Reserve::Busy) => Reserve::Busy,
                (Reserve::Reserved, Reserve::Reserved) => Reserve::Reserved,
            };
        }
        if answer == Reserve::Reserved {
            for charge in &attempt.charges {
                let reservation = Reservation { attempt: attempt.id, lease_until: attempt.lease_until };
                self.counter(charge).reserved.push(reservation);
            }
        }
        self.counters.retain_mut(|(_, counter)| !counter.is_idle(now));
        answer
    }

    /// Shortens what ends further ahead than its own longest life, which a clock that was ahead has begun. Nothing is
    /// forgotten: it lasts its whole length from now on. Answers whether anything was changed, which has to be kept then,
    /// or it would last as long at the next look.
    pub(super) fn clamp(&mut self, now: OffsetDateTime) -> bool {
        self.counters.iter_mut().fold(false, |changed, (_, counter)| counter.clamp(now) | changed)
    }

    pub(super) fn holds(&self, attempt: &Attempt) -> bool {
        self.counters
            .iter()
            .any(|(_, counter)| counter.reserved.iter().any(|held| held.attempt == attempt.id))
    }

    pub(super) fn settle(&mut self, attempt: &Attempt, outcome: Outcome, now: OffsetDateTime) -> bool {
        self.clamp(now);
        let mut locked = false;
        for charge in &attempt.charges {
            locked |= self.counter(charge).settle(attempt.id, outcome, now);
        }
        self.counters.retain_mut(|(_, counter)| !counter.is_idle(now));
        locked
    }

    pub(super) fn clear(&mut self) {
        for (_, counter) in &mut self.counters {
            counter.failures = 0;
            counter.locked = None;
        }
    }

    pub(super) fn is_idle(&mut self, now: OffsetDateTime) -> bool {
        self.counters.iter_mut().all(|(_, counter)| counter.is_idle(now))
    }

    /// When it is worth asking again whether anything is counted: not before, unless something happens. None if it lasts
    /// until it is cleared.
    #[cfg(feature = "sqlite")]
    pub(super) fn idle_from(&self) -> Option<OffsetDateTime> {
        let mut ends = self.counters.iter().map(|(_, counter)| counter.idle_from());
        ends.try_fold(OffsetDateTime::UNIX_EPOCH, |latest, end| Some(latest.max(end?)))
    }

    fn counter(&mut self, charge: &Charge) -> &mut Counter {
        let place = self.counters.iter().position(|(scope, _)| *scope == charge.scope).unwrap_or_else(|| {
            // An account has two budgets as a rule; room for four would be most of what its row takes.
            self.counters.reserve_exact(1);
            self.counters.push((charge.scope, Counter::new(charge.budget)));
            self.counters.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the place was found or made the line before")]
        &mut self.counters[place].1
    }
}

/// What one budget has left.
#[derive(Serialize, Deserialize)]
struct Counter {
    budget: Budget,
    failures: u32,
    #[serde(with = "micros")]
    window_ends: OffsetDateTime,
    locked: Option<Locked>,
    reserved: Vec<Reservation>,
}

#[derive(Serialize, Deserialize)]
enum Locked {
    Until(#[serde(with = "micros")] OffsetDateTime),
    UntilCleared,
}

/// An attempt on its way.
#[derive(Serialize, Deserialize)]
struct Reservation {
    attempt: AttemptId,
    #[serde(with = "micros")]
    lease_until: OffsetDateTime,
}

impl Counter {
    const fn new(budget: Budget) -> Self {
        let window_ends = OffsetDateTime::UNIX_EPOCH;
        Self { budget, failures: 0, window_ends, locked: None, reserved: Vec::new() }
    }

    fn clamp(&mut self, now: OffsetDateTime) -> bool {
        let mut changed = lower(&mut self.window_ends, after(now, self.budget.window));
        if let (Some(Locked::Until(until)), Lock::For(lock)) = (&mut self.locked, self.budget.lock) {
            changed |= lower(until, after(now, lock));
        }
        for held in &mut self.reserved {
            changed |= lower(&mut held.lease_until, after(now, Attempt::LONGEST_LEASE));
        }
        changed
    }

    fn available(&mut self, budget: Budget, now: OffsetDateTime) -> Reserve {
        self.budget = budget;
        self.lapse(now);
        if self.is_locked(now) {
            return Reserve::Spent;
        }
        self.forget(now);
        let reserved = u32::try_from(self.reserved.len()).unwrap_or(u32::MAX);
        if self.failures >= budget.failures {
            Reserve::Spent
        } else if self.failures.saturating_add(reserved) >= budget.failures {
            Reserve::Busy
        } else {
            Reserve::Reserved
        }
    }

    fn settle(&mut self, attempt: AttemptId, outcome: Outcome, now: OffsetDateTime) -> bool {
        self.lapse(now);
        let Some(place) = self.reserved.iter().position(|held| held.attempt == attempt) else { return false };
        self.reserved.swap_remove(place);
        match outcome {
            Outcome::Failed => return self.fail(now),
            Outcome::Succeeded => self.failures = 0,
            Outcome::Withdrawn => {}
        }
        false
    }

    /// A reservation whose lease has ended counts as a failure of that moment.
    fn lapse(&mut self, now: OffsetDateTime) {
        let mut lapsed = Vec::new();
        self.reserved.retain(|held| {
            let lives = now < held.lease_until;
            if !lives {
                lapsed.push(held.lease_until);
            }
            lives
        });
        lapsed.sort_unstable();
        for at in lapsed {
            self.fail(at);
        }
    }

    /// Answers whether a lock begins with this failure.
    fn fail(&mut self, at: OffsetDateTime) -> bool {
        if !self.is_locked(at) {
            self.forget(at);
        }
        if self.failures == 0 {
            self.window_ends = after(at, self.budget.window);
        }
        self.failures = self.failures.saturating_add(1);
        let locks = self.failures >= self.budget.failures && self.locked.is_none();
        if locks {
            self.locked = Some(match self.budget.lock {
                Lock::For(duration) => Locked::Until(after(at, duration)),
                Lock::UntilCleared => Locked::UntilCleared,
            });
        }
        locks
    }

    fn is_locked(&self, now: OffsetDateTime) -> bool {
        match self.locked {
            Some(Locked::Until(until)) => now < until,
            Some(Locked::UntilCleared) => true,
            None => false,
        }
    }

    /// Forgets a lock that is over, and failures whose window has ended. Not to be called while locked.
    fn forget(&mut self, now: OffsetDateTime) {
        if self.locked.take().is_some() || now >= self.window_ends {
            self.failures = 0;
        }
    }

    #[cfg(feature = "sqlite")]
    fn idle_from(&self) -> Option<OffsetDateTime> {
        let counted = match self.locked {
            Some(Locked::UntilCleared) => return None,
            Some(Locked::Until(until)) => until,
            None if self.failures > 0 => self.window_ends,
            None => OffsetDateTime::UNIX_EPOCH,
        };
        Some(self.reserved.iter().map(|held| held.lease_until).fold(counted, OffsetDateTime::max))
    }

    fn is_idle(&mut self, now: OffsetDateTime) -> bool {
        self.lapse(now);
        let counts = match self.locked {
            Some(_) => self.is_locked(now),
            None => self.failures > 0 && now < self.window_ends,
        };
        self.reserved.is_empty() && !counts
    }
}

/// Lowers an end to the latest there can be. Answers whether it was later than the clock of any node could make it.
fn lower(end: &mut OffsetDateTime, latest: OffsetDateTime) -> bool {
    let is_later = *end > after(latest, SKEW);
    if is_later {
        *end = latest;
    }
    is_later
}
