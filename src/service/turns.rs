use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use event_listener::Event;
use futures_lite::future;
use futures_timer::Delay;

use crate::store::Partition;

/// The turns of callers in this process that change the same partition. Callers with turns commit
/// one after another, which avoids store calls that would conflict. The versions of the documents
/// make each commit correct even without turns. Turns only make commits faster.
///
/// The partitions are divided into 64 groups. Partitions of one group share a turn.
pub(super) struct Turns {
    slots: Box<[Slot; 64]>,
    hasher: RandomState,
}

#[derive(Default)]
struct Slot {
    holder: Mutex<Holders>,
    released: Event,
}

#[derive(Default)]
struct Holders {
    current: Option<Holder>,
    last_ticket: u64,
}

struct Holder {
    ticket: u64,
    since: Instant,
}

/// A caller's turn. It lasts until the value is dropped. After [`Turns::LONGEST`], the next caller
/// takes the turn over even if the value still exists. So a future that is no longer polled does
/// not block other callers.
pub(super) struct Turn<'turns> {
    slot: &'turns Slot,
    ticket: Option<u64>,
}

impl Turns {
    /// Maximum time that a caller waits for a turn, and maximum duration of a turn.
    pub(super) const LONGEST: Duration = Duration::from_millis(250);

    pub(super) fn new() -> Self {
        Self { slots: Box::new(std::array::from_fn(|_| Slot::default())), hasher: RandomState::new() }
    }

    /// Waits for a turn at this partition. The second value is true if the caller had to wait.
    pub(super) async fn take(&self, partition: &Partition) -> (Turn<'_>, bool) {
        let slot = self.slot(partition);
        let began = Instant::now();
        let mut waited = false;
        loop {
            // Listening begins before the holder is read, so that no release is missed.
            let released = slot.released.listen();
            let turn_left = match slot.try_take() {
                Ok(ticket) => return (Turn { slot, ticket: Some(ticket) }, waited),
                Err(left) => left,
            };
            let left = Self::LONGEST.saturating_sub(began.elapsed());
            if left.is_zero() {
                return (Turn { slot, ticket: None }, true);
            }
            waited = true;
            future::or(released, Delay::new(left.min(turn_left))).await;
        }
    }

    #[expect(clippy::indexing_slicing, reason = "six bits cannot leave an array of 64")]
    fn slot(&self, partition: &Partition) -> &Slot {
        &self.slots[usize::from(self.hasher.hash_one(partition).to_le_bytes()[0] & 63)]
    }
}

impl Slot {
    /// Takes the turn if it is free or has lasted too long, and returns a ticket. Otherwise returns
    /// the time after which this caller can take the turn over.
    fn try_take(&self) -> Result<u64, Duration> {
        let mut holders = self.holders();
        if let Some(holder) = &holders.current {
            let left = Turns::LONGEST.saturating_sub(holder.since.elapsed());
            if !left.is_zero() {
                return Err(left);
            }
        }
        holders.last_ticket += 1;
        let ticket = holders.last_ticket;
        holders.current = Some(Holder { ticket, since: Instant::now() });
        Ok(ticket)
    }

    fn holders(&self) -> MutexGuard<'_, Holders> {
        self.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// True if the caller has the turn. False if the caller has waited too long and continues
    /// without a turn.
    pub(super) const fn has_come(&self) -> bool {
        self.ticket.is_some()
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let mut holders = self.slot.holders();
        if holders.current.take_if(|holder| holder.ticket == ticket).is_some() {
            drop(holders);
            // Every release wakes one more waiting caller, because the caller that an earlier
            // release has woken is possibly not polled any more.
            self.slot.released.notify_additional(1);
        }
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Turns(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, thread};

    use futures_lite::future::{block_on, poll_once};

    use super::*;

    /// The delay of a busy machine that the test allows for each wait.
    const SLACK: Duration = Duration::from_millis(200);

    fn partition() -> Partition {
        Partition::of(&[b"an account"])
    }

    fn take<'turns>(turns: &'turns Turns) -> (Turn<'turns>, bool, Duration) {
        let began = Instant::now();
        let (turn, waited) = block_on(turns.take(&partition()));
        (turn, waited, began.elapsed())
    }

    #[test]
    fn a_free_turn_is_taken_at_once_and_a_dropped_one_is_free() {
        let turns = Turns::new();
        for _ in 0..100 {
            let (_turn, waited, _) = take(&turns);
            assert!(!waited);
        }
    }

    #[test]
    fn a_turn_that_ends_wakes_a_waiting_caller() {
        let turns = Turns::new();
        let woken = || {
            let (turn, ..) = take(&turns);
            thread::scope(|scope| {
                let waiting = scope.spawn(|| take(&turns).2);
                thread::sleep(Duration::from_millis(20));
                drop(turn);
                waiting.join().unwrap() < Turns::LONGEST / 2
            })
        };
        // On a busy machine some of these attempts may be late.
        assert!((0..10).any(|_| woken()));
    }

    #[test]
    fn a_turn_that_is_never_given_back_is_taken_over_once() {
        let turns = Turns::new();
        std::mem::forget(take(&turns));
        let (turn, waited, took) = take(&turns);
        assert!(waited && turn.ticket.is_some());
        assert!(took >= Turns::LONGEST / 2 && took <= Turns::LONGEST + SLACK, "{took:?}");
        drop(turn);
        let (_turn, waited, _) = take(&turns);
        assert!(!waited, "only the first had to wait");
    }

    #[test]
    fn a_turn_that_was_taken_over_frees_nothing_when_it_ends() {
        let turns = Turns::new();
        let (late, ..) = take(&turns);
        thread::sleep(Turns::LONGEST);
        let (_turn, waited, _) = take(&turns);
        assert!(!waited);
        drop(late);
        assert!(turns.slot(&partition()).try_take().is_err());
    }

    #[test]
    fn a_waiting_caller_that_is_polled_no_more_delays_others_by_one_turn() {
        let turns = Turns::new();
        let (turn, ..) = take(&turns);
        let partition = partition();
        let mut left_alone = pin!(turns.take(&partition));
        assert!(block_on(poll_once(&mut left_alone)).is_none());
        thread::scope(|scope| {
            let waiting = scope.spawn(|| take(&turns).2);
            thread::sleep(Duration::from_millis(50));
            drop(turn);
            let took = waiting.join().unwrap();
            assert!(took <= Turns::LONGEST + SLACK, "{took:?}");
        });
    }

    #[test]
    fn nobody_waits_longer_than_the_longest_turn() {
        let turns = Turns::new();
        thread::scope(|scope| {
            let callers: Vec<_> = (0..20)
                .map(|_| {
                    scope.spawn(|| {
                        let (_turn, _, took) = take(&turns);
                        thread::sleep(Duration::from_millis(40));
                        took
                    })
                })
                .collect();
            for caller in callers {
                let took = caller.join().unwrap();
                assert!(took <= Turns::LONGEST + SLACK, "{took:?}");
            }
        });
    }
}
