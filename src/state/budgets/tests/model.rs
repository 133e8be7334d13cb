//! A simple model of one budget for the tests. Its times are in seconds.

use std::collections::BTreeMap;

/// The size of a budget: the allowed failures, the window, and the duration of the lock. A lock
/// without a duration lasts until it is cleared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Size {
    pub(crate) failures: u32,
    pub(crate) window: i64,
    pub(crate) lock: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Room {
    Free,
    Busy,
    Spent,
}

#[derive(Clone, Default, PartialEq, Debug)]
pub(crate) struct Counter {
    pub(crate) failures: u32,
    window_ends: i64,
    /// The end of the lock. A lock without an end lasts until it is cleared.
    locked: Option<Option<i64>>,
    /// The ends of the leases of unsettled attempts.
    pub(crate) reserved: BTreeMap<u8, i64>,
}

impl Counter {
    fn is_locked(&self, now: i64) -> bool {
        self.locked.is_some_and(|until| until.is_none_or(|until| now < until))
    }

    /// Lets time pass until the given time. A lease that has ended counts as a failure at its end.
    /// Locks and windows that have expired end.
    pub(crate) fn pass(&mut self, size: Size, now: i64) {
        let mut lapsed: Vec<_> = self.reserved.values().copied().filter(|lease| now >= *lease).collect();
        self.reserved.retain(|_, lease| now < *lease);
        lapsed.sort_unstable();
        lapsed.into_iter().for_each(|lease| {
            self.fail(size, lease);
        });
        self.reopen(now);
    }

    fn reopen(&mut self, now: i64) {
        let lock_is_over = self.locked.is_some() && !self.is_locked(now);
        if lock_is_over || (self.locked.is_none() && now >= self.window_ends) {
            (self.failures, self.locked) = (0, None);
        }
    }

    /// Counts a failure. Returns true if this failure causes a lock.
    pub(crate) fn fail(&mut self, size: Size, now: i64) -> bool {
        self.reopen(now);
        if self.failures == 0 {
            self.window_ends = now + size.window;
        }
        self.failures += 1;
        let locks = self.failures >= size.failures;
        if locks {
            self.locked = Some(size.lock.map(|span| now + span));
        }
        locks
    }

    pub(crate) fn room(&self, size: Size, now: i64) -> Room {
        let charged = self.failures + u32::try_from(self.reserved.len()).unwrap();
        if self.is_locked(now) {
            Room::Spent
        } else if charged >= size.failures {
            Room::Busy
        } else {
            Room::Free
        }
    }

    /// Open reservations stay.
    pub(crate) fn clear(&mut self) {
        (self.failures, self.locked) = (0, None);
    }

    pub(crate) fn counts(&self) -> bool {
        self.failures > 0 || self.locked.is_some() || !self.reserved.is_empty()
    }
}
