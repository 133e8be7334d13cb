//! Crowds of attempts at one account, on two nodes over one store.

use super::*;
use crate::{
    random::ChaChaRandom,
    state::budgets::{Budgets, Draw, Epoch, Reserving, Settling},
    store::{AttemptId, Budget, Lock, Outcome, Reserve},
};

/// Commerce's numbers: 6 failures of a source, 100 of an account.
const fn budget(failures: u32, minutes: u64) -> Budget {
    let span = Duration::from_secs(minutes * 60);
    Budget { failures, window: span, lock: Lock::For(span) }
}

/// Two nodes on one store.
fn nodes() -> ([Documents; 2], Arc<Hooked>) {
    let (first, store) = documents(|_, _, _| {
        thread::yield_now();
        None
    });
    let second = Documents::new(store.clone(), Arc::new(SystemClock), Arc::new(ChaChaRandom::new()));
    ([first, second], store)
}

/// Attempts with a wrong password until all are refused; answers how many were let through, and how often one
/// had to ask again because others had reserved what was left.
fn crowd(nodes: &[Documents; 2], attempts: usize, sources: usize) -> (usize, usize) {
    const THREADS: usize = 32;
    let (admitted, busy) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (admitted, busy) = (&admitted, &busy);
            scope.spawn(move || {
                for number in (thread..attempts).step_by(THREADS) {
                    let source = u8::try_from(number % sources).unwrap();
                    let draw = Draw {
                        attempt: AttemptId(u128::try_from(number).unwrap().to_be_bytes()),
                        wide: Some(budget(100, 24 * 60)),
                        narrow: Some((DocumentId::from_bytes([source; 32]), budget(6, 30))),
                    };
                    let node = &nodes[number / 2 % 2];
                    let epoch = Epoch(number.try_into().unwrap());
                    let reserving = Reserving { draw: &draw, lease: Budgets::LEASE, epoch };
                    let reserved = loop {
                        match block_on(node.change(&partition(), &reserving)).unwrap() {
                            Changed::Answer(Reserve::Reserved) => break true,
                            Changed::Answer(Reserve::Busy) => {
                                busy.fetch_add(1, Ordering::Relaxed);
                                thread::sleep(Duration::from_millis(2));
                            }
                            answer => {
                                assert_eq!(answer, Changed::Answer(Reserve::Spent));
                                break false;
                            }
                        }
                    };
                    if !reserved {
                        continue;
                    }
                    admitted.fetch_add(1, Ordering::Relaxed);
                    let settling = Settling { draw: &draw, outcome: Outcome::Failed };
                    let settled = block_on(node.change(&partition(), &settling)).unwrap();
                    assert!(matches!(settled, Changed::Answer(_)));
                }
            });
        }
    });
    (admitted.into_inner(), busy.into_inner())
}

#[test]
fn a_thousand_attempts_from_one_source_get_six() {
    let (nodes, store) = nodes();
    let (admitted, busy) = crowd(&nodes, 1_000, 1);
    assert_eq!(admitted, 6);
    let (loads, commits) = store.calls();
    assert!(loads + commits - busy <= 5_000, "{loads} loads, {commits} commits, {busy} answers busy");
}

#[test]
fn a_thousand_attempts_from_102_sources_get_a_hundred() {
    let (nodes, store) = nodes();
    let (admitted, busy) = crowd(&nodes, 1_000, 102);
    assert_eq!(admitted, 100);
    let (loads, commits) = store.calls();
    assert!(loads + commits - busy <= 10_000, "{loads} loads, {commits} commits, {busy} answers busy");
}
