use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    Budget,
    counter::{Counter, TOLERANCE},
};
use crate::{clock::after, state::format::Stored};

/// The epoch of an account's narrow scopes: 64 random bits. A document of a scope counts only if it
/// has the same epoch as the account's head. So a new epoch in the head clears every scope of the
/// account at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Epoch(pub(crate) u64);

/// The head, the main document of an account's budgets. It holds the wide counter, which counts
/// over all sources, and the epoch of the narrow scopes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    pub(super) epoch: Epoch,
    /// The counter of the account over all sources.
    #[serde(deserialize_with = "Option::deserialize")]
    pub(super) wide: Option<Counter>,
    /// The counter that scopes share if they have no document with a counter. This is the case if
    /// [`MAX_SCOPES`](Self::MAX_SCOPES) other scopes already have one, or if the store is full.
    #[serde(deserialize_with = "Option::deserialize")]
    pub(super) overflow: Option<Counter>,
    /// The end of each live narrow scope. The head must be kept longer than the scope that ends
    /// last. Otherwise the epoch would be lost, and the lock of that scope would no longer count.
    scopes: Vec<ScopeEnd>,
    /// The longest time for which a narrow scope can count under this epoch, in seconds.
    longest: u64,
}

/// The time from which a scope has no failures and no lock, in seconds since 1970, rounded up. None
/// if the scope is locked until the account is unlocked.
type ScopeEnd = Option<i64>;

impl Stored for Head {
    const FORMAT: u32 = 1;
}

/// The document of a narrow scope at an account. For example, the scope is one source that tries to
/// sign in to the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scope {
    /// The epoch that the head had when this document was written. If the head has a different
    /// epoch now, this document counts as empty.
    pub(super) epoch: Epoch,
    pub(super) counter: Counter,
}

impl Stored for Scope {
    const FORMAT: u32 = 1;
}

impl Scope {
    /// Returns the end of the scope for the list in the head. The end includes the tolerance for
    /// the clocks of nodes, so that every node keeps the head longer than the scope.
    fn end(&self) -> ScopeEnd {
        let keep_until = after(self.counter.keep_until()?, TOLERANCE);
        Some(keep_until.unix_timestamp().saturating_add(1))
    }
}

impl Head {
    /// Maximum number of scopes that have a document with a counter. Further scopes share the
    /// overflow counter.
    pub(super) const MAX_SCOPES: usize = 128;

    pub(super) const fn new(epoch: Epoch) -> Self {
        Self { epoch, wide: None, overflow: None, scopes: Vec::new(), longest: 0 }
    }

    pub(super) const fn live_scopes(&self) -> usize {
        self.scopes.len()
    }

    /// Replaces the end of a scope in the list of ends.
    pub(super) fn replace(&mut self, before: Option<&Scope>, next: Option<&Scope>) {
        if let Some(before) = before.map(Scope::end)
            && let Some(place) = self.scopes.iter().position(|end| *end == before)
        {
            self.scopes.swap_remove(place);
        }
        self.scopes.extend(next.map(Scope::end));
    }

    /// Updates the longest time for which a scope can count, after a reservation in a scope with
    /// this budget. `lease` is the duration of a reservation.
    pub(super) fn note(&mut self, budget: Budget, lease: Duration) {
        let lock = budget.longest_lock().unwrap_or_default();
        let life = budget.window.max(lock).saturating_add(lease).saturating_add(TOLERANCE);
        self.longest = self.longest.max(life.as_secs().saturating_add(1));
    }

    /// Removes the ends of scopes that have ended. Corrects ends that a node whose clock is ahead
    /// has written.
    pub(super) fn prune(&mut self, now: OffsetDateTime) {
        let now = now.unix_timestamp();
        let latest = now.saturating_add_unsigned(self.longest);
        let tolerance = i64::try_from(TOLERANCE.as_secs()).unwrap_or(i64::MAX);
        self.scopes.retain_mut(|end| {
            if let Some(end) = end
                && *end > latest.saturating_add(tolerance)
            {
                *end = latest;
            }
            end.is_none_or(|end| now < end)
        });
    }

    /// Clears all counted failures and locks. Open reservations of the wide counter stay.
    pub(super) fn clear(&mut self, epoch: Epoch, now: OffsetDateTime) {
        let mut wide = self.wide.take();
        if let Some(wide) = &mut wide {
            wide.clear(now);
        }
        *self = Self { wide, ..Self::new(epoch) };
    }

    /// Returns the head without idle counters. None if no counter and no scope is left, so that the
    /// head need not be stored.
    pub(super) fn tidied(mut self, now: OffsetDateTime) -> Option<Self> {
        self.prune(now);
        let counts = |counter: &mut Counter| !counter.is_idle(now);
        self.wide = self.wide.take_if(counts);
        self.overflow = self.overflow.take_if(counts);
        let counts = self.wide.is_some() || self.overflow.is_some() || !self.scopes.is_empty();
        counts.then_some(self)
    }

    /// Returns the time from which the counters of the head and all narrow scopes are idle. None if
    /// a lock can last until the account is unlocked.
    pub(super) fn keep_until(&self) -> Option<OffsetDateTime> {
        let counters = [&self.wide, &self.overflow].into_iter().flatten().map(Counter::keep_until);
        let scopes = self.scopes.iter().map(|end| {
            end.map(|end| OffsetDateTime::from_unix_timestamp(end).unwrap_or(OffsetDateTime::UNIX_EPOCH))
        });
        let mut ends = counters.chain(scopes);
        ends.try_fold(OffsetDateTime::UNIX_EPOCH, |latest, end| Some(latest.max(end?)))
    }
}
