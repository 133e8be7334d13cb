//! Tests of expiry, and of nodes whose clocks differ.

use super::*;

const YEAR: i64 = 365 * 86_400;

fn strict(number: u32) -> Draw {
    let wide = Budget {
        failures: 2,
        window: Duration::from_secs(60),
        lock: Lock::UntilCleared { kept_for_known: 0 },
    };
    Draw {
        attempt: attempt(number),
        wide: Some(wide),
        narrow: Some((scope(0), budget(SOURCE))),
        caller: None,
        standing: Standing::Unknown,
    }
}

#[test]
fn a_lapsed_lease_and_a_sweep_keep_a_lock_until_cleared() {
    let mut account = Account::default();
    assert_eq!(account.reserve(&strict(0), at(0)), Reserve::Reserved);
    assert_eq!(account.reserve(&strict(1), at(0)), Reserve::Reserved);
    account.sweep(at(10 * YEAR));
    assert_eq!(account.reserve(&strict(2), at(10 * YEAR)), Reserve::Spent);
    account.run(&Clearing { epoch: epoch() }, at(10 * YEAR));
    assert_eq!(account.reserve(&strict(3), at(10 * YEAR)), Reserve::Reserved);
}

#[test]
fn a_lapsed_lease_and_a_sweep_keep_a_lock_for_a_time() {
    let mut account = Account::default();
    for number in 0..6 {
        assert_eq!(account.reserve(&sign_in(number, 0), at(0)), Reserve::Reserved);
    }
    // The leases end at second 60. The failures then lock until second 1860.
    account.sweep(at(1859));
    assert_eq!(account.reserve(&sign_in(6, 0), at(1859)), Reserve::Spent);
    assert_eq!(account.reserve(&sign_in(7, 0), at(1860)), Reserve::Reserved);
}

#[test]
fn failures_that_cannot_lock_for_good_are_swept() {
    let mut account = Account::default();
    assert_eq!(account.fail(&strict(0), at(0)), Reserve::Reserved);
    account.sweep(at(1800 + 62));
    assert_eq!(account.0.len(), 0);
}

/// The head must be kept longer than the scope that ends last. Otherwise the head's epoch would be
/// lost, and the lock of that scope would no longer count.
#[test]
fn a_head_outlasts_its_scopes() {
    let mut account = Account::default();
    for number in 0..6 {
        let _ = account.fail(&redemption(number, 1), at(0));
    }
    let until = |account: &Account| account.0.values().map(|(_, until)| until.unwrap()).collect::<Vec<_>>();
    let [scope, head] = until(&account)[..] else { panic!() };
    assert!(head >= scope + counter::TOLERANCE, "{head} and {scope}");
    // The scope of a later attempt never shortens the life of the head.
    let _ = account.fail(&redemption(10, 2), at(5));
    let [first, _, later] = until(&account)[..] else { panic!() };
    assert!(first == scope && later >= head);
}

/// The clocks of two nodes are 30 s apart. A lock then ends at most 30 s too early.
#[test]
fn nodes_whose_clocks_are_30_s_apart_forget_no_budget() {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) };
    let op = (0..2_i64, 0..3_u32, prop_oneof![Just(0_i64), 1..400_i64], any::<bool>());
    proptest!(config, |(ops in vec(op, 0..120))| {
        let mut account = Account::default();
        let (mut now, mut locked) = (0, BTreeMap::new());
        for (number, (node, source, later, settles)) in ops.into_iter().enumerate() {
            now += later;
            let clock = at(now + 30 * node);
            let draw = sign_in(number.try_into().unwrap(), source);
            let answer = account.reserve(&draw, clock);
            if let Some(since) = locked.get(&source) {
                prop_assert!(answer == Reserve::Spent || now >= since + 1800 - 30, "{answer:?} at {now}");
            }
            // The node with the other clock settles the attempt, or no node does.
            if settles && account.settle(&draw, AttemptOutcome::Failed, at(now + 30 * (1 - node))) {
                locked.insert(source, now);
            }
            account.sweep(clock - time::Duration::HOUR);
        }
        // After two days, every lock has ended.
        prop_assert_eq!(account.reserve(&sign_in(1000, 0), at(now + 2 * 86_400)), Reserve::Reserved);
    });
}

#[test]
fn a_lock_of_a_clock_that_was_ahead_ends_by_the_right_clock() {
    let mut account = Account::default();
    for number in 0..6 {
        let _ = account.fail(&sign_in(number, 0), at(YEAR));
    }
    assert_eq!(account.reserve(&sign_in(10, 0), at(0)), Reserve::Spent, "nothing is forgotten");
    assert_eq!(account.reserve(&sign_in(11, 0), at(1799)), Reserve::Spent);
    assert_eq!(account.reserve(&sign_in(12, 0), at(1800)), Reserve::Reserved);
}

#[test]
fn reservations_of_a_clock_that_was_ahead_lapse_by_the_right_clock() {
    let mut account = Account::default();
    for number in 0..6 {
        let _ = account.reserve(&sign_in(number, 0), at(YEAR));
    }
    assert_eq!(account.reserve(&sign_in(10, 0), at(0)), Reserve::Busy);
    assert_eq!(account.reserve(&sign_in(11, 0), at(60)), Reserve::Spent, "they have become failures");
    assert_eq!(account.reserve(&sign_in(12, 0), at(1860)), Reserve::Reserved);
}

#[test]
fn scopes_of_a_clock_that_was_ahead_fill_the_account_no_longer_than_they_count() {
    let mut account = Account::default();
    for source in 0..128 {
        let _ = account.fail(&redemption(source, source), at(YEAR));
    }
    for (number, now) in [(0, 0), (1, 1)] {
        assert_eq!(account.fail(&redemption(1000 + number, 1000 + number), at(now)), Reserve::Reserved);
    }
    assert_eq!(account.0.len(), 129, "both share a counter");
    let _ = account.fail(&redemption(2000, 2000), at(2 * 1921));
    assert_eq!(account.0.len(), 130);
}

/// Refused attempts write nothing. The exception: if a node whose clock was ahead has written a
/// time, the first refused attempt corrects this time.
#[test]
fn a_refusal_writes_nothing() {
    let writes = |account: &Account, now| {
        let draw = sign_in(1000, 0);
        let reserving = Reserving {
            draw: &draw,
            lease: AccountBudgets::LEASE,
            epoch: epoch(),
            crowded: false,
            expendable: true,
        };
        let documents: Vec<_> =
            reserving.keys().iter().map(|key| account.0.get(key).map(|(bytes, _)| &**bytes)).collect();
        let step = reserving.apply(&documents, now).unwrap();
        assert_eq!(step.answer.room, Reserve::Spent);
        step.writes.iter().any(|write| !matches!(write, Write::Keep))
    };
    let mut account = Account::default();
    for number in 0..6 {
        let _ = account.fail(&sign_in(number, 0), at(0));
    }
    assert!((-30..1800).all(|seconds| !writes(&account, at(seconds))));
    assert!(writes(&account, at(-YEAR)));
    let _ = account.reserve(&sign_in(1000, 0), at(-YEAR));
    assert!(!writes(&account, at(-YEAR)));
}
