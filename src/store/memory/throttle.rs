use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use time::OffsetDateTime;

use super::shards::Shards;
use crate::store::{Attempt, Budget, Charge, Lock, Outcome, Reserve, ThrottleKey, budgets::Budgets};

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
    accounts: HashMap<ThrottleKey, Budgets>,
    /// Counters for accounts that found the table full.
    shared: [Budgets; 4],
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
                table.accounts.insert(attempt.account, Budgets::default());
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
    fn shared<'table>(&self, table: &'table mut Table, account: &ThrottleKey) -> &'table mut Budgets {
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
            account.clamp(now);
            let goes = removed < limit && account.is_idle(now);
            removed += usize::from(goes);
            !goes
        });
        removed
    }
}
