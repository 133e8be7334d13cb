//! Tests that compare budgets with a simple model, over random sequences of operations.

use super::{model::Room, *};

#[derive(Clone, Copy, Debug)]
enum Op {
    Reserve {
        wide: bool,
        narrow: Option<u8>,
        lease: u8,
    },
    /// Settles an attempt, counted back from the newest one. Some of these attempts were refused or
    /// already settled.
    Settle {
        back: usize,
        outcome: AttemptOutcome,
    },
    Clear,
    Sweep,
    Later {
        seconds: i64,
    },
}

fn op(scopes: u8) -> impl Strategy<Value = Op> {
    let draws = prop_oneof![
        5 => (Just(true), (0..scopes).prop_map(Some)),
        2 => (Just(false), (0..scopes).prop_map(Some)),
        1 => (Just(true), Just(None)),
    ];
    let outcome = prop_oneof![
        4 => Just(AttemptOutcome::Failed),
        1 => Just(AttemptOutcome::Succeeded),
        1 => Just(AttemptOutcome::Withdrawn),
    ];
    prop_oneof![
        8 => (draws, 0..9_u8).prop_map(|((wide, narrow), lease)| Op::Reserve { wide, narrow, lease }),
        8 => (0..5_usize, outcome).prop_map(|(back, outcome)| Op::Settle { back, outcome }),
        1 => Just(Op::Clear),
        1 => Just(Op::Sweep),
        4 => (0..7_i64).prop_map(|seconds| Op::Later { seconds }),
    ]
}

fn size() -> impl Strategy<Value = Size> {
    let lock = prop_oneof![3 => (1..9_i64).prop_map(Some), 1 => Just(None)];
    (1..4_u32, 1..9_i64, lock).prop_map(|(failures, window, lock)| Size { failures, window, lock })
}

/// The models of the account's wide counter and of its scopes' counters.
type Scoped = Option<u8>;

#[derive(Default)]
struct History {
    account: Account,
    counters: BTreeMap<Scoped, model::Counter>,
    attempts: Vec<Draw>,
    now: i64,
}

impl History {
    fn step(&mut self, op: Op, wide_size: Size, narrow_size: Size) -> Result<(), TestCaseError> {
        let size = |scope: &Scoped| if scope.is_none() { wide_size } else { narrow_size };
        let (seconds, now) = (self.now, at(self.now));
        for (scope, counter) in &mut self.counters {
            counter.pass(size(scope), seconds);
        }
        match op {
            Op::Later { seconds } => self.now += seconds,
            Op::Sweep => self.account.sweep(now),
            Op::Clear => {
                self.account.run(&Clearing { epoch: epoch() }, now);
                for (scope, counter) in &mut self.counters {
                    counter.clear();
                    if scope.is_some() {
                        // A new epoch voids the narrow scopes and their open reservations.
                        counter.reserved.clear();
                    }
                }
            }
            Op::Reserve { wide, narrow, lease } => {
                let id = u8::try_from(self.attempts.len()).unwrap();
                let draw = Draw {
                    attempt: attempt(id.into()),
                    wide: wide.then(|| budget(wide_size)),
                    narrow: narrow.map(|number| (scope(number.into()), budget(narrow_size))),
                    caller: None,
                    standing: Standing::Unknown,
                };
                self.attempts.push(draw);
                let drawn: Vec<Scoped> = wide.then_some(None).into_iter().chain(narrow.map(Some)).collect();
                let rooms =
                    drawn.iter().map(|of| self.counters.entry(*of).or_default().room(size(of), seconds));
                let expected = rooms.max().unwrap();
                let lease_span = Duration::from_secs(lease.into());
                let reserving = Reserving {
                    draw: &draw,
                    lease: lease_span,
                    epoch: epoch(),
                    crowded: false,
                    expendable: true,
                };
                let answer = self.account.run(&reserving, now);
                let room = match answer.room {
                    Reserve::Reserved => Room::Free,
                    Reserve::Busy => Room::Busy,
                    Reserve::Spent => Room::Spent,
                };
                prop_assert_eq!(room, expected);
                if expected == Room::Free {
                    for of in drawn {
                        let counter = self.counters.entry(of).or_default();
                        counter.reserved.insert(id, seconds + i64::from(lease));
                    }
                }
            }
            Op::Settle { back, outcome } => {
                let Some((id, draw)) = self.attempts.iter().enumerate().rev().nth(back) else {
                    return Ok(());
                };
                let mut locks = false;
                for (scope, counter) in &mut self.counters {
                    if counter.reserved.remove(&u8::try_from(id).unwrap()).is_none() {
                        continue;
                    }
                    match outcome {
                        AttemptOutcome::Failed => locks |= counter.fail(size(scope), seconds),
                        AttemptOutcome::Succeeded => counter.failures = 0,
                        AttemptOutcome::Withdrawn => {}
                    }
                }
                prop_assert_eq!(self.account.settle(draw, outcome, now), locks);
            }
        }
        Ok(())
    }
}

fn every_answer_is_the_models(scopes: u8, cases: u32) {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) };
    proptest!(config, |(ops in vec(op(scopes), 0..200), wide in size(), narrow in size())| {
        let mut history = History::default();
        for op in ops {
            history.step(op, wide, narrow)?;
        }
        // A sweep removes idle counters. It keeps the head if the account was unlocked while a
        // scope was locked without an end.
        let later = history.now + 8 + 8 + 8;
        for (scope, counter) in &mut history.counters {
            counter.pass(if scope.is_none() { wide } else { narrow }, later);
        }
        if narrow.lock.is_some() && !history.counters.values().any(model::Counter::counts) {
            history.account.sweep(at(later + 62));
            prop_assert_eq!(history.account.0.len(), 0);
        }
    });
}

#[test]
fn a_scope_answers_as_the_model_does() {
    every_answer_is_the_models(1, 500);
}

#[test]
fn several_scopes_answer_as_the_model_does() {
    every_answer_is_the_models(4, 1_000);
}
