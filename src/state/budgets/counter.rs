use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{AttemptId, AttemptOutcome, Budget, Lock, Reserve, Standing};
use crate::clock::{after, micros};

/// Tolerance for the clocks of nodes, which can differ by 30 s. For example, the end of a lock lies
/// at most the lock's duration ahead of the clock that wrote it. If a stored time lies further
/// ahead of this node's clock than the duration plus the tolerance, the clock of the writer was
/// wrong.
pub(super) const TOLERANCE: Duration = Duration::from_secs(60);

/// The failures, the lock and the open reservations of one budget. Times are whole microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counter {
    #[serde(with = "stored_budget")]
    budget: Budget,
    failures: u32,
    #[serde(with = "micros")]
    window_ends: OffsetDateTime,
    #[serde(deserialize_with = "Option::deserialize")]
    locked: Option<Locked>,
    reserved: Vec<Reservation>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Locked {
    Until(#[serde(with = "micros")] OffsetDateTime),
    UntilCleared,
}

/// The charge of an unsettled attempt, and the end of its lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Reservation(AttemptId, #[serde(with = "micros")] OffsetDateTime);

impl Counter {
    /// Maximum number of open reservations, which bounds the size of the document. If a counter has
    /// so many open reservations, further attempts wait until one of them is settled, even if the
    /// budget allows more failures.
    const MAX_RESERVED: usize = 256;

    pub(super) const fn new(budget: Budget) -> Self {
        let window_ends = OffsetDateTime::UNIX_EPOCH;
        Self { budget, failures: 0, window_ends, locked: None, reserved: Vec::new() }
    }

    /// Returns the room in the budget for a caller of this standing. Before that, takes over the
    /// present configuration of the budget, and ends the leases, locks and windows that have
    /// expired by now.
    pub(super) fn available(&mut self, budget: Budget, standing: Standing, now: OffsetDateTime) -> Reserve {
        self.budget = budget;
        self.lapse(now);
        match (self.locked, standing) {
            // This lock does not apply to known callers, because a part of the budget is reserved
            // for them.
            (Some(Locked::UntilCleared), Standing::Known) => {}
            _ if self.is_locked(now) => return Reserve::Spent,
            _ => self.forget(now),
        }
        let reserved = u32::try_from(self.reserved.len()).unwrap_or(u32::MAX);
        let limit = budget.limit(standing);
        match budget.lock {
            // After each pause, one attempt is allowed. If another caller has already reserved this
            // attempt, the present caller is refused and does not wait.
            Lock::Growing { .. } if self.failures >= limit => {
                if reserved == 0 {
                    Reserve::Reserved
                } else {
                    Reserve::Spent
                }
            }
            _ if self.failures >= limit => Reserve::Spent,
            _ if self.failures.saturating_add(reserved) >= limit
                || self.reserved.len() >= Self::MAX_RESERVED =>
            {
                Reserve::Busy
            }
            _ => Reserve::Reserved,
        }
    }

    pub(super) fn reserve(&mut self, attempt: AttemptId, lease_until: OffsetDateTime) {
        self.reserved.push(Reservation(attempt, lease_until));
    }

    /// Settles the reservation of an attempt. Returns true if the attempt failed and this failure
    /// causes a lock. Returns none if the attempt has no open reservation.
    pub(super) fn settle(
        &mut self,
        attempt: AttemptId,
        outcome: AttemptOutcome,
        now: OffsetDateTime,
    ) -> Option<bool> {
        self.lapse(now);
        let place = self.reserved.iter().position(|held| held.0 == attempt)?;
        self.reserved.swap_remove(place);
        match outcome {
            AttemptOutcome::Failed => return Some(self.fail(now)),
            AttemptOutcome::Succeeded => {
                // The success of a known caller must not lift the lock on other callers.
                let kept = if self.locked.is_some() { self.budget.limit(Standing::Unknown) } else { 0 };
                self.failures = self.failures.min(kept);
            }
            AttemptOutcome::Withdrawn => {}
        }
        Some(false)
    }

    /// Clears the counted failures and the lock. Open reservations stay.
    pub(super) fn clear(&mut self, now: OffsetDateTime) {
        self.lapse(now);
        self.failures = 0;
        self.locked = None;
    }

    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }

    /// Counts a failure without a reservation. Returns true if this failure causes a lock.
    pub(super) fn count(&mut self, budget: Budget, now: OffsetDateTime) -> bool {
        self.budget = budget;
        self.fail(now)
    }

    /// True if the counter is idle at this time: it has no failures, no lock and no reservations.
    /// Such a counter need not be stored.
    pub(super) fn is_idle(&self, now: OffsetDateTime) -> bool {
        let mut counter = self.clone();
        counter.lapse(now);
        if !counter.is_locked(now) {
            counter.forget(now);
        }
        counter.reserved.is_empty() && counter.failures == 0 && counter.locked.is_none()
    }

    /// Returns the time from which the counter is idle, if none of its open reservations is settled
    /// and so each counts as a failure. None if the counter is then locked until the account is
    /// unlocked.
    pub(super) fn keep_until(&self) -> Option<OffsetDateTime> {
        let mut counter = self.clone();
        if let Some(last) = self.reserved.iter().map(|held| held.1).max() {
            counter.lapse(last);
        }
        let window_ends = if counter.failures > 0 { counter.window_ends } else { OffsetDateTime::UNIX_EPOCH };
        match (counter.locked, counter.budget.lock) {
            (Some(Locked::UntilCleared), _) => None,
            (Some(Locked::Until(until)), Lock::Growing { .. }) => Some(until.max(window_ends)),
            (Some(Locked::Until(until)), _) => Some(until),
            (None, _) => Some(window_ends),
        }
    }

    /// Corrects times that a node whose clock is ahead has written. Such a time becomes the latest
    /// time that this node would write now. Otherwise a lock that the other node has written would
    /// last too long. Returns true if a time was corrected.
    pub(super) fn clamp(&mut self, lease: Duration, now: OffsetDateTime) -> bool {
        let cut = |time: &mut OffsetDateTime, life: Duration| {
            let is_ahead = *time > after(after(now, life), TOLERANCE);
            if is_ahead {
                *time = after(now, life);
            }
            is_ahead
        };
        let mut found = cut(&mut self.window_ends, self.budget.window);
        if let (Some(Locked::Until(until)), Some(lock)) = (&mut self.locked, self.budget.longest_lock()) {
            found |= cut(until, lock);
        }
        self.reserved.iter_mut().fold(found, |found, held| found | cut(&mut held.1, lease))
    }

    /// Counts each reservation whose lease has ended as a failure at the end of the lease.
    fn lapse(&mut self, now: OffsetDateTime) {
        let mut lapsed: Vec<_> =
            self.reserved.extract_if(.., |held| held.1 <= now).map(|held| held.1).collect();
        lapsed.sort_unstable();
        for at in lapsed {
            self.fail(at);
        }
    }

    /// Counts a failure. Returns true if this failure causes a lock.
    fn fail(&mut self, at: OffsetDateTime) -> bool {
        if !self.is_locked(at) {
            self.forget(at);
        }
        if self.failures == 0 {
            self.window_ends = after(at, self.budget.window);
        }
        self.failures = self.failures.saturating_add(1);
        let beyond = self.failures.checked_sub(self.budget.limit(Standing::Unknown));
        let Some(beyond) = beyond.filter(|_| self.locked.is_none()) else { return false };
        self.locked = Some(match self.budget.lock {
            Lock::For(duration) => Locked::Until(after(at, duration)),
            Lock::Growing { first, longest } => {
                let pause = first.saturating_mul(1 << beyond.min(31)).min(longest);
                Locked::Until(after(at, pause))
            }
            Lock::UntilCleared { .. } => Locked::UntilCleared,
        });
        // A longer pause continues an earlier lock, so it is not reported as a new lock.
        beyond == 0 || !matches!(self.budget.lock, Lock::Growing { .. })
    }

    fn is_locked(&self, now: OffsetDateTime) -> bool {
        match self.locked {
            Some(Locked::Until(until)) => now < until,
            Some(Locked::UntilCleared) => true,
            None => false,
        }
    }

    /// Clears a lock that has ended, and failures whose window has ended. Callers must not call
    /// this function while the counter is locked.
    ///
    /// The end of a growing pause does not clear the failures, because the next pause must be
    /// longer.
    fn forget(&mut self, now: OffsetDateTime) {
        let grows = matches!(self.budget.lock, Lock::Growing { .. });
        let lock_ended = self.locked.take().is_some();
        if now >= self.window_ends || (lock_ended && !grows) {
            self.failures = 0;
        }
    }
}

/// A budget with its durations in microseconds.
mod stored_budget {
    use serde::{Deserializer, Serializer};

    use super::{Budget, Deserialize, Duration, Lock, Serialize};

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Stored {
        failures: u32,
        window: u64,
        lock: StoredLock,
    }

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum StoredLock {
        For(u64),
        Growing(u64, u64),
        UntilCleared(u32),
    }

    fn micros(span: Duration) -> u64 {
        u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
    }

    pub(super) fn serialize<S: Serializer>(budget: &Budget, serializer: S) -> Result<S::Ok, S::Error> {
        let lock = match budget.lock {
            Lock::For(span) => StoredLock::For(micros(span)),
            Lock::Growing { first, longest } => StoredLock::Growing(micros(first), micros(longest)),
            Lock::UntilCleared { kept_for_known } => StoredLock::UntilCleared(kept_for_known),
        };
        Stored { failures: budget.failures, window: micros(budget.window), lock }.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Budget, D::Error> {
        let Stored { failures, window, lock } = Stored::deserialize(deserializer)?;
        let span = Duration::from_micros;
        let lock = match lock {
            StoredLock::For(lock) => Lock::For(span(lock)),
            StoredLock::Growing(first, longest) => {
                Lock::Growing { first: span(first), longest: span(longest) }
            }
            StoredLock::UntilCleared(kept_for_known) => Lock::UntilCleared { kept_for_known },
        };
        Ok(Budget { failures, window: span(window), lock })
    }
}
