//! Budgets of failed attempts, and the locks that follow.

use commerce_auth::{Error, audit::Refusal};
use time::{Duration, OffsetDateTime as Time};

use super::{Door, Ended, Shop, Told, trail::refused};

/// What failures are counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Counted {
    Customer(Door),
    Admin(usize),
    Exchange(Door),
    Reset(Door),
    ResetRequests(Door),
    ResetRequestsFrom(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    Source(u32),
    Confirmation,
    AllSources,
    /// Shared by sources that come to an account at which many others count already.
    Others,
}

/// So many narrow scopes of an account have a budget of their own.
const OWN_BUDGETS: usize = 128;
/// A narrow scope takes its place so much longer than it counts, since the clocks of nodes differ.
const LISTED_LONGER: Duration = Duration::seconds(61);

/// One budget: failures since the first of them, and the lock that follows the last.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    first: Option<Time>,
    failures: u32,
    locked_until: Option<Time>,
}

/// How an attempt counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Counts {
    Failure,
    /// Earlier failures are forgotten.
    Success,
    Nothing,
}

/// Failures, their window, and the lock.
const fn budget(counted: Counted, scope: Scope) -> (u32, Duration, Duration) {
    match (counted, scope) {
        (Counted::ResetRequests(_), _) => (5, Duration::HOUR, Duration::HOUR),
        (Counted::ResetRequestsFrom(_), _) => (20, Duration::HOUR, Duration::HOUR),
        (_, Scope::Source(_) | Scope::Confirmation | Scope::Others) => {
            (6, Duration::minutes(30), Duration::minutes(30))
        }
        (_, Scope::AllSources) => (100, Duration::DAY, Duration::DAY),
    }
}

impl Shop {
    fn is_spent(&self, counted: Counted, scope: Scope) -> bool {
        let counter = self.budgets.get(&(counted, scope));
        counter.and_then(|counter| counter.locked_until).is_some_and(|until| self.now < until)
    }

    /// The scope whose budget is drawn on.
    fn drawn(&self, counted: Counted, scope: Scope) -> Scope {
        let counts = |until: Option<Time>| until.is_some_and(|until| self.now < until);
        let is_narrow = matches!(scope, Scope::Source(_) | Scope::Confirmation);
        let is_account = matches!(counted, Counted::Customer(_) | Counted::Admin(_));
        if !is_narrow || !is_account || counts(self.reopens(counted, scope)) {
            return scope;
        }
        let of_account = self.budgets.keys().filter(|(account, scope)| {
            *account == counted && matches!(scope, Scope::Source(_) | Scope::Confirmation)
        });
        let listed = of_account
            .filter(|(_, scope)| counts(self.reopens(counted, *scope).map(|until| until + LISTED_LONGER)));
        if listed.count() < OWN_BUDGETS { scope } else { Scope::Others }
    }

    /// When a lock ends, or the window of failures that have not led to one.
    pub(crate) fn reopens(&self, counted: Counted, scope: Scope) -> Option<Time> {
        let counter = self.budgets.get(&(counted, scope))?;
        counter.locked_until.or_else(|| counter.first.map(|first| first + budget(counted, scope).1))
    }

    /// Answers whether a lock begins with this failure.
    fn fail(&mut self, counted: Counted, scope: Scope) -> bool {
        let (budget, window, lock) = budget(counted, scope);
        let now = self.now;
        let counter = self.budgets.entry((counted, scope)).or_default();
        let over = counter.locked_until.is_some_and(|until| now >= until)
            || counter.first.is_some_and(|first| now >= first + window);
        if over {
            *counter = Counter::default();
        }
        counter.first.get_or_insert(now);
        counter.failures += 1;
        let locks = counter.failures == budget;
        if locks {
            counter.locked_until = Some(now + lock);
        }
        locks
    }

    /// Nothing is done if a budget is spent; otherwise the attempt, and what it does to the budgets. A lock of a
    /// password is told of.
    pub(super) fn within<T>(
        &mut self,
        counted: Counted,
        scopes: &[Scope],
        spent: Error,
        event: &mut Told,
        attempt: impl FnOnce(&mut Self, &mut Told) -> Ended<T>,
        counts: impl FnOnce(&Ended<T>) -> Counts,
    ) -> Ended<T> {
        let drawn: Vec<_> = scopes.iter().map(|scope| self.drawn(counted, *scope)).collect();
        if drawn.iter().any(|scope| self.is_spent(counted, *scope)) {
            return refused(Refusal::BudgetSpent, spent);
        }
        let ended = attempt(self, event);
        match counts(&ended) {
            Counts::Nothing => {
                let now = self.now;
                let over = |until: Option<Time>| until.is_some_and(|until| now >= until);
                drawn.iter().filter(|scope| **scope != Scope::Others).for_each(|scope| {
                    if over(self.reopens(counted, *scope)) {
                        self.budgets.remove(&(counted, *scope));
                    }
                });
            }
            Counts::Success => drawn.iter().filter(|scope| **scope != Scope::Others).for_each(|scope| {
                self.budgets.remove(&(counted, *scope));
            }),
            Counts::Failure => {
                let locks = drawn.iter().filter(|scope| self.fail(counted, **scope)).count();
                if locks > 0 && matches!(counted, Counted::Customer(_) | Counted::Admin(_)) {
                    self.tell_lock(event);
                }
                self.last_failure = Some((counted, scopes[0]));
            }
        }
        ended
    }

    /// Forgets the failures and locks of an account's password.
    pub(super) fn forget_failures(&mut self, of: Counted) {
        self.budgets.retain(|(counted, _), _| *counted != of);
    }
}
