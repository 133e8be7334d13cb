use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use futures_lite::future;
use time::OffsetDateTime;

use super::{Attempted, Attempts, tallies::Tallies};
use crate::{
    clock::after,
    credential::{Line, Work},
    error::StoreError,
    random::RandomError,
    service::{
        documents::{Changed, Held},
        stop::unjudged,
        watch::Ended,
    },
    state::budgets::{
        AttemptId, Budget, Budgets, Draw, Epoch, Failure, Known, Lock, Locks, Outcome, Owner, Remembered,
        Reserving, Settling, Standing, Suspected,
    },
    store::Partition,
    token::{DeviceSecret, Subject},
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
    /// True if the watch over the shop counts it.
    watched: bool,
    /// The tallies in which a failure is counted.
    tallies: [Option<Tallies>; 2],
    failure: Failure,
}

/// A settled attempt.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub(crate) struct Settled {
    /// The locks on the account's password or second factor that begin with this failure.
    pub(crate) locks: Locks,
    /// The source, if it becomes suspicious with this failure.
    pub(crate) suspected: Option<Suspected>,
}

/// A device from which somebody signed in.
#[derive(Debug, Default)]
pub(crate) struct SignedInDevice {
    /// The new secret of the device. None if it has one already.
    pub(crate) secret: Option<DeviceSecret>,
    /// True if the account remembers sign-ins, and none with this device's secret or from its source.
    pub(crate) is_new: bool,
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
    remembered: Option<Remembered>,
    known: Known,
    locks: bool,
    waited: bool,
    /// False if the budgets of the account are not charged.
    reserved: bool,
    settled: bool,
}

impl Charge {
    const SLOTS: u64 = 64;

    pub(super) fn new(attempt: AttemptId, attempted: Attempted) -> Self {
        let Attempted { kind, account, wide, narrow, caller, standing, source, tally, line, watched, .. } =
            attempted;
        let failure = Failure { account: account.first_bits(), unknown: false };
        let draw = Draw { attempt, wide, narrow, caller, standing };
        let tallies = [source, tally];
        Self { partition: account, draw, kind, place: Place::Own, line, watched, tallies, failure }
    }

    /// The network of the caller, as 32 bits of its digest. Callers without an address are told apart by their
    /// accounts.
    pub(super) fn network(&self) -> u32 {
        let [source, _] = &self.tallies;
        source.as_ref().map_or(self.failure.account, Tallies::network)
    }

    /// Tells if the watch over the shop counts the attempt.
    pub(super) const fn watch(&mut self, watched: bool) {
        self.watched = watched;
    }

    /// Lets the hash wait among those of known callers.
    pub(super) const fn wait_with_known(&mut self) {
        self.line = self.line.with_known();
    }

    /// The tallies of the source, and that of the account.
    pub(super) fn tallies(&self) -> [Option<&Tallies>; 2] {
        self.tallies.each_ref().map(Option::as_ref)
    }

    pub(super) fn reserving(&self, epoch: Epoch) -> Reserving<'_> {
        let (draw, crowded, expendable) = (&self.draw, self.place == Place::Crowded, self.is_expendable());
        Reserving { draw, lease: Budgets::LEASE, epoch, crowded, expendable }
    }

    fn settling(&self, outcome: Outcome, at: OffsetDateTime, remembered: Option<Remembered>) -> Settling<'_> {
        let outcome = match outcome {
            // Behind a slot stand accounts that had no success: one of them must not clear the failures of
            // the others.
            Outcome::Succeeded if self.place == Place::Slot => Outcome::Withdrawn,
            outcome => outcome,
        };
        Settling { draw: &self.draw, outcome, at, remembered, expendable: self.is_expendable() }
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
        let Draw { attempt, wide, narrow, .. } = self.draw;
        let budgets = [wide, narrow.map(|(_, budget)| budget)].into_iter().flatten();
        let spans =
            budgets.map(|budget| budget.longest_lock().map_or(budget.window, |lock| lock.min(budget.window)));
        let span = spans.fold(Duration::from_secs(60 * 60), Duration::min);
        let short = |budget: Budget| Budget { window: span, lock: Lock::For(span), ..budget };
        let slot = slots.hash_one(self.partition) % Self::SLOTS;
        let narrow = narrow.map(|(scope, budget)| (scope, short(budget)));
        Self {
            partition: Partition::of(&[b"slot", self.kind.as_bytes(), &slot.to_be_bytes()]),
            draw: Draw { attempt, wide: wide.map(short), narrow, caller: None, standing: Standing::Unknown },
            place: Place::Slot,
            ..self.clone()
        }
    }
}

impl<'a> Charged<'a> {
    pub(super) fn new(attempts: &'a Attempts, charge: Charge, locks: bool, waited: bool) -> Self {
        let (work, known, reserved) = (Work::of(charge.line), Known::default(), true);
        let (held, decided, remembered, settled) = (None, None, None, false);
        Self { attempts, charge, held, work, decided, remembered, known, locks, waited, reserved, settled }
    }

    /// A charge that leaves the budgets of the account as they are.
    pub(super) fn uncounted(attempts: &'a Attempts, charge: Charge) -> Self {
        let mut charged = Self::new(attempts, charge, false, false);
        charged.reserved = false;
        charged
    }

    pub(super) fn abandoned(attempts: &'a Attempts, abandoned: Abandoned) -> Self {
        let Abandoned { charge, outcome, at } = abandoned;
        let mut charged = Self::new(attempts, charge, false, false);
        charged.decided = Some((outcome, at));
        charged
    }

    /// Keeps the documents that the reservation wrote, and what they tell of the caller.
    pub(super) fn hold(&mut self, held: Held, known: Known) {
        (self.held, self.known) = (Some(held), known);
    }

    /// Notes that no account has the name, for the trail alone.
    pub(crate) const fn note_unknown(&mut self) {
        self.charge.failure.unknown = true;
    }

    /// Remembers the caller's device and source with the account, once the attempt is settled.
    ///
    /// # Errors
    ///
    /// The random source failed.
    pub(crate) fn remember(&mut self, subject: &Subject) -> Result<SignedInDevice, RandomError> {
        let owner = Owner::of(subject);
        let secret = match self.known.is_device_of(owner) {
            true => None,
            false => Some(DeviceSecret::draw(&*self.attempts.random)?),
        };
        let device = secret.as_ref().map(DeviceSecret::digest);
        self.remembered = Some(Remembered { owner, device });
        Ok(SignedInDevice { secret, is_new: self.known.is_new_to(owner) })
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

    /// Settles the charge.
    ///
    /// # Errors
    ///
    /// The store failed. A later attempt settles it.
    pub(crate) async fn settle(mut self, outcome: Outcome) -> Result<Settled, StoreError> {
        self.decided.get_or_insert_with(|| (outcome, self.attempts.clock.now()));
        self.settle_as_decided().await
    }

    pub(super) async fn settle_as_decided(mut self) -> Result<Settled, StoreError> {
        let decided = self.decision();
        self.note(decided.0);
        let (attempts, failure, tallies) = (self.attempts, self.charge.failure, self.charge.tallies.clone());
        let counted = async {
            let (Outcome::Failed, at) = decided else { return None };
            let [source, account] =
                tallies.each_ref().map(|tallies| attempts.count(tallies.as_ref(), failure, at));
            future::zip(source, account).await.0
        };
        let (locks, suspected) = future::zip(self.settle_account(decided), counted).await;
        Ok(Settled { locks: locks?, suspected })
    }

    /// Tells the watch over the shop.
    fn note(&self, outcome: Outcome) {
        let ended = match outcome {
            Outcome::Failed => {
                Ended::Failed { unknown: self.charge.failure.unknown, network: self.charge.network() }
            }
            Outcome::Succeeded => Ended::Succeeded,
            Outcome::Withdrawn => return,
        };
        if self.charge.watched {
            self.attempts.watch.note(ended);
        }
    }

    async fn settle_account(
        &mut self,
        (outcome, at): (Outcome, OffsetDateTime),
    ) -> Result<Locks, StoreError> {
        let mut locks = Changed::Answer(Locks::default());
        if self.reserved {
            let settling = self.charge.settling(outcome, at, self.remembered);
            let documents = &self.attempts.documents;
            locks = match &mut self.held {
                Some(held) => documents.change_held(held, &settling).await?,
                None => documents.change(&self.charge.partition, &settling).await?,
            };
        }
        self.settled = true;
        self.wake();
        Ok(match locks {
            Changed::Answer(locks) if self.locks => locks,
            Changed::Answer(_) | Changed::Full => Locks::default(),
        })
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
