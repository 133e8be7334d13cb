//! The budgets of an account's failed attempts.
//!
//! An attempt is charged to the account's wide budget over all sources, to the narrow budget of a
//! scope at the account, or to both. A scope is, for example, one source. The documents of an
//! account's budgets are in one partition:
//!
//! - the head, with the wide counter;
//! - one document for each narrow scope;
//! - the known devices and sources of the account.
//!
//! A reservation charges the budgets before the attempt. After the attempt, the settlement counts
//! the charge as a failure or gives the charge back. A tally is a counter without reservations: it
//! counts a failure only after the attempt.

mod budget;
mod commands;
mod counter;
mod devices;
mod head;
mod tally;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub(crate) use budget::Standing;
pub use budget::{Budget, Lock};
pub(crate) use commands::{Clearing, Forgetting, Remembering, Reserving, Settling};
use counter::Counter;
use devices::Devices;
pub(crate) use devices::{CallerDigests, Known, Owner, Remembered, index as devices_index};
pub(crate) use head::Epoch;
use head::{Head, Scope};
use serde::{Deserialize, Serialize};
pub(crate) use tally::{CountedFailure, Counting, Looked, ReadingTallies, Suspected, Tallied};
use time::OffsetDateTime;

use crate::{clock::after, store::DocumentId};

/// The id of an attempt: 64 random bits, which distinguish the reservation of this attempt from the
/// other open reservations at an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct AttemptId(pub(crate) u64);

/// The answer to a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reserved {
    pub(crate) room: Reserve,
    /// True if the account's budget over all sources is spent.
    pub(crate) wide_is_spent: bool,
    pub(crate) known: Known,
}

/// The room in the budgets of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reserve {
    /// Every budget of the attempt was charged. The attempt must be settled.
    Reserved,
    /// Unsettled attempts have reserved the rest of a budget. Nothing was charged. Once one of
    /// these attempts is settled, there is possibly room.
    Busy,
    /// A budget is spent. Nothing was charged.
    Spent,
}

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttemptOutcome {
    /// The attempt counts as a failure in every budget that it was charged to. The failure can
    /// cause locks of these budgets.
    Failed,
    /// The charge of the attempt is given back, and the earlier failures in the budgets of the
    /// attempt are cleared. Exceptions: counters that several scopes or accounts share keep the
    /// failures, and the success of a known caller does not end a lock.
    Succeeded,
    /// The charge of the attempt is given back. Earlier failures stay.
    Withdrawn,
}

/// The locks that a failure causes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Locks {
    /// True if the failure locks the account's budget over all sources.
    pub(crate) wide: bool,
    /// True if the failure locks the budget of the narrow scope.
    pub(crate) narrow: bool,
}

/// The budgets that one attempt is charged to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Draw {
    /// The id of the attempt.
    pub(crate) attempt: AttemptId,
    /// The account's budget over all sources.
    pub(crate) wide: Option<Budget>,
    /// A narrow scope at the account, and its budget.
    pub(crate) narrow: Option<(DocumentId, Budget)>,
    /// The digests of the caller's source and device. None if the attempt is not treated
    /// differently for a known device.
    pub(crate) caller: Option<CallerDigests>,
    /// The standing of a caller whose device and source are both unknown to the account. It is
    /// `Known` if the caller holds a live token of the account.
    pub(crate) standing: Standing,
}

/// The documents of an account that an attempt uses: the head, the document of the attempt's narrow
/// scope, and the known devices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AccountBudgets {
    head: Option<Head>,
    scope: Option<Scope>,
    devices: Option<Devices>,
}

impl Draw {
    /// Returns the wide budget that a caller of this standing is charged to, if any. A known caller
    /// is charged only to the narrow budget, with one exception. If the lock of the wide budget
    /// lasts until the account is unlocked, a share of the wide budget is reserved for known
    /// callers. In this case known callers are charged to the wide budget, too.
    fn wide_for(&self, standing: Standing) -> Option<Budget> {
        let is_shared = |budget: &Budget| matches!(budget.lock, Lock::UntilCleared { .. });
        self.wide.filter(|budget| standing == Standing::Unknown || is_shared(budget))
    }
}

impl AccountBudgets {
    /// Maximum duration of a reservation, its lease: 60 s. After 60 s, an unsettled reservation
    /// counts as a failure. The lease is longer than an attempt waits in the hashing queue. It is
    /// shorter than the time that a person waits for the result.
    pub(crate) const LEASE: Duration = Duration::from_secs(60);

    /// Charges all budgets of an attempt, or none of them. An account without a head gets a new
    /// head with `epoch`. If the store is full (`crowded`), a scope that has no failures, lock or
    /// reservations is charged to the overflow counter.
    ///
    /// If the attempt is refused, the documents change in one case only: times that a node whose
    /// clock is ahead has written are corrected. Otherwise attempts would be refused until this
    /// node's clock reaches such a time.
    pub(crate) fn reserve(
        &self,
        draw: &Draw,
        lease: Duration,
        epoch: Epoch,
        crowded: bool,
        now: OffsetDateTime,
    ) -> (Self, Reserved) {
        let present = self.clamped(now);
        let mut head = present.head.clone().unwrap_or_else(|| Head::new(epoch));
        head.prune(now);
        let listed = self.scope.as_ref().filter(|scope| scope.epoch == head.epoch);
        let own = present.scope.as_ref().filter(|scope| scope.epoch == head.epoch);
        let own = own.filter(|scope| !scope.counter.is_idle(now));
        let shares = own.is_none() && (crowded || head.live_scopes() >= Head::MAX_SCOPES);
        let devices = present.devices.as_ref().zip(draw.caller.as_ref());
        let known = devices.map_or_else(Known::default, |(devices, caller)| devices.know(caller, now));
        let standing = if known.source || known.device { Standing::Known } else { draw.standing };
        let wide_budget = draw.wide_for(standing);

        let mut wide = wide_budget.map(|budget| head.wide.take().unwrap_or_else(|| Counter::new(budget)));
        let mut narrow = draw.narrow.map(|(_, budget)| {
            let counter = if shares { head.overflow.take() } else { own.map(|scope| scope.counter.clone()) };
            counter.unwrap_or_else(|| Counter::new(budget))
        });
        let wide_room =
            wide.as_mut().zip(wide_budget).map(|(wide, budget)| wide.available(budget, standing, now));
        let narrow_room = narrow
            .as_mut()
            .zip(draw.narrow)
            .map(|(narrow, (_, budget))| narrow.available(budget, Standing::Unknown, now));
        let room = [wide_room, narrow_room].into_iter().flatten().fold(Reserve::Reserved, worse);
        let answer = Reserved { room, wide_is_spent: wide_room == Some(Reserve::Spent), known };
        if room != Reserve::Reserved {
            return (present, answer);
        }

        let lease_until = after(now, lease.min(Self::LEASE));
        for counter in [&mut wide, &mut narrow].into_iter().flatten() {
            counter.reserve(draw.attempt, lease_until);
        }
        if wide.is_some() {
            head.wide = wide;
        }
        let mut scope = present.scope;
        if let (Some(counter), Some((_, budget))) = (narrow, draw.narrow) {
            if shares {
                head.overflow = Some(counter);
            } else {
                let next = Scope { epoch: head.epoch, counter };
                head.note(budget, Self::LEASE);
                head.replace(listed, Some(&next));
                scope = Some(next);
            }
        }
        (Self { head: Some(head), scope, devices: present.devices }, answer)
    }

    /// Settles the reservation of an attempt, whose outcome was at the time `at`. Returns the locks
    /// that the attempt causes. If the attempt has no open reservation, no counter changes.
    pub(crate) fn settle(
        &self,
        draw: &Draw,
        outcome: AttemptOutcome,
        at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> (Self, Locks) {
        let Self { head: Some(mut head), scope, devices } = self.clamped(now) else {
            return (self.clone(), Locks::default());
        };
        let own = |scope: &Option<Scope>| scope.clone().filter(|scope| scope.epoch == head.epoch);
        let (listed, mut next) = (own(&self.scope), own(&scope));
        let wide = head.wide.as_mut().and_then(|wide| wide.settle(draw.attempt, outcome, at));
        let in_own = next.as_mut().and_then(|own| own.counter.settle(draw.attempt, outcome, at));
        let in_overflow = head.overflow.as_mut().and_then(|shared| {
            // The overflow counter also counts failures of other scopes. A success in one scope
            // must not clear the failures of the others.
            let outcome =
                if outcome == AttemptOutcome::Succeeded { AttemptOutcome::Withdrawn } else { outcome };
            shared.settle(draw.attempt, outcome, at)
        });
        let settled = [wide, in_own, in_overflow];
        if settled.iter().all(Option::is_none) {
            return (self.clone(), Locks::default());
        }
        let mut scope = scope;
        if in_own.is_some() {
            next = next.filter(|own| !own.counter.is_idle(now));
            head.replace(listed.as_ref(), next.as_ref());
            scope = next;
        }
        let locks = Locks { wide: wide == Some(true), narrow: [in_own, in_overflow].contains(&Some(true)) };
        (Self { head: head.tidied(now), scope, devices }, locks)
    }

    /// Stores the device and the source of a sign-in as known.
    pub(crate) fn remember(
        &self,
        caller: &CallerDigests,
        remembered: &Remembered,
        now: OffsetDateTime,
    ) -> Self {
        let devices = Devices::after_sign_in(self.devices.as_ref(), caller, remembered, now);
        Self { devices: Some(devices), ..self.clone() }
    }

    /// Clears all counted failures and locks of the account. The new epoch clears the narrow
    /// scopes. Open reservations of the wide counter stay. Open reservations of narrow scopes and
    /// of the overflow counter become void, so their settlement changes nothing.
    pub(crate) fn clear(&self, epoch: Epoch, now: OffsetDateTime) -> Self {
        let mut next = self.clone();
        next.head = next.head.and_then(|mut head| {
            head.clear(epoch, now);
            head.tidied(now)
        });
        next
    }

    /// Returns the documents after the correction of times that a node whose clock is ahead has
    /// written.
    fn clamped(&self, now: OffsetDateTime) -> Self {
        let mut next = self.clone();
        let head = next.head.iter_mut().flat_map(|head| [&mut head.wide, &mut head.overflow]).flatten();
        let scope = next.scope.iter_mut().map(|scope| &mut scope.counter);
        for counter in head.chain(scope) {
            counter.clamp(Self::LEASE, now);
        }
        next
    }
}

/// Returns the worse of the results of two budgets. `Spent` is the worst result: if one budget is
/// spent, the caller must not wait for room in the other budget.
const fn worse(a: Reserve, b: Reserve) -> Reserve {
    match (a, b) {
        (Reserve::Spent, _) | (_, Reserve::Spent) => Reserve::Spent,
        (Reserve::Busy, _) | (_, Reserve::Busy) => Reserve::Busy,
        (Reserve::Reserved, Reserve::Reserved) => Reserve::Reserved,
    }
}
