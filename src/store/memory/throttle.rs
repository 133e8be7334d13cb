use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use time::OffsetDateTime;

use super::shards::Shards;
use crate::{
    clock::after,
    store::{Attempt, AttemptId, Budget, Charge, Lock, Outcome, Reserve, ThrottleKey},
};

/// The budgets of failed attempts, by account.
#[derive(Debug)]
pub(super) struct Throttle {
    shards: Shards<Table>,
    /// Chooses which shared counters an account uses that found the table full.
    sharing: RandomState,
    capacity_per_shard: usize,
}

#[derive(Default)]
struct Table {
    accounts: HashMap<ThrottleKey, Account>,
    /// Counters for accounts that found the table full.
    shared: [Account; 4],
    /// So many more new accounts until the shard is swept.
    until_sweep: usize,
    /// When a full shard was last swept: not more than once a second, or each attempt of a flood would sweep.
    swept_full_at: Option<OffsetDateTime>,
}

impl Throttle {
    const ACCOUNTS: usize = 250_000;

    pub(super) fn with_capacity(accounts: usize) -> Self {
        let capacity_per_shard = accounts.div_ceil(Shards::<Table>::COUNT);
        Self { shards: Shards::default(), sharing: RandomState::new(), capacity_per_shard }
    }

    pub(super) fn reserve(&self, attempt: &Attempt, now: OffsetDateTime) -> Reserve {
        let mut table = self.shards.write(self.shards.index_of(&attempt.account));
        if !table.accounts.contains_key(&attempt.account) {
            table.make_room(self.capacity_per_shard, now);
            if table.accounts.len() < self.capacity_per_shard {
                table.accounts.insert(attempt.account, Account::default());
            }
        }
        match table.accounts.get_mut(&attempt.account) {
            Some(account) => account.reserve(attempt, now),
            None => self.shared(&mut table, &attempt.account).reserve(&shared_attempt(attempt), now),
        }
    }

    /// Answers whether a lock begins with this failure.
    pub(super) fn settle(&self, attempt: &Attempt, outcome: Outcome, now: OffsetDateTime) -> bool {
        let mut table = self.shards.write(self.shards.index_of(&attempt.account));
        if let Some(account) = table.accounts.get_mut(&attempt.account)
            && account.holds(attempt)
        {
            let locked = account.settle(attempt, outcome, now);
            if account.is_idle(now) {
                table.accounts.remove(&attempt.account);
            }
            return locked;
        }
        // Behind shared counters stand accounts that had no success: one of them must not clear the others'
        // failures.
        let outcome = if outcome == Outcome::Succeeded { Outcome::Withdrawn } else { outcome };
        self.shared(&mut table, &attempt.account).settle(&shared_attempt(attempt), outcome, now)
    }

    /// Clears an account's own counters. Shared ones stay: behind them stand other accounts.
    pub(super) fn clear(&self, account: &ThrottleKey) {
        let mut table = self.shards.write(self.shards.index_of(account));
        if let Some(account) = table.accounts.get_mut(account) {
            account.clear();
        }
    }

    pub(super) fn purge(&self, now: OffsetDateTime, limit: usize) -> usize {
        (0..=u8::MAX)
            .fold(0, |removed, index| removed + self.shards.write(index).remove_idle(now, limit - removed))
    }

    #[expect(clippy::indexing_slicing, reason = "two bits cannot leave an array of four")]
    fn shared<'table>(&self, table: &'table mut Table, account: &ThrottleKey) -> &'table mut Account {
        &mut table.shared[usize::from(self.sharing.hash_one(account).to_le_bytes()[0] & 3)]
    }
}

/// An attempt as shared counters see it: all its budgets last no longer than the shortest of them, and an hour at most.
/// A lock on strangers' names must not outlast their flood, or the flood would lock everybody who comes later.
fn shared_attempt(attempt: &Attempt) -> Attempt {
    let longest = Duration::from_secs(60 * 60);
    let spans = |charge: &Charge| match charge.budget.lock {
        Lock::For(lock) => lock.min(charge.budget.window),
        Lock::UntilCleared => charge.budget.window,
    };
    let span = attempt.charges.iter().map(spans).fold(longest, Duration::min);
    let mut attempt = attempt.clone();
    for charge in &mut attempt.charges {
        charge.budget = Budget { window: span, lock: Lock::For(span), ..charge.budget };
    }
    attempt
}

impl Default for Throttle {
    fn default() -> Self {
        Self::with_capacity(Self::ACCOUNTS)
    }
}

impl Table {
    /// Sweeps before a new account is added: every so many additions, and when the shard is full.
    fn make_room(&mut self, capacity: usize, now: OffsetDateTime) {
        self.until_sweep = self.until_sweep.saturating_sub(1);
        let full = self.accounts.len() >= capacity
            && self.swept_full_at.is_none_or(|at| (now - at).unsigned_abs() >= Duration::from_secs(1));
        if full {
            self.swept_full_at = Some(now);
        }
        if full || self.until_sweep == 0 {
            self.remove_idle(now, usize::MAX);
            // Half as many additions as accounts between two sweeps make their cost constant per addition.
            self.until_sweep = 64.max(self.accounts.len() / 2);
        }
    }

    fn remove_idle(&mut self, now: OffsetDateTime, limit: usize) -> usize {
        let mut removed = 0;
        self.accounts.retain(|_, account| {
            let goes = removed < limit && account.is_idle(now);
            removed += usize::from(goes);
            !goes
        });
        removed
    }
}

/// The budgets of one account.
#[derive(Default)]
struct Account {
    counters: Vec<(ThrottleKey, Counter)>,
}

impl Account {
    fn reserve(&mut self, attempt: &Attempt, now: OffsetDateTime) -> Reserve {
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
                self.counter(charge).reserved.push((attempt.id, attempt.lease_until));
            }
        }
        self.counters.retain_mut(|(_, counter)| !counter.is_idle(now));
        answer
    }

    fn holds(&self, attempt: &Attempt) -> bool {
        self.counters.iter().any(|(_, counter)| counter.reserved.iter().any(|(id, _)| *id == attempt.id))
    }

    fn settle(&mut self, attempt: &Attempt, outcome: Outcome, now: OffsetDateTime) -> bool {
        let mut locked = false;
        for charge in &attempt.charges {
            locked |= self.counter(charge).settle(attempt.id, outcome, now);
        }
        self.counters.retain_mut(|(_, counter)| !counter.is_idle(now));
        locked
    }

    fn clear(&mut self) {
        for (_, counter) in &mut self.counters {
            counter.failures = 0;
            counter.locked = None;
        }
    }

    fn is_idle(&mut self, now: OffsetDateTime) -> bool {
        self.counters.iter_mut().all(|(_, counter)| counter.is_idle(now))
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
struct Counter {
    budget: Budget,
    failures: u32,
    window_ends: OffsetDateTime,
    locked: Option<Locked>,
    /// Attempts on their way, each with the end of its lease.
    reserved: Vec<(AttemptId, OffsetDateTime)>,
}

enum Locked {
    Until(OffsetDateTime),
    UntilCleared,
}

impl Counter {
    const fn new(budget: Budget) -> Self {
        let window_ends = OffsetDateTime::UNIX_EPOCH;
        Self { budget, failures: 0, window_ends, locked: None, reserved: Vec::new() }
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
        let Some(place) = self.reserved.iter().position(|(id, _)| *id == attempt) else { return false };
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
        self.reserved.retain(|(_, lease)| {
            let lives = now < *lease;
            if !lives {
                lapsed.push(*lease);
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

    fn is_idle(&mut self, now: OffsetDateTime) -> bool {
        self.lapse(now);
        let counts = match self.locked {
            Some(_) => self.is_locked(now),
            None => self.failures > 0 && now < self.window_ends,
        };
        self.reserved.is_empty() && !counts
    }
}
