//! Budgets of failed attempts, and the locks that follow.

use commerce_auth::{Error, audit::Refusal, error::SignInError};
use time::{Duration, OffsetDateTime as Time};

use super::{Caller, Door, Ended, Notified, Shop, Told, ToldAdmin, trail::refused};

/// The account or purpose for which failures are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Counted {
    Customer(Door),
    Admin(usize),
    Exchange(Door),
    Reset(Door),
    ResetRequests(Door),
    ResetRequestsFrom(u32),
    /// A source, over all accounts.
    Source(u32),
    /// The IPv6 network of some sources, over all accounts.
    Network,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    Source(u32),
    Confirmation,
    AllSources,
    /// Shared by the sources that come to an account with too many separate budgets already.
    Others,
    AllAccounts,
}

/// The source of requests without an address. It stands for many callers, so it has no budget over
/// all accounts.
pub(crate) const NOWHERE: u32 = 2;
/// The sources in one network.
pub(crate) const NEIGHBOURS: [u32; 2] = [1, 3];
/// The budget of a network. Commerce's 1,000 failures would be too many for a history.
pub(crate) const NETWORK_FAILURES: u32 = 130;

/// The number of narrow scopes of an account that have a separate budget.
const OWN_BUDGETS: usize = 128;
/// A narrow scope keeps its place this much longer than it counts, because the clocks of nodes
/// differ.
const LISTED_LONGER: Duration = Duration::seconds(61);

/// One budget: the failures since the first of them, and the lock after the last one.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    first: Option<Time>,
    failures: u32,
    locked_until: Option<Time>,
}

/// The budgets that an attempt uses.
pub(super) struct Attempt<'a> {
    pub(super) counted: Counted,
    /// The narrow scope comes first.
    pub(super) scopes: &'a [Scope],
    /// The answer if a budget is used up.
    pub(super) spent: Error,
    /// The caller, if failures are counted for the source over all accounts.
    pub(super) caller: Option<Caller>,
}

/// The way in which an attempt counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Counts {
    Failure,
    /// Earlier failures are forgotten.
    Success,
    Nothing,
}

/// The lock after the last failure of a budget.
#[derive(Clone, Copy)]
enum Lock {
    /// Afterwards the budget starts anew.
    For(Duration),
    /// The first duration, doubled after each further failure, up to the second one.
    Growing(Duration, Duration),
}

/// Returns the number of failures, their window, and the lock.
const fn budget(counted: Counted, scope: Scope) -> (u32, Duration, Lock) {
    match (counted, scope) {
        (Counted::ResetRequests(_), _) => (5, Duration::HOUR, Lock::For(Duration::HOUR)),
        (Counted::ResetRequestsFrom(_), _) => (20, Duration::HOUR, Lock::For(Duration::HOUR)),
        (Counted::Network, _) => (NETWORK_FAILURES, Duration::HOUR, Lock::For(Duration::HOUR)),
        (Counted::Source(_), _) | (_, Scope::AllAccounts) => (100, Duration::HOUR, Lock::For(Duration::HOUR)),
        (_, Scope::Source(_) | Scope::Confirmation | Scope::Others) => {
            (6, Duration::minutes(30), Lock::For(Duration::minutes(30)))
        }
        (Counted::Customer(_) | Counted::Admin(_), Scope::AllSources) => {
            (100, Duration::DAY, Lock::Growing(Duration::minutes(15), Duration::hours(4)))
        }
        (Counted::Exchange(_) | Counted::Reset(_), Scope::AllSources) => {
            (100, Duration::DAY, Lock::For(Duration::DAY))
        }
    }
}

impl Counter {
    fn is_locked(&self, now: Time) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }

    /// Returns the time at which the counter ends.
    fn ends(&self, (_, window, lock): (u32, Duration, Lock)) -> Option<Time> {
        let window_ends = self.first.map(|first| first + window);
        match lock {
            Lock::For(_) => self.locked_until.or(window_ends),
            Lock::Growing(..) => self.locked_until.max(window_ends),
        }
    }
}

impl Shop {
    pub(super) fn is_spent(&self, counted: Counted, scope: Scope) -> bool {
        self.budgets.get(&(counted, scope)).is_some_and(|counter| counter.is_locked(self.now))
    }

    /// Returns the scope whose budget is used.
    fn drawn(&self, counted: Counted, scope: Scope) -> Scope {
        let counts = |until: Option<Time>| until.is_some_and(|until| self.now < until);
        let is_narrow = matches!(scope, Scope::Source(_) | Scope::Confirmation);
        let is_account = matches!(counted, Counted::Customer(_) | Counted::Admin(_));
        if !is_narrow || !is_account || counts(self.ends(counted, scope)) {
            return scope;
        }
        let of_account = self.budgets.keys().filter(|(account, scope)| {
            *account == counted && matches!(scope, Scope::Source(_) | Scope::Confirmation)
        });
        let listed = of_account
            .filter(|(_, scope)| counts(self.ends(counted, *scope).map(|until| until + LISTED_LONGER)));
        if listed.count() < OWN_BUDGETS { scope } else { Scope::Others }
    }

    fn ends(&self, counted: Counted, scope: Scope) -> Option<Time> {
        self.budgets.get(&(counted, scope))?.ends(budget(counted, scope))
    }

    /// Returns the time at which the lock ends. Without a lock, or after it, the time at which the
    /// failures end.
    pub(crate) fn reopens(&self, counted: Counted, scope: Scope) -> Option<Time> {
        let counter = self.budgets.get(&(counted, scope))?;
        counter.locked_until.filter(|_| counter.is_locked(self.now)).or(self.ends(counted, scope))
    }

    /// Returns the budgets of a source over all accounts.
    pub(crate) fn totals(source: u32) -> impl Iterator<Item = Counted> {
        let own = (source != NOWHERE).then_some(Counted::Source(source));
        own.into_iter().chain(NEIGHBOURS.contains(&source).then_some(Counted::Network))
    }

    pub(super) fn is_total_spent(&self, source: u32) -> bool {
        Self::totals(source).any(|counted| self.is_spent(counted, Scope::AllAccounts))
    }

    pub(super) fn count_in_totals(&mut self, source: u32) {
        Self::totals(source).for_each(|counted| {
            self.fail(counted, Scope::AllAccounts);
        });
    }

    /// Counts a failure. Returns true if a lock begins with it.
    fn fail(&mut self, counted: Counted, scope: Scope) -> bool {
        let (failures, window, lock) = budget(counted, scope);
        let now = self.now;
        let counter = self.budgets.entry((counted, scope)).or_default();
        if counter.ends((failures, window, lock)).is_some_and(|end| now >= end) {
            *counter = Counter::default();
        }
        counter.first.get_or_insert(now);
        counter.failures += 1;
        if counter.is_locked(now) || counter.failures < failures {
            return false;
        }
        let pause = match lock {
            Lock::For(lock) => lock,
            Lock::Growing(first, longest) => {
                longest.min(first * 2_i32.pow((counter.failures - failures).min(10)))
            }
        };
        counter.locked_until = Some(now + pause);
        // A further pause is not a new lock.
        counter.failures == failures
    }

    /// Refuses if a budget is used up. Otherwise makes the attempt and charges the budgets. A lock
    /// of a password is recorded, and a lock over all sources is also reported to the owner.
    pub(super) fn within<T>(
        &mut self,
        Attempt { counted, scopes, spent, caller }: Attempt<'_>,
        event: &mut Told,
        attempt: impl FnOnce(&mut Self, &mut Told) -> Ended<T>,
        counts: impl FnOnce(&Ended<T>) -> Counts,
    ) -> Ended<T> {
        let known = caller.map(|caller| self.knows(counted, caller)).unwrap_or_default();
        if caller.is_some_and(|caller| !known.device && self.is_total_spent(caller.source)) {
            return refused(Refusal::SourceBudgetSpent, Error::SignIn(SignInError::TooManyRequests));
        }
        let is_account = matches!(counted, Counted::Customer(_) | Counted::Admin(_));
        let wide_is_for_others = is_account && (known.source || known.device);
        let drawn: Vec<_> = scopes
            .iter()
            .filter(|scope| !(wide_is_for_others && **scope == Scope::AllSources))
            .map(|scope| self.drawn(counted, *scope))
            .collect();
        if drawn.iter().any(|scope| self.is_spent(counted, *scope)) {
            return refused(Refusal::BudgetSpent, spent);
        }
        let is_redemption = matches!(counted, Counted::Exchange(_) | Counted::Reset(_));
        let leaves_no_counter = is_redemption && self.is_spent(counted, Scope::AllSources);
        let ended = attempt(self, event);
        match counts(&ended) {
            Counts::Nothing => {
                let now = self.now;
                let over = |until: Option<Time>| until.is_some_and(|until| now >= until);
                drawn.iter().filter(|scope| **scope != Scope::Others).for_each(|scope| {
                    if over(self.ends(counted, *scope)) {
                        self.budgets.remove(&(counted, *scope));
                    }
                });
            }
            Counts::Success => drawn.iter().filter(|scope| **scope != Scope::Others).for_each(|scope| {
                self.budgets.remove(&(counted, *scope));
            }),
            Counts::Failure => {
                let mut locked = Vec::new();
                if !leaves_no_counter {
                    locked.extend(drawn.iter().copied().filter(|scope| self.fail(counted, *scope)));
                }
                if is_redemption {
                    self.fail(counted, Scope::AllSources);
                }
                if let Some(caller) = caller {
                    self.count_in_totals(caller.source);
                }
                if is_account && !locked.is_empty() {
                    self.tell_lock(event);
                }
                if is_account && locked.contains(&Scope::AllSources) {
                    self.tell_owner(counted);
                }
                self.last_failure = Some((counted, scopes[0]));
            }
        }
        ended
    }

    /// Notifies the owner, if there is one, that the account's budget over all sources is used up.
    fn tell_owner(&mut self, counted: Counted) {
        match counted {
            Counted::Customer(door) => {
                let owner = self.find(door).map(|customer| (customer, Notified::Locked));
                self.led_to.notices.extend(owner);
            }
            Counted::Admin(name) if name < self.admins.len() => {
                let link = self.offer_link(name);
                self.led_to.admin_notices.push((name, ToldAdmin::Locked(link)));
            }
            _ => {}
        }
    }

    /// Forgets the failures and locks of an account's password.
    pub(super) fn forget_failures(&mut self, of: Counted) {
        self.budgets.retain(|(counted, _), _| *counted != of);
    }
}
