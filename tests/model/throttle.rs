//! The verbs of a `ThrottleStore`, in sequence, on a clock that does not go back.

use std::collections::{BTreeMap, BTreeSet};

use commerce_auth::{
    MemoryStore,
    store::{Attempt, AttemptId, Budget, Charge, Lock, Outcome, Reserve, ThrottleKey, ThrottleStore},
};

use crate::spec::{Asked, Spec, at, done};

/// Scopes of an account: two sources, and all of them together.
const SCOPES: [Budget; 3] = [
    Budget { failures: 2, window: seconds_of(5), lock: Lock::For(seconds_of(4)) },
    Budget { failures: 2, window: seconds_of(5), lock: Lock::For(seconds_of(4)) },
    Budget { failures: 3, window: seconds_of(9), lock: Lock::UntilCleared },
];

const fn seconds_of(seconds: u64) -> std::time::Duration {
    std::time::Duration::from_secs(seconds)
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum ThrottleOp {
    Reserve {
        account: u8,
        source: u8,
        lease: i64,
    },
    /// This thread's attempts, counted back from the newest; also those that were refused, or settled before.
    Settle {
        back: usize,
        outcome: Outcome,
    },
    Clear {
        account: u8,
    },
    Purge {
        limit: usize,
    },
}

#[derive(Debug)]
pub(crate) enum ThrottleAnswer {
    Reserve(Reserve),
    Done,
    Purge(usize),
}

/// An attempt that a thread has begun.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun {
    id: u8,
    account: u8,
    source: u8,
    lease_until: i64,
}

#[derive(Clone, Default, PartialEq)]
pub(crate) struct Throttle(BTreeMap<(u8, u8), Counter>);

#[derive(Clone, Default, PartialEq)]
struct Counter {
    failures: u32,
    window_ends: i64,
    /// Without an end, until it is cleared.
    locked: Option<Option<i64>>,
    /// The leases of attempts on their way.
    reserved: BTreeMap<u8, i64>,
}

fn attempt_key(kind: &[u8], number: u8) -> ThrottleKey {
    ThrottleKey::of(&[kind, &[number]])
}

impl Begun {
    fn new(asked: &Asked<ThrottleOp, Vec<Self>>) -> Option<Self> {
        match asked.op {
            ThrottleOp::Reserve { account, source, lease } => {
                Some(Self { id: asked.tag, account, source, lease_until: asked.now + lease })
            }
            ThrottleOp::Settle { back, .. } => asked.known.iter().rev().nth(back).copied(),
            _ => None,
        }
    }

    fn attempt(self) -> Attempt {
        let charge =
            |scope| Charge { scope: attempt_key(b"scope", scope), budget: SCOPES[usize::from(scope)] };
        Attempt {
            id: AttemptId([self.id; 16]),
            account: attempt_key(b"account", self.account),
            charges: self.scopes().map(charge).to_vec(),
            lease_until: at(self.lease_until),
        }
    }

    const fn scopes(self) -> [u8; 2] {
        [self.source, 2]
    }
}

impl Counter {
    fn is_locked(&self, now: i64) -> bool {
        self.locked.is_some_and(|until| until.is_none_or(|until| now < until))
    }

    /// Lets time pass: leases that ended count as failures of that moment, locks and windows end.
    fn pass(&mut self, scope: u8, now: i64) {
        let mut lapsed: Vec<_> = self.reserved.values().copied().filter(|lease| now >= *lease).collect();
        self.reserved.retain(|_, lease| now < *lease);
        lapsed.sort_unstable();
        lapsed.into_iter().for_each(|lease| self.fail(scope, lease));
        self.reopen(now);
    }

    fn reopen(&mut self, now: i64) {
        let lock_is_over = self.locked.is_some() && !self.is_locked(now);
        if lock_is_over || (self.locked.is_none() && now >= self.window_ends) {
            (self.failures, self.locked) = (0, None);
        }
    }

    fn fail(&mut self, scope: u8, now: i64) {
        self.reopen(now);
        let Budget { failures, window, lock } = SCOPES[usize::from(scope)];
        if self.failures == 0 {
            self.window_ends = now + i64::try_from(window.as_secs()).unwrap();
        }
        self.failures += 1;
        if self.failures >= failures {
            self.locked = Some(match lock {
                Lock::For(span) => Some(now + i64::try_from(span.as_secs()).unwrap()),
                _ => None,
            });
        }
    }

    fn answer(&self, scope: u8, now: i64) -> Reserve {
        let charged = self.failures + u32::try_from(self.reserved.len()).unwrap();
        if self.is_locked(now) {
            Reserve::Spent
        } else if charged >= SCOPES[usize::from(scope)].failures {
            Reserve::Busy
        } else {
            Reserve::Reserved
        }
    }

    fn counts(&self) -> bool {
        self.failures > 0 || self.locked.is_some() || !self.reserved.is_empty()
    }
}

impl Spec for Throttle {
    type Op = ThrottleOp;
    type Known = Vec<Begun>;
    type Answer = ThrottleAnswer;

    fn call(store: &MemoryStore, asked: &Asked<ThrottleOp, Vec<Begun>>) -> ThrottleAnswer {
        let now = at(asked.now);
        match (asked.op, Begun::new(asked)) {
            (ThrottleOp::Reserve { .. }, Some(begun)) => {
                ThrottleAnswer::Reserve(done(store.reserve(&begun.attempt(), now)))
            }
            (ThrottleOp::Settle { outcome, .. }, Some(begun)) => {
                done(store.settle(&begun.attempt(), outcome, now));
                ThrottleAnswer::Done
            }
            (ThrottleOp::Clear { account }, _) => {
                done(store.clear(&attempt_key(b"account", account)));
                ThrottleAnswer::Done
            }
            (ThrottleOp::Purge { limit }, _) => ThrottleAnswer::Purge(done(store.purge_attempts(now, limit))),
            (ThrottleOp::Reserve { .. } | ThrottleOp::Settle { .. }, None) => ThrottleAnswer::Done,
        }
    }

    fn learn(known: &mut Vec<Begun>, asked: &Asked<ThrottleOp, Vec<Begun>>, _answer: &ThrottleAnswer) {
        if let ThrottleOp::Reserve { .. } = asked.op {
            known.extend(Begun::new(asked));
        }
    }

    fn step(&mut self, asked: &Asked<ThrottleOp, Vec<Begun>>, answer: &ThrottleAnswer) -> bool {
        let now = asked.now;
        for ((_, scope), counter) in &mut self.0 {
            counter.pass(*scope, now);
        }
        match (asked.op, Begun::new(asked), answer) {
            (ThrottleOp::Reserve { .. }, Some(begun), ThrottleAnswer::Reserve(reserve)) => {
                let mut answer = |scope| self.0.entry((begun.account, scope)).or_default().answer(scope, now);
                let answers = begun.scopes().map(&mut answer);
                if answers == [Reserve::Reserved; 2] {
                    for scope in begun.scopes() {
                        let counter = self.0.entry((begun.account, scope)).or_default();
                        counter.reserved.insert(begun.id, begun.lease_until);
                    }
                }
                // Where one is spent and another only busy, it would be in vain to wait.
                let worst = [Reserve::Spent, Reserve::Busy].into_iter().find(|worst| answers.contains(worst));
                *reserve == worst.unwrap_or(Reserve::Reserved)
            }
            (ThrottleOp::Settle { outcome, .. }, Some(begun), _) => {
                for scope in begun.scopes() {
                    let counter = self.0.entry((begun.account, scope)).or_default();
                    if counter.reserved.remove(&begun.id).is_none() {
                        continue;
                    }
                    match outcome {
                        Outcome::Failed => counter.fail(scope, now),
                        Outcome::Succeeded => counter.failures = 0,
                        Outcome::Withdrawn => {}
                    }
                }
                true
            }
            (ThrottleOp::Clear { account }, ..) => {
                for (_, counter) in self.0.iter_mut().filter(|((owner, _), _)| *owner == account) {
                    (counter.failures, counter.locked) = (0, None);
                }
                true
            }
            (ThrottleOp::Purge { limit }, _, ThrottleAnswer::Purge(removed)) => {
                let accounts: BTreeSet<_> = self.0.keys().map(|(account, _)| account).collect();
                let counts = |account: &u8| {
                    self.0.iter().any(|((owner, _), counter)| owner == account && counter.counts())
                };
                *removed <= limit.min(accounts.into_iter().filter(|account| !counts(account)).count())
            }
            _ => true,
        }
    }
}
