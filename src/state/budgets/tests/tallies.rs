//! Tests of tallies, which count failures after the attempts.

use super::{
    super::tally::{CountedFailure, Counting, Looked, ReadingTallies, Suspected, Tallied},
    *,
};

const HOUR: i64 = 3600;

fn tallied(id: u32, failures: u32) -> Tallied {
    let size = Size { failures, window: HOUR, lock: Some(HOUR) };
    Tallied { id: scope(id), budget: budget(size) }
}

fn both() -> [Tallied; 2] {
    [tallied(1, 20), tallied(2, 50)]
}

impl Account {
    fn count(&mut self, tallied: &[Tallied], account: u32, now: OffsetDateTime) -> Option<Suspected> {
        let failure = CountedFailure { account, unknown: account.is_multiple_of(2) };
        self.run(&Counting { tallied, failure, at: now }, now)
    }

    fn look(&mut self, tallied: &[Tallied], now: OffsetDateTime) -> Looked {
        self.run(&ReadingTallies { tallied }, now)
    }
}

#[test]
fn a_spent_tally_refuses_until_its_lock_ends() {
    let mut source = Account::default();
    for number in 0..20 {
        assert!(!source.look(&both(), at(number)).spent, "{number}");
        source.count(&both(), 1, at(number));
    }
    assert!(source.look(&both(), at(20)).spent);
    assert!(source.look(&both(), at(19 + HOUR - 1)).spent);
    assert!(!source.look(&both(), at(19 + HOUR)).spent);
}

#[test]
fn a_larger_tally_is_spent_by_many_small_ones() {
    let mut network = Account::default();
    for number in 0..50 {
        let tallied = [tallied(100 + number, 20), tallied(2, 50)];
        assert!(!network.look(&tallied, at(0)).spent, "{number}");
        network.count(&tallied, 1, at(0));
    }
    assert!(network.look(&[tallied(999, 20), tallied(2, 50)], at(1)).spent);
    assert_eq!(network.0.len(), 51);
}

#[test]
fn failures_at_a_tenth_as_many_accounts_are_suspicious_once() {
    let mut source = Account::default();
    let tallied = [tallied(1, 50)];
    for account in [1, 1, 1, 2, 3, 4] {
        assert_eq!(source.count(&tallied, account, at(0)), None);
    }
    assert!(!source.look(&tallied, at(0)).suspicious);
    let suspected = Some(Suspected { accounts: 5, failures: 7, unknown: 2 });
    assert_eq!(source.count(&tallied, 5, at(0)), suspected);
    assert!(source.look(&tallied, at(1)).suspicious);
    assert_eq!(source.count(&tallied, 6, at(1)), None, "it is told once");
    assert!(!source.look(&tallied, at(1 + HOUR)).suspicious, "its window has ended");
    assert_eq!(source.count(&tallied, 6, at(1 + HOUR)), None);
}

/// A failure at an unknown name must have the same effect on a tally as a failure at an account.
/// Otherwise the effect would reveal which names have an account.
#[test]
fn names_without_an_account_are_no_more_suspicious_than_others() {
    let looks = |unknown| {
        let (mut source, tallied) = (Account::default(), [tallied(1, 20)]);
        let mut looks = Vec::new();
        for account in 0..30 {
            let (failure, at) = (CountedFailure { account, unknown }, at(0));
            let _ = source.run(&Counting { tallied: &tallied, failure, at }, at);
            looks.push(source.look(&tallied, at));
        }
        looks
    };
    assert_eq!(looks(true), looks(false));
}

#[test]
fn a_tally_of_the_largest_budget_fits_into_its_document() {
    let mut source = Account::default();
    let tallied = [tallied(1, u32::MAX)];
    for account in 0..5_000 {
        source.count(&tallied, account, at(0));
    }
    assert!(source.bytes() < 32 * 1024, "{} bytes", source.bytes());
}

#[test]
fn a_tally_is_swept_once_nothing_counts() {
    let mut source = Account::default();
    source.count(&both(), 1, at(0));
    source.sweep(at(HOUR - 1));
    assert_eq!(source.0.len(), 2);
    source.sweep(at(HOUR));
    assert_eq!(source.0.len(), 0);
}

/// A tally that a node with a clock ahead has written must not refuse the source until other clocks
/// reach the same time.
#[test]
fn a_tally_from_a_clock_ahead_lasts_no_longer_than_its_own_lock() {
    let mut source = Account::default();
    for _ in 0..20 {
        source.count(&both(), 1, at(365 * 86_400));
    }
    assert!(source.look(&both(), at(0)).spent);
    source.count(&both(), 1, at(0));
    assert!(!source.look(&both(), at(HOUR + 1)).spent);
}
