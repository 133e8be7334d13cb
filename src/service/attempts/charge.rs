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
        AccountBudgets, AttemptId, AttemptOutcome, Budget, CountedFailure, Draw, Epoch, Known, Lock, Locks,
        Owner, Remembered, Reserving, Settling, Standing, Suspected,
    },
    store::Partition,
    token::{DeviceSecret, Subject},
};

/// The budgets that an attempt is charged to, and the documents that store these budgets.
#[derive(Clone, Debug)]
pub(super) struct Charge {
    pub(super) partition: Partition,
    pub(super) draw: Draw,
    /// The kind of attempt.
    kind: &'static str,
    place: Place,
    /// The line of the hashing queue in which the attempt waits.
    line: Line,
    /// True if the watch over the whole shop counts the attempt.
    watched: bool,
    /// The tallies in which a failure is counted.
    tallies: [Option<Tallies>; 2],
    failure: CountedFailure,
}

/// A settled attempt.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub(crate) struct Settled {
    /// The locks of the account's password or second factor that this failure has caused.
    pub(crate) locks: Locks,
    /// The tally of the source, if this failure has made the source suspicious.
    pub(crate) suspected: Option<Suspected>,
}

/// The device of a sign-in.
#[derive(Debug, Default)]
pub(crate) struct SignedInDevice {
    /// The new device secret. None if the device already has one.
    pub(crate) secret: Option<DeviceSecret>,
    /// True if the account has known devices or sources, but the device and the source of this
    /// sign-in are not among them.
    pub(crate) is_new: bool,
}

/// The documents that hold the counters of a charge. If the store is full, a charge uses documents
/// that other charges use, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// One document for the account, and one for the narrow scope.
    Own,
    /// Only the document of the account. The counter of the narrow scope is in it, too.
    Crowded,
    /// The documents of a slot, which several accounts share.
    Slot,
}

/// An unsettled charge, the outcome of its attempt, and the time of the outcome.
#[derive(Debug)]
pub(super) struct Abandoned {
    charge: Charge,
    outcome: AttemptOutcome,
    at: OffsetDateTime,
}

impl Abandoned {
    /// True if the charge could not be settled for an hour. The lease of the charge has ended after
    /// 60 s, and the attempt then counted as a failure.
    pub(super) fn is_old(&self, now: OffsetDateTime) -> bool {
        after(self.at, Duration::from_secs(60 * 60)) <= now
    }
}

/// The reserved charge of an attempt. A flow settles the charge after the attempt.
///
/// If the caller disconnects before the settlement, the outcome depends on the costly work of the
/// attempt, for example the hashing. If this work has started, the attempt counts as a failure. If
/// it has not started, the charge is given back.
#[derive(Debug)]
pub(crate) struct Charged<'a> {
    attempts: &'a Attempts,
    charge: Charge,
    /// The documents that the reservation wrote, so that the settlement need not load them again.
    held: Option<Held>,
    work: Work,
    decided: Option<(AttemptOutcome, OffsetDateTime)>,
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
        let failure = CountedFailure { account: account.first_bits(), unknown: false };
        let draw = Draw { attempt, wide, narrow, caller, standing };
        let tallies = [source, tally];
        Self { partition: account, draw, kind, place: Place::Own, line, watched, tallies, failure }
    }

    /// Returns 32 bits of the digest of the caller's network: an IPv4 address or an IPv6 /48
    /// network. For a caller without an IP address, or an attempt without tallies of its source,
    /// returns 32 bits of the account's digest instead.
    pub(super) fn network(&self) -> u32 {
        let [source, _] = &self.tallies;
        source.as_ref().map_or(self.failure.account, Tallies::network)
    }

    /// Makes the watch over the whole shop count the attempt, or ignore it.
    pub(super) const fn watch(&mut self, watched: bool) {
        self.watched = watched;
    }

    /// Moves the attempt to the line of known callers in the hashing queue.
    pub(super) const fn wait_with_known(&mut self) {
        self.line = self.line.with_known();
    }

    /// Returns the tallies of the source, and then the tally of the account.
    pub(super) fn tallies(&self) -> [Option<&Tallies>; 2] {
        self.tallies.each_ref().map(Option::as_ref)
    }

    pub(super) fn reserving(&self, epoch: Epoch) -> Reserving<'_> {
        let (draw, crowded, expendable) = (&self.draw, self.place == Place::Crowded, self.is_expendable());
        Reserving { draw, lease: AccountBudgets::LEASE, epoch, crowded, expendable }
    }

    fn settling(
        &self,
        outcome: AttemptOutcome,
        at: OffsetDateTime,
        remembered: Option<Remembered>,
    ) -> Settling<'_> {
        let outcome = match outcome {
            // A slot counts failures of several accounts. A success at one account must not clear
            // the failures of the others.
            AttemptOutcome::Succeeded if self.place == Place::Slot => AttemptOutcome::Withdrawn,
            outcome => outcome,
        };
        Settling { draw: &self.draw, outcome, at, remembered, expendable: self.is_expendable() }
    }

    /// True if a full store may refuse to create the documents. A full store must still create the
    /// documents of a slot.
    fn is_expendable(&self) -> bool {
        self.place != Place::Slot
    }

    /// Returns the same charge with documents that more charges share, because the store has no
    /// room for those of this charge. Returns none if the charge already uses a slot.
    pub(super) fn elsewhere(&self, slots: &RandomState) -> Option<Self> {
        match self.place {
            Place::Own => Some(Self { place: Place::Crowded, ..self.clone() }),
            Place::Crowded => Some(self.in_slot(slots)),
            Place::Slot => None,
        }
    }

    /// Returns the same charge in one of the 64 slots that all attempts of its kind share.
    ///
    /// In a slot, the periods and locks of the charge's budgets all get the duration of the
    /// shortest one, and an hour at most. A flood of attempts can lock a slot. This lock must not
    /// last long after the flood, because it also locks the accounts that use the slot later.
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

    /// Creates a charge that changes only the tallies, and not the budgets of the account.
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

    /// Keeps the documents that the reservation wrote, and the answer if the account knows the
    /// caller's device and source.
    pub(super) fn hold(&mut self, held: Held, known: Known) {
        (self.held, self.known) = (Some(held), known);
    }

    /// Notes that no account has the presented name. This note only changes the alarms in the audit
    /// trail, and not the budgets.
    pub(crate) const fn note_unknown(&mut self) {
        self.charge.failure.unknown = true;
    }

    /// Makes the settlement of the attempt store the caller's device and source as known.
    ///
    /// # Errors
    ///
    /// If the random source failed.
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

    /// Marks the charge as settled, because nothing was reserved.
    pub(super) fn disregard(&mut self) {
        self.settled = true;
    }

    /// True if the charge had to wait for room in a budget. An account row that was read before the
    /// wait is then possibly outdated.
    pub(crate) const fn waited(&self) -> bool {
        self.waited
    }

    /// Returns the costly work of the attempt. The `Work` value records if this work has started.
    pub(crate) const fn work(&self) -> &Work {
        &self.work
    }

    /// Settles the charge.
    ///
    /// # Errors
    ///
    /// If the store request failed. A later attempt in this process then settles the charge.
    pub(crate) async fn settle(mut self, outcome: AttemptOutcome) -> Result<Settled, StoreError> {
        self.decided.get_or_insert_with(|| (outcome, self.attempts.clock.now()));
        self.settle_as_decided().await
    }

    pub(super) async fn settle_as_decided(mut self) -> Result<Settled, StoreError> {
        let decided = self.decision();
        self.note(decided.0);
        let (attempts, failure, tallies) = (self.attempts, self.charge.failure, self.charge.tallies.clone());
        let counted = async {
            let (AttemptOutcome::Failed, at) = decided else { return None };
            let [source, account] =
                tallies.each_ref().map(|tallies| attempts.count(tallies.as_ref(), failure, at));
            future::zip(source, account).await.0
        };
        let (locks, suspected) = future::zip(self.settle_account(decided), counted).await;
        Ok(Settled { locks: locks?, suspected })
    }

    /// Reports the outcome to the watch over the whole shop.
    fn note(&self, outcome: AttemptOutcome) {
        let ended = match outcome {
            AttemptOutcome::Failed => {
                Ended::Failed { unknown: self.charge.failure.unknown, network: self.charge.network() }
            }
            AttemptOutcome::Succeeded => Ended::Succeeded,
            AttemptOutcome::Withdrawn => return,
        };
        if self.charge.watched {
            self.attempts.watch.note(ended);
        }
    }

    async fn settle_account(
        &mut self,
        (outcome, at): (AttemptOutcome, OffsetDateTime),
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

    fn decision(&self) -> (AttemptOutcome, OffsetDateTime) {
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
        // A caller that waits for room in the budgets of this account is woken, and settles the
        // charge.
        self.wake();
    }
}
