//! The verbs of a `ThrottleStore`, in sequence, on a clock that does not go back.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use commerce_auth::{
    MemoryStore,
    store::{Attempt, AttemptId, Budget, Charge, Lock, Outcome, Reserve, ThrottleKey, ThrottleStore},
};

use crate::{
    counter::{Counter, Room, Size},
    spec::{Asked, Spec, at, done},
};

/// Scopes of an account: two sources, and all of them together.
const SCOPES: [Budget; 3] = [
    Budget { failures: 2, window: seconds_of(5), lock: Lock::For(seconds_of(4)) },
    Budget { failures: 2, window: seconds_of(5), lock: Lock::For(seconds_of(4)) },
    Budget { failures: 3, window: seconds_of(9), lock: Lock::UntilCleared },
];

const fn seconds_of(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
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

fn size(scope: u8) -> Size {
    let Budget { failures, window, lock } = SCOPES[usize::from(scope)];
    let seconds = |span: Duration| i64::try_from(span.as_secs()).unwrap();
    let lock = match lock {
        Lock::For(span) => Some(seconds(span)),
        _ => None,
    };
    Size { failures, window: seconds(window), lock }
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
            counter.pass(size(*scope), now);
        }
        match (asked.op, Begun::new(asked), answer) {
            (ThrottleOp::Reserve { .. }, Some(begun), ThrottleAnswer::Reserve(reserve)) => {
                let mut answer =
                    |scope| self.0.entry((begun.account, scope)).or_default().room(size(scope), now);
                // Where one is spent and another only busy, it would be in vain to wait.
                let worst = begun.scopes().map(&mut answer).into_iter().max();
                if worst == Some(Room::Free) {
                    for scope in begun.scopes() {
                        let counter = self.0.entry((begun.account, scope)).or_default();
                        counter.reserved.insert(begun.id, begun.lease_until);
                    }
                }
                let expected = match reserve {
                    Reserve::Reserved => Room::Free,
                    Reserve::Busy => Room::Busy,
                    Reserve::Spent => Room::Spent,
                };
                worst == Some(expected)
            }
            (ThrottleOp::Settle { outcome, .. }, Some(begun), _) => {
                for scope in begun.scopes() {
                    let counter = self.0.entry((begun.account, scope)).or_default();
                    if counter.reserved.remove(&begun.id).is_none() {
                        continue;
                    }
                    match outcome {
                        Outcome::Failed => {
                            counter.fail(size(scope), now);
                        }
                        Outcome::Succeeded => counter.failures = 0,
                        Outcome::Withdrawn => {}
                    }
                }
                true
            }
            (ThrottleOp::Clear { account }, ..) => {
                for (_, counter) in self.0.iter_mut().filter(|((owner, _), _)| *owner == account) {
                    counter.clear();
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
