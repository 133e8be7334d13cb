use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use time::OffsetDateTime;

use super::{Attempted, Attempts};
use crate::{
    clock::after,
    credential::{Line, Work},
    error::StoreError,
    service::{
        documents::{Changed, Held},
        stop::unjudged,
    },
    state::budgets::{AttemptId, Budget, Budgets, Draw, Epoch, Lock, Outcome, Reserving, Settling},
    store::Partition,
};

/// The budgets that an attempt draws on, and where they are kept.
#[derive(Clone, Debug)]
pub(super) struct Charge {
    pub(super) partition: Partition,
    pub(super) draw: Draw,
    /// The kind of account.
    kind: &'static str,
    place: Place,
    /// The line in which its hash waits.
    line: Line,
}

/// The place of the counters in a store that may be full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// A document for the account and one for the narrow scope.
    Own,
    /// The account's document alone.
    Crowded,
    /// A slot that the account shares with others.
    Slot,
}

/// A charge that is yet to be settled, its outcome, and the time of it.
#[derive(Debug)]
pub(super) struct Abandoned {
    charge: Charge,
    outcome: Outcome,
    at: OffsetDateTime,
}

impl Abandoned {
    /// True after an hour in which it could not be settled. Its lease ended long ago.
    pub(super) fn is_old(&self, now: OffsetDateTime) -> bool {
        after(self.at, Duration::from_secs(60 * 60)) <= now
    }
}

/// A reserved charge. It is settled, or, if its caller goes away, counted as a failure if its work had started
/// and given back if it had not.
#[derive(Debug)]
pub(crate) struct Charged<'a> {
    attempts: &'a Attempts,
    charge: Charge,
    /// The documents that the reservation wrote. They are settled without another load.
    held: Option<Held>,
    work: Work,
    decided: Option<(Outcome, OffsetDateTime)>,
    locks: bool,
    waited: bool,
    settled: bool,
}

impl Charge {
    const SLOTS: u64 = 64;

    pub(super) const fn new(attempt: AttemptId, attempted: &Attempted) -> Self {
        let draw = Draw { attempt, wide: attempted.wide, narrow: attempted.narrow };
        Self {
            partition: attempted.account,
            draw,
            kind: attempted.kind,
            place: Place::Own,
            line: attempted.line,
        }
    }

    pub(super) fn reserving(&self, epoch: Epoch) -> Reserving<'_> {
        let (draw, crowded, expendable) = (&self.draw, self.place == Place::Crowded, self.is_expendable());
        Reserving { draw, lease: Budgets::LEASE, epoch, crowded, expendable }
    }

    fn settling(&self, outcome: Outcome, at: OffsetDateTime) -> Settling<'_> {
        let outcome = match outcome {
            // Behind a slot stand accounts that had no success: one of them must not clear the failures of
            // the others.
            Outcome::Succeeded if self.place == Place::Slot => Outcome::Withdrawn,
            outcome => outcome,
        };
        Settling { draw: &self.draw, outcome, at, expendable: self.is_expendable() }
    }

    /// A full store takes the documents of a slot all the same.
    fn is_expendable(&self) -> bool {
        self.place != Place::Slot
    }

    /// The same charge in the next place, since the store is full. None if there is none.
    pub(super) fn elsewhere(&self, slots: &RandomState) -> Option<Self> {
        match self.place {
            Place::Own => Some(Self { place: Place::Crowded, ..self.clone() }),
            Place::Crowded => Some(self.in_slot(slots)),
            Place::Slot => None,
        }
    }

    /// The same charge in one of 64 slots that accounts of its kind share.
    ///
    /// Its budgets last no longer than the shortest of them, and an hour at most. A lock on strangers' names
    /// must not outlast their flood, or the flood would lock every account that comes later.
    fn in_slot(&self, slots: &RandomState) -> Self {
        let spans = |budget: Budget| match budget.lock {
            Lock::For(lock) => lock.min(budget.window),
            Lock::UntilCleared => budget.window,
        };
        let Draw { attempt, wide, narrow } = self.draw;
        let budgets = [wide, narrow.map(|(_, budget)| budget)];
        let longest = Duration::from_secs(60 * 60);
        let span = budgets.into_iter().flatten().map(spans).fold(longest, Duration::min);
        let short = |budget: Budget| Budget { window: span, lock: Lock::For(span), ..budget };
        let slot = slots.hash_one(self.partition) % Self::SLOTS;
        let narrow = narrow.map(|(scope, budget)| (scope, short(budget)));
        Self {
            partition: Partition::of(&[b"slot", self.kind.as_bytes(), &slot.to_be_bytes()]),
            draw: Draw { attempt, wide: wide.map(short), narrow },
            kind: self.kind,
            place: Place::Slot,
            line: self.line,
        }
    }
}

impl<'a> Charged<'a> {
    pub(super) fn new(attempts: &'a Attempts, charge: Charge, locks: bool, waited: bool) -> Self {
        let work = Work::of(charge.line);
        Self { attempts, charge, held: None, work, decided: None, locks, waited, settled: false }
    }

    pub(super) fn abandoned(attempts: &'a Attempts, abandoned: Abandoned) -> Self {
        let Abandoned { charge, outcome, at } = abandoned;
        let mut charged = Self::new(attempts, charge, false, false);
        charged.decided = Some((outcome, at));
        charged
    }

    /// Keeps the documents that the reservation wrote.
    pub(super) fn hold(&mut self, held: Held) {
        self.held = Some(held);
    }

    /// Leaves nothing to settle: nothing was reserved.
    pub(super) fn disregard(&mut self) {
        self.settled = true;
    }

    /// True if the charge had to wait for room, so that earlier readings of the account may be outdated.
    pub(crate) const fn waited(&self) -> bool {
        self.waited
    }

    /// Tells if the costly work of the attempt has started.
    pub(crate) const fn work(&self) -> &Work {
        &self.work
    }

    /// Settles the charge and returns true if a lock on the account's password begins with this failure.
    ///
    /// # Errors
    ///
    /// The store failed. A later attempt settles it.
    pub(crate) async fn settle(mut self, outcome: Outcome) -> Result<bool, StoreError> {
        self.decided.get_or_insert_with(|| (outcome, self.attempts.clock.now()));
        self.settle_as_decided().await
    }

    pub(super) async fn settle_as_decided(mut self) -> Result<bool, StoreError> {
        let (outcome, at) = self.decision();
        let settling = self.charge.settling(outcome, at);
        let documents = &self.attempts.documents;
        let changed = match &mut self.held {
            Some(held) => documents.change_held(held, &settling).await?,
            None => documents.change(&self.charge.partition, &settling).await?,
        };
        self.settled = true;
        self.wake();
        Ok(changed == Changed::Answer(true) && self.locks)
    }

    fn decision(&self) -> (Outcome, OffsetDateTime) {
        self.decided.unwrap_or_else(|| (unjudged(&self.work), self.attempts.clock.now()))
    }

    fn wake(&self) {
        self.attempts.settled(&self.charge.partition).notify_additional(Attempts::WOKEN_AT_ONCE);
    }
}

impl Drop for Charged<'_> {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let (outcome, at) = self.decision();
        let mut abandoned = self.attempts.abandoned();
        if abandoned.len() < Attempts::MAX_ABANDONED {
            abandoned.push_back(Abandoned { charge: self.charge.clone(), outcome, at });
        }
        drop(abandoned);
        // A caller that waits for this account settles it.
        self.wake();
    }
}
