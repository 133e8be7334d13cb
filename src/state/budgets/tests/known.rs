//! Tests of known devices and sources, and of the growing pauses for unknown ones.

use super::{
    super::devices::{Devices, Owner},
    *,
};
use crate::{
    account::CustomerId,
    token::{Digest, Subject},
};

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// The budgets of Commerce, but with growing pauses.
fn growing() -> Budget {
    let [first, longest] = [15 * MINUTE, 4 * HOUR].map(|span| Duration::from_secs(span.unsigned_abs()));
    Budget { lock: Lock::Growing { first, longest }, ..budget(ALL) }
}

fn strict() -> Budget {
    Budget {
        window: Duration::from_secs(365 * 86_400),
        lock: Lock::UntilCleared { kept_for_known: 10 },
        ..budget(ALL)
    }
}

fn digest(number: u32) -> Digest {
    Digest::of(&number.to_be_bytes())
}

fn owner(id: u64) -> Owner {
    Owner::of(&Subject::Customer(CustomerId::from(id)))
}

/// Returns an attempt from a separate source, with a device or without.
fn attempt_from(number: u32, source: u32, device: Option<u32>, wide: Budget) -> Draw {
    let caller = CallerDigests { source: Some(digest(source)), device: device.map(digest) };
    Draw { wide: Some(wide), caller: Some(caller), ..sign_in(number, source) }
}

/// A hundred failures from 17 sources.
fn attacked(wide: Budget, failures: u32) -> Account {
    let mut account = Account::default();
    for number in 0..failures {
        let draw = attempt_from(number, 500 + number / 6, None, wide);
        assert_eq!(account.fail(&draw, at(0)), Reserve::Reserved, "failure {number}");
    }
    account
}

impl Account {
    fn sign_in(&mut self, draw: &Draw, owner: Owner, new: Option<u32>, now: OffsetDateTime) {
        assert_eq!(self.reserve(draw, now), Reserve::Reserved);
        let remembered = Some(Remembered { owner, device: new.map(digest) });
        let outcome = AttemptOutcome::Succeeded;
        let _ = self.run(&Settling { draw, outcome, at: now, remembered, expendable: true }, now);
    }

    /// Returns two values: true if the account knows the source, and true if it knows the device.
    fn known(&self, draw: &Draw, now: OffsetDateTime) -> [bool; 2] {
        let reserving = Reserving {
            draw,
            lease: AccountBudgets::LEASE,
            epoch: epoch(),
            crowded: false,
            expendable: true,
        };
        let known = self.clone().run(&reserving, now).known;
        [known.source, known.device]
    }
}

#[test]
fn each_pause_of_unknown_sources_is_twice_the_last_up_to_four_hours() {
    let mut account = attacked(growing(), 100);
    let (mut now, mut number) = (0, 1000);
    for pause in [15, 30, 60, 120, 240, 240, 240] {
        let unknown = |number| attempt_from(number, number, None, growing());
        assert_eq!(account.fail(&unknown(number), at(now + pause * MINUTE - 1)), Reserve::Spent);
        now += pause * MINUTE;
        // Only one attempt at a time is allowed.
        assert_eq!(account.reserve(&unknown(number + 1), at(now)), Reserve::Reserved);
        assert_eq!(account.reserve(&unknown(number + 2), at(now)), Reserve::Spent);
        account.settle(&unknown(number + 1), AttemptOutcome::Failed, at(now));
        number += 10;
    }
}

#[test]
fn a_budget_with_growing_pauses_is_new_after_its_window() {
    let mut account = attacked(growing(), 100);
    let unknown = |number| attempt_from(number, number, None, growing());
    assert_eq!(account.fail(&unknown(1000), at(DAY - 1)), Reserve::Reserved);
    // The pause after the last failure continues. Failures from before the end of the window no
    // longer count.
    assert_eq!(account.fail(&unknown(1001), at(DAY)), Reserve::Spent);
    for number in 0..100 {
        let now = at(DAY + HOUR);
        assert_eq!(account.fail(&unknown(2000 + number), now), Reserve::Reserved, "{number}");
    }
    assert_eq!(account.fail(&unknown(3000), at(DAY + HOUR + 1)), Reserve::Spent);
}

#[test]
fn a_success_after_a_pause_makes_the_budget_new() {
    let mut account = attacked(growing(), 100);
    let right = attempt_from(1000, 1000, None, growing());
    account.sign_in(&right, owner(1), Some(9), at(15 * MINUTE));
    let unknown = attempt_from(1001, 1001, None, growing());
    assert_eq!(account.fail(&unknown, at(15 * MINUTE)), Reserve::Reserved);
}

#[test]
fn a_known_source_and_a_known_device_keep_their_narrow_budget() {
    for (source, device) in [(1, None), (77, Some(9))] {
        let mut account = Account::default();
        account.sign_in(&attempt_from(0, 1, None, growing()), owner(1), Some(9), at(0));
        for number in 0..100 {
            let _ = account.fail(&attempt_from(10 + number, 500 + number / 6, None, growing()), at(1));
        }
        let unknown = attempt_from(200, 600, Some(8), growing());
        assert_eq!(account.reserve(&unknown, at(2)), Reserve::Spent);
        for number in 0..6 {
            let known = attempt_from(300 + number, source, device, growing());
            assert_eq!(account.fail(&known, at(2)), Reserve::Reserved, "{source} {device:?} {number}");
        }
        let known = attempt_from(310, source, device, growing());
        assert_eq!(account.fail(&known, at(2)), Reserve::Spent, "the narrow budget is spent");
        // The lock of the known caller's narrow budget has ended, so the known caller succeeds.
        // This success does not unlock the account for other callers.
        account.sign_in(&attempt_from(320, source, device, growing()), owner(1), None, at(2 + 1800));
        assert_eq!(account.reserve(&attempt_from(330, 600, None, growing()), at(899)), Reserve::Spent);
    }
}

#[test]
fn a_strict_account_keeps_its_last_ten_for_known_devices() {
    let mut account = Account::default();
    account.sign_in(&attempt_from(0, 1, None, strict()), owner(1), Some(9), at(0));
    for number in 0..90 {
        let draw = attempt_from(10 + number, 500 + number / 6, None, strict());
        assert_eq!(account.fail(&draw, at(1)), Reserve::Reserved, "{number}");
    }
    let late = at(10 * 365 * DAY / 365);
    assert_eq!(account.reserve(&attempt_from(200, 600, None, strict()), late), Reserve::Spent);
    // The known device has ten more failures, from any source.
    for number in 0..10 {
        let draw = attempt_from(300 + number, 700 + number / 5, Some(9), strict());
        assert_eq!(account.fail(&draw, late), Reserve::Reserved, "{number}");
    }
    assert_eq!(account.reserve(&attempt_from(400, 800, Some(9), strict()), late), Reserve::Spent);
    account.run(&Clearing { epoch: epoch() }, late);
    assert_eq!(account.reserve(&attempt_from(500, 600, None, strict()), late), Reserve::Reserved);
}

#[test]
fn a_success_of_a_known_device_gives_it_its_ten_again_and_nobody_else() {
    let mut account = Account::default();
    account.sign_in(&attempt_from(0, 1, None, strict()), owner(1), Some(9), at(0));
    for number in 0..90 {
        let _ = account.fail(&attempt_from(10 + number, 500 + number / 6, None, strict()), at(1));
    }
    for number in 0..5 {
        let _ = account.fail(&attempt_from(300 + number, 700, Some(9), strict()), at(2));
    }
    account.sign_in(&attempt_from(310, 700, Some(9), strict()), owner(1), None, at(3));
    assert_eq!(account.reserve(&attempt_from(311, 600, None, strict()), at(4)), Reserve::Spent);
    for number in 0..10 {
        let draw = attempt_from(320 + number, 710 + number / 5, Some(9), strict());
        assert_eq!(account.fail(&draw, at(5)), Reserve::Reserved, "{number}");
    }
    assert_eq!(account.reserve(&attempt_from(400, 720, Some(9), strict()), at(6)), Reserve::Spent);
}

#[test]
fn a_sign_in_is_remembered_for_ninety_days_from_the_latest() {
    let mut account = Account::default();
    let from = |number, device| attempt_from(number, 1, device, growing());
    account.sign_in(&from(0, None), owner(1), Some(9), at(0));
    let both = [true, true];
    assert_eq!(account.known(&from(1, Some(9)), at(90 * DAY - 1)), both);
    assert_eq!(account.known(&from(1, Some(9)), at(90 * DAY)), [false, false]);
    account.sign_in(&from(2, Some(9)), owner(1), None, at(89 * DAY));
    assert_eq!(account.known(&from(3, Some(9)), at(179 * DAY - 1)), both);
    assert_eq!(account.known(&from(3, Some(9)), at(179 * DAY)), [false, false]);
}

#[test]
fn a_sign_in_of_the_same_day_writes_nothing_about_devices() {
    let mut account = Account::default();
    let from = |number| attempt_from(number, 1, Some(9), growing());
    account.sign_in(&from(0), owner(1), Some(9), at(0));
    let before = account.0.clone();
    account.sign_in(&from(1), owner(1), None, at(DAY - 1));
    assert_eq!(account.0, before);
    account.sign_in(&from(2), owner(1), None, at(DAY));
    assert_ne!(account.0, before);
}

#[test]
fn sixteen_devices_are_remembered_and_the_oldest_goes_first() {
    let mut account = Account::default();
    for number in 0..20_u32 {
        let draw = attempt_from(number, 100 + number, None, growing());
        account.sign_in(&draw, owner(1), Some(number), at(i64::from(number)));
    }
    let now = at(30);
    let known = |number| account.known(&attempt_from(1000, 100 + number, Some(number), growing()), now);
    for number in 0..20 {
        let is_kept = number >= 20 - u32::try_from(Devices::MAX).unwrap();
        assert_eq!(known(number), [is_kept, is_kept], "{number}");
    }
    assert!(account.bytes() < 4 * 1024, "{} bytes", account.bytes());
}

#[test]
fn another_owner_of_the_address_begins_anew() {
    let mut account = Account::default();
    account.sign_in(&attempt_from(0, 1, None, growing()), owner(1), Some(9), at(0));
    account.sign_in(&attempt_from(1, 2, None, growing()), owner(2), Some(8), at(1));
    assert_eq!(account.known(&attempt_from(2, 1, Some(9), growing()), at(2)), [false, false]);
    assert_eq!(account.known(&attempt_from(3, 2, Some(8), growing()), at(2)), [true, true]);
}

#[test]
fn a_failure_is_not_remembered() {
    let mut account = Account::default();
    let draw = attempt_from(0, 1, Some(9), growing());
    let _ = account.fail(&draw, at(0));
    assert_eq!(account.known(&draw, at(1)), [false, false]);
}
