//! Cases of the throttle store.

use std::{
    future::poll_fn,
    sync::atomic::{AtomicUsize, Ordering},
    task::Poll,
    thread,
    time::Duration,
};

use time::OffsetDateTime;

use super::{at, ensure, just_before};
use crate::{
    conformance::{Arena, Failure},
    store::{Attempt, AttemptId, Budget, Charge, Lock, Outcome, Reserve, Store, ThrottleKey, ThrottleStore},
};

/// Six failures within 1,000 s, then 500 s.
const NARROW: Budget =
    Budget { failures: 6, window: Duration::from_secs(1000), lock: Lock::For(Duration::from_secs(500)) };
/// Ten failures within 10,000 s, then until cleared.
const WIDE: Budget = Budget { failures: 10, window: Duration::from_secs(10_000), lock: Lock::UntilCleared };
/// A reservation that is not settled after so many seconds lapses.
const LEASE: u64 = 60;

fn key(name: &str) -> ThrottleKey {
    ThrottleKey::of(&[name.as_bytes()])
}

/// Attempt `number` at an account from a source, at a time: the source's budget and the account's.
fn attempt(number: u64, account: &str, source: &str, now: u64) -> Attempt {
    let charges = vec![
        Charge { scope: key(source), budget: NARROW },
        Charge { scope: key("all sources"), budget: WIDE },
    ];
    Attempt { charges, ..narrow(number, account, now) }
}

/// Attempt `number` at an account that draws on one budget only.
fn narrow(number: u64, account: &str, now: u64) -> Attempt {
    let mut id = [0; 16];
    let (low, _) = id.split_at_mut(8);
    low.copy_from_slice(&number.to_be_bytes());
    let charges = vec![Charge { scope: key("a source"), budget: NARROW }];
    Attempt { id: AttemptId(id), account: key(account), charges, lease_until: at(now + LEASE) }
}

/// Reserves and settles; the budget must allow it.
async fn settled<S: ThrottleStore>(
    store: &S,
    attempt: &Attempt,
    outcome: Outcome,
    now: OffsetDateTime,
) -> Result<(), Failure> {
    reserved(store, attempt, now).await?;
    store.settle(attempt, outcome, now).await?;
    Ok(())
}

async fn reserved<S: ThrottleStore>(
    store: &S,
    attempt: &Attempt,
    now: OffsetDateTime,
) -> Result<(), Failure> {
    let answer = store.reserve(attempt, now).await?;
    ensure!(answer == Reserve::Reserved, "an attempt within budget was {answer:?}");
    Ok(())
}

async fn fail<S: ThrottleStore>(
    store: &S,
    attempts: impl IntoIterator<Item = Attempt, IntoIter: Send> + Send,
    now: OffsetDateTime,
) -> Result<(), Failure> {
    for attempt in attempts {
        settled(store, &attempt, Outcome::Failed, now).await?;
    }
    Ok(())
}

async fn answers<S: ThrottleStore>(
    store: &S,
    attempt: &Attempt,
    now: OffsetDateTime,
    expected: Reserve,
    when: &str,
) -> Result<(), Failure> {
    let answer = store.reserve(attempt, now).await?;
    ensure!(answer == expected, "{when}: {answer:?} instead of {expected:?}");
    Ok(())
}

/// Lets other tasks and other threads go first.
async fn yield_now() {
    thread::yield_now();
    let mut yielded = false;
    poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Reserves, waits for its turn if it must, and fails; answers 1 if it was let through.
async fn fail_once_reserved<S: ThrottleStore>(
    store: &S,
    attempt: &Attempt,
    asked: &AtomicUsize,
) -> Result<u32, Failure> {
    // Whoever finds the rest reserved asks again until it is settled: a store that forgets to settle would keep
    // the caller for good.
    for _ in 0..100_000 {
        let answer = store.reserve(attempt, at(0)).await?;
        asked.fetch_add(1, Ordering::Relaxed);
        match answer {
            Reserve::Reserved => {
                // Not settled before others have asked, so that a store that reads first and writes later is
                // seen to.
                for _ in 0..10_000 {
                    if asked.load(Ordering::Relaxed) >= 100 {
                        break;
                    }
                    yield_now().await;
                }
                store.settle(attempt, Outcome::Failed, at(0)).await?;
                return Ok(1);
            }
            Reserve::Busy => yield_now().await,
            Reserve::Spent => return Ok(0),
        }
    }
    Err(Failure::new("a reservation was never settled"))
}

/// How many of so many attempts at once, each of which fails, are let through.
fn let_through<S: Store>(
    arena: &Arena<'_, S>,
    callers: usize,
    attempt: impl Fn(u64) -> Attempt + Sync,
) -> Result<u32, Failure> {
    let asked = AtomicUsize::new(0);
    let answers = arena.race(callers, |caller| {
        let attempt = attempt(u64::try_from(caller).unwrap_or_default());
        let asked = &asked;
        async move { fail_once_reserved(arena.store(), &attempt, asked).await }
    })?;
    answers.into_iter().sum()
}

/// Of 1,000 attempts in parallel, each a failure, a budget of six lets six through.
pub(in crate::conformance) fn a_budget_holds_under_parallel_attempts<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let through = let_through(arena, 1000, |number| narrow(number, "raced", 0))?;
    ensure!(through == 6, "of 1,000 parallel attempts a budget of 6 let {through} through");
    Ok(())
}

/// Of attempts in parallel from a hundred sources, each a failure, the account's budget of ten lets ten
/// through.
pub(in crate::conformance) fn a_shared_budget_holds_under_parallel_attempts<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let from_a_hundred = |number| attempt(number, "raced", &format!("source {}", number % 100), 0);
    let through = let_through(arena, 300, from_a_hundred)?;
    ensure!(through == 10, "of 300 parallel attempts a budget of 10 let {through} through");
    Ok(())
}

/// What others have reserved is busy, not spent; it can be reserved again once it is given back.
pub(in crate::conformance) fn what_is_reserved_is_not_spent<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        for number in 0..6 {
            reserved(store, &narrow(number, "a", 0), at(0)).await?;
        }
        answers(store, &narrow(6, "a", 0), at(0), Reserve::Busy, "with all six reserved").await?;
        store.settle(&narrow(0, "a", 0), Outcome::Failed, at(1)).await?;
        answers(store, &narrow(6, "a", 0), at(1), Reserve::Busy, "with five reserved and one failed").await?;
        store.settle(&narrow(1, "a", 0), Outcome::Withdrawn, at(1)).await?;
        reserved(store, &narrow(6, "a", 0), at(1)).await?;
        for number in 2..=6 {
            store.settle(&narrow(number, "a", 0), Outcome::Failed, at(1)).await?;
        }
        answers(store, &narrow(7, "a", 0), at(1), Reserve::Spent, "with six failed").await
    })?
}

/// A lock holds until just before its end, and not at it; then the whole budget is there again.
pub(in crate::conformance) fn a_lock_ends_at_the_instant<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        fail(store, (0..5).map(|number| narrow(number, "a", 0)), at(0)).await?;
        fail(store, [narrow(5, "a", 100)], at(100)).await?;
        answers(store, &narrow(6, "a", 100), at(100), Reserve::Spent, "after six failures").await?;
        answers(store, &narrow(6, "a", 599), just_before(at(600)), Reserve::Spent, "just before a lock ends")
            .await?;
        fail(store, (10..16).map(|number| narrow(number, "a", 600)), at(600)).await?;
        answers(store, &narrow(16, "a", 600), at(600), Reserve::Spent, "after six more failures").await
    })?
}

/// A lock that lasts until cleared outlives any time and any purge.
pub(in crate::conformance) fn a_lock_may_last_until_cleared<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        let wide = |number, now| Attempt {
            charges: vec![Charge { scope: key("all sources"), budget: WIDE }],
            ..narrow(number, "a", now)
        };
        fail(store, (0..10).map(|number| wide(number, 0)), at(0)).await?;
        let years = 10 * 365 * 24 * 60 * 60;
        store.purge_attempts(at(years), usize::MAX >> 1).await?;
        answers(store, &wide(10, years), at(years), Reserve::Spent, "ten years into a lock until cleared")
            .await?;
        store.clear(&key("a")).await?;
        reserved(store, &wide(10, years), at(years)).await
    })?
}

/// Failures are counted in a window from the first of them, and forgotten at its end.
pub(in crate::conformance) fn failures_are_forgotten_with_their_window<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        fail(store, [narrow(0, "a", 0)], at(0)).await?;
        fail(store, (1..5).map(|number| narrow(number, "a", 900)), at(900)).await?;
        fail(store, [narrow(5, "b", 0)], at(0)).await?;
        fail(store, (6..11).map(|number| narrow(number, "b", 999)), just_before(at(1000))).await?;
        answers(store, &narrow(11, "b", 1000), at(1000), Reserve::Spent, "after six failures in a window")
            .await?;
        fail(store, (12..17).map(|number| narrow(number, "a", 1000)), at(1000)).await?;
        reserved(store, &narrow(17, "a", 1000), at(1000)).await
    })?
}

/// Once a clock that was two years ahead is set right, what it began lasts its own length and no longer: a lock, a
/// reservation that nobody settled, a window. The failures are not forgotten meanwhile.
pub(in crate::conformance) fn a_clock_that_was_ahead_is_outlived<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    const AHEAD: u64 = 2 * 365 * 24 * 60 * 60;
    const LEASE: u64 = Attempt::LONGEST_LEASE.as_secs();
    arena.run(async {
        let store = arena.store();
        fail(store, (0..6).map(|number| narrow(number, "locked", AHEAD)), at(AHEAD)).await?;
        fail(store, (10..15).map(|number| narrow(number, "failed", AHEAD)), at(AHEAD)).await?;
        for number in 20..26 {
            reserved(store, &narrow(number, "reserved", AHEAD), at(AHEAD)).await?;
        }
        // At the first look the lock becomes one of 500 s from then on, though each look is a refusal.
        for now in [100, 101, 350, 599] {
            answers(store, &narrow(30, "locked", now), at(now), Reserve::Spent, "within the lock's length")
                .await?;
        }
        reserved(store, &narrow(31, "locked", 600), at(600)).await?;
        // Five failures count within their window, and the sixth locks.
        fail(store, [narrow(32, "failed", 100)], at(100)).await?;
        answers(store, &narrow(33, "failed", 599), at(599), Reserve::Spent, "after six failures").await?;
        reserved(store, &narrow(34, "failed", 600), at(600)).await?;
        answers(store, &narrow(35, "reserved", 100), at(100), Reserve::Busy, "with six reserved").await?;
        let before = just_before(at(100 + LEASE));
        answers(
            store,
            &narrow(35, "reserved", 100 + LEASE),
            before,
            Reserve::Busy,
            "within the longest lease",
        )
        .await?;
        let over = 100 + LEASE;
        answers(store, &narrow(35, "reserved", over), at(over), Reserve::Spent, "once it is over").await?;
        reserved(store, &narrow(36, "reserved", over + 500), at(over + 500)).await
    })?
}

/// Clocks of nodes that are 30 s apart take nothing from a budget: a lock lasts its length by each of them.
pub(in crate::conformance) fn a_clock_a_little_ahead_forgets_nothing<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        // Counted by turns at a node, and at one that is 30 s ahead.
        for number in 0..6 {
            let now = 100 + 30 * (number % 2);
            fail(store, [narrow(number, "a", now)], at(now)).await?;
        }
        // The lock began at 130, by the clock of the node ahead.
        for now in [100, 130, 101, 131, 300, 330, 599, 629] {
            answers(store, &narrow(6, "a", now), at(now), Reserve::Spent, "locked by a clock 30 s ahead")
                .await?;
        }
        for number in 10..15 {
            let now = 100 + 30 * (number % 2);
            fail(store, [narrow(number, "b", now)], at(now)).await?;
        }
        fail(store, [narrow(15, "b", 1000)], at(1000)).await?;
        answers(store, &narrow(16, "b", 1000), at(1000), Reserve::Spent, "after six failures in a window")
            .await
    })?
}

/// A success forgets the failures before it, in all the budgets it drew on.
pub(in crate::conformance) fn a_success_forgets_failures<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        for round in 0..3_u64 {
            let number = |step: u64| round * 10 + step;
            fail(store, (0..5).map(|step| attempt(number(step), "a", "home", 0)), at(0)).await?;
            settled(store, &attempt(number(5), "a", "home", 0), Outcome::Succeeded, at(0)).await?;
        }
        reserved(store, &attempt(100, "a", "home", 0), at(0)).await
    })?
}

/// A success forgets nothing of the budgets it did not draw on: another source's lock stays.
pub(in crate::conformance) fn a_success_clears_only_what_it_drew_on<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        fail(store, (0..6).map(|number| attempt(number, "a", "flood", 0)), at(0)).await?;
        settled(store, &attempt(6, "a", "home", 0), Outcome::Succeeded, at(0)).await?;
        answers(store, &attempt(7, "a", "flood", 0), at(0), Reserve::Spent, "from a locked source").await
    })?
}

/// A withdrawal gives back its own charge and leaves the failures as they are.
pub(in crate::conformance) fn a_withdrawal_gives_back_its_own_charge<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        fail(store, (0..5).map(|number| narrow(number, "a", 0)), at(0)).await?;
        for number in 5..20 {
            settled(store, &narrow(number, "a", 0), Outcome::Withdrawn, at(0)).await?;
        }
        fail(store, [narrow(20, "a", 0)], at(0)).await?;
        answers(store, &narrow(21, "a", 0), at(0), Reserve::Spent, "after six failures among withdrawals")
            .await
    })?
}

/// A reservation that is not settled counts as a failure from the end of its lease, and only then; its
/// settlement comes too late.
pub(in crate::conformance) fn an_unsettled_reservation_becomes_a_failure<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        for number in 0..6 {
            reserved(store, &narrow(number, "a", 0), at(0)).await?;
        }
        let before = just_before(at(LEASE));
        answers(store, &narrow(6, "a", LEASE), before, Reserve::Busy, "before the leases end").await?;
        answers(store, &narrow(6, "a", LEASE), at(LEASE), Reserve::Spent, "once the leases have ended")
            .await?;
        for outcome in [Outcome::Withdrawn, Outcome::Succeeded] {
            store.settle(&narrow(0, "a", 0), outcome, at(LEASE)).await?;
            answers(store, &narrow(6, "a", LEASE), at(LEASE), Reserve::Spent, "after a settlement too late")
                .await?;
        }
        // The lock runs from the failure that spent the budget: the end of the leases, whenever that is
        // noticed.
        let end = at(LEASE + 500);
        answers(
            store,
            &narrow(6, "a", LEASE + 500),
            just_before(end),
            Reserve::Spent,
            "before the lock ends",
        )
        .await?;
        reserved(store, &narrow(7, "a", LEASE + 500), end).await
    })?
}

/// Settling an attempt twice, or one that was never reserved, counts nothing.
pub(in crate::conformance) fn settling_twice_counts_once<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        fail(store, [narrow(0, "a", 0)], at(0)).await?;
        for number in 0..20 {
            store.settle(&narrow(number, "a", 0), Outcome::Failed, at(0)).await?;
        }
        store.settle(&narrow(0, "a", 0), Outcome::Succeeded, at(0)).await?;
        fail(store, (20..24).map(|number| narrow(number, "a", 0)), at(0)).await?;
        reserved(store, &narrow(24, "a", 0), at(0)).await?;
        answers(store, &narrow(25, "a", 0), at(0), Reserve::Busy, "with five failed and one reserved").await
    })?
}

/// The one failure that spends a budget says that a lock begins; no other settlement does.
pub(in crate::conformance) fn the_failure_that_locks_says_so<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        // The lock of the first round ends after 500 s.
        for (start, first) in [(0, 0), (500, 100)] {
            for (number, outcome, locks) in [
                (0, Outcome::Failed, false),
                (1, Outcome::Withdrawn, false),
                (2, Outcome::Failed, false),
                (3, Outcome::Succeeded, false),
                (4, Outcome::Failed, false),
                (5, Outcome::Failed, false),
                (6, Outcome::Failed, false),
                (7, Outcome::Failed, false),
                (8, Outcome::Failed, false),
                (9, Outcome::Failed, true),
            ] {
                let attempt = narrow(first + number, "a", start);
                reserved(store, &attempt, at(start)).await?;
                let told = store.settle(&attempt, outcome, at(start)).await?;
                ensure!(told == locks, "attempt {number}, {outcome:?}, told of a lock: {told}");
                let again = store.settle(&attempt, outcome, at(start)).await?;
                ensure!(!again, "settling attempt {number} again told of a lock");
            }
        }
        Ok(())
    })?
}

/// An attempt that finds one of its budgets without room charges none of them.
pub(in crate::conformance) fn all_budgets_are_charged_or_none<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        // The source's budget is spent: refusals must not use up the account's.
        fail(store, (0..6).map(|number| attempt(number, "a", "flood", 0)), at(0)).await?;
        for number in 6..100 {
            answers(store, &attempt(number, "a", "flood", 0), at(0), Reserve::Spent, "from a spent source")
                .await?;
        }
        for number in 100..104 {
            reserved(store, &attempt(number, "a", "home", 0), at(0)).await?;
        }
        // The account's budget has no room: refusals must not use up the source's.
        for number in 200..300 {
            answers(store, &attempt(number, "a", "away", 0), at(0), Reserve::Busy, "at a reserved account")
                .await?;
        }
        for number in 100..104 {
            store.settle(&attempt(number, "a", "home", 0), Outcome::Withdrawn, at(0)).await?;
        }
        for number in 300..304 {
            reserved(store, &attempt(number, "a", "away", 0), at(0)).await?;
        }
        Ok(())
    })?
}

/// A source that is locked locks no other one, until the account's own budget is spent; other accounts notice
/// nothing.
pub(in crate::conformance) fn sources_and_accounts_are_apart<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        fail(store, (0..6).map(|number| attempt(number, "a", "x", 0)), at(0)).await?;
        answers(store, &attempt(6, "a", "x", 0), at(0), Reserve::Spent, "from a spent source").await?;
        fail(store, (10..14).map(|number| attempt(number, "a", "y", 0)), at(0)).await?;
        for (number, source) in [(20, "y"), (21, "z")] {
            answers(store, &attempt(number, "a", source, 0), at(0), Reserve::Spent, "at a spent account")
                .await?;
        }
        reserved(store, &attempt(30, "b", "x", 0), at(0)).await
    })?
}

/// Clearing ends failures and locks of one account in all its scopes, and leaves reservations.
pub(in crate::conformance) fn clearing_ends_locks_in_all_scopes<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        reserved(store, &attempt(0, "a", "home", 0), at(0)).await?;
        fail(store, (1..7).map(|number| attempt(number, "a", "x", 0)), at(0)).await?;
        fail(store, (7..10).map(|number| attempt(number, "a", "y", 0)), at(0)).await?;
        fail(store, (10..16).map(|number| attempt(number, "b", "x", 0)), at(0)).await?;
        store.settle(&attempt(0, "a", "home", 0), Outcome::Failed, at(0)).await?;
        answers(store, &attempt(20, "a", "z", 0), at(0), Reserve::Spent, "at a spent account").await?;
        store.clear(&key("a")).await?;
        for number in 21..27 {
            reserved(store, &attempt(number, "a", "x", 0), at(0)).await?;
        }
        answers(store, &attempt(27, "a", "x", 0), at(0), Reserve::Busy, "with six reserved").await?;
        store.clear(&key("a")).await?;
        answers(store, &attempt(27, "a", "x", 0), at(0), Reserve::Busy, "with six reserved, cleared again")
            .await?;
        answers(store, &attempt(28, "b", "x", 0), at(0), Reserve::Spent, "at another account, never cleared")
            .await?;
        store.clear(&key("unknown")).await?;
        Ok(())
    })?
}

/// Purging removes what no longer counts, and neither locks nor failures nor reservations.
pub(in crate::conformance) fn purging_spares_what_counts<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        fail(store, (0..6).map(|number| narrow(number, "locked", 0)), at(0)).await?;
        fail(store, (10..15).map(|number| narrow(number, "failed", 0)), at(0)).await?;
        for number in 20..26 {
            reserved(store, &narrow(number, "reserved", 0), at(0)).await?;
        }
        for number in 100..110 {
            fail(store, [narrow(number, &format!("over {number}"), 0)], at(0)).await?;
        }
        store.purge_attempts(at(10), usize::MAX >> 1).await?;
        answers(store, &narrow(30, "locked", 10), at(10), Reserve::Spent, "a lock after a purge").await?;
        answers(store, &narrow(31, "reserved", 10), at(10), Reserve::Busy, "reservations after a purge")
            .await?;
        fail(store, [narrow(32, "failed", 10)], at(10)).await?;
        answers(store, &narrow(33, "failed", 10), at(10), Reserve::Spent, "failures after a purge").await?;
        store.purge_attempts(just_before(at(500)), usize::MAX >> 1).await?;
        answers(store, &narrow(34, "locked", 499), just_before(at(500)), Reserve::Spent, "a purged lock")
            .await?;
        for _ in 0..20 {
            let some = store.purge_attempts(at(20_000), 3).await?;
            ensure!(some <= 3, "a purge of at most 3 removed {some}");
        }
        // The reservations of long ago have become failures of long ago.
        reserved(store, &narrow(40, "reserved", 20_000), at(20_000)).await
    })?
}
