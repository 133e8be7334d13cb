//! Random histories of a shop against a model of it: customers, admin users, assistance, recovery
//! and time. The model predicts every answer, every hash, every line of the audit trail and every
//! notice. After every step, every token and every one-time credential ever issued is checked
//! again.
//!
//! A failure prints the shortest failing history, step by step. `PROPTEST_CASES` sets the number of
//! histories.

mod history;
mod shop;

use history::{History, World};
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use support::size;

use crate::native::NativeCodes;

/// The place of one-time credentials.
#[derive(Clone, Copy)]
enum Codes {
    InDocuments,
    /// In a host's own store, which the test reads as well.
    InTheHosts,
}

fn world(codes: Codes) -> World {
    World::new(match codes {
        Codes::InDocuments => None,
        Codes::InTheHosts => Some(NativeCodes::default()),
    })
}

/// Returns the failure of a history, if it has one.
fn wrong(codes: Codes, history: &History) -> Option<String> {
    match world(codes).live_through(history) {
        Ok(()) => None,
        Err(TestCaseError::Fail(why) | TestCaseError::Reject(why)) => Some(why.message().to_owned()),
    }
}

/// Returns the history without the steps that the failure does not need.
fn least(codes: Codes, mut history: History) -> History {
    let mut place = history.0.len();
    while let Some(before) = place.checked_sub(1) {
        place = before;
        let mut shorter = history.clone();
        shorter.0.remove(place);
        if wrong(codes, &shorter).is_some() {
            // Later steps may have become unnecessary.
            place = shorter.0.len();
            history = shorter;
        }
    }
    history
}

#[test]
fn every_step_is_the_models() {
    every_step_is_right(Codes::InDocuments);
}

#[test]
fn every_step_is_the_models_over_a_hosts_own_store() {
    every_step_is_right(Codes::InTheHosts);
}

fn every_step_is_right(codes: Codes) {
    let cases =
        std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(size(100, 500));
    let config = Config { failure_persistence: None, max_shrink_iters: 500, ..Config::with_cases(cases) };
    let lived =
        TestRunner::new(config).run(&history::history(), |history| world(codes).live_through(&history));
    match lived {
        Ok(()) => {}
        Err(TestError::Fail(_, history)) => {
            let history = least(codes, history);
            panic!("{}\nThe least history:{history:?}", wrong(codes, &history).unwrap_or_default());
        }
        Err(aborted) => panic!("{aborted}"),
    }
}
