use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use time::OffsetDateTime;

use crate::{
    account::CustomerId,
    store::{AssistanceEnd, AssistanceEntry},
    token::Digest,
};

/// The ledger, the oldest entry first.
#[derive(Default)]
pub(super) struct Ledger(Mutex<VecDeque<AssistanceEntry>>);

impl Ledger {
    /// Beyond so many entries the oldest that have ended go.
    const ENTRIES: usize = 10_000;

    pub(super) fn begin(&self, entry: &AssistanceEntry) {
        let mut entries = self.lock();
        if entries.iter().any(|other| other.grant == entry.grant) {
            return;
        }
        // Entries seldom come out of their order, and then by little.
        let place =
            entries.iter().rposition(|other| other.began_at <= entry.began_at).map_or(0, |last| last + 1);
        entries.insert(place, entry.clone());
        if entries.len() > Self::ENTRIES
            && let Some(oldest) = entries.iter().position(|entry| entry.ended_at.is_some())
        {
            entries.remove(oldest);
        }
    }

    pub(super) fn end(
        &self,
        grant: &Digest,
        end: AssistanceEnd,
        at: OffsetDateTime,
    ) -> Option<AssistanceEntry> {
        let mut entries = self.lock();
        let entry = entries.iter_mut().find(|entry| entry.grant == *grant && entry.ended_at.is_none())?;
        entry.ended_at = Some(at);
        entry.end = Some(end);
        Some(entry.clone())
    }

    pub(super) fn find(&self, grant: &Digest) -> Option<AssistanceEntry> {
        self.lock().iter().rev().find(|entry| entry.grant == *grant).cloned()
    }

    pub(super) fn open(&self, limit: usize) -> Vec<AssistanceEntry> {
        self.lock().iter().filter(|entry| entry.ended_at.is_none()).take(limit).cloned().collect()
    }

    pub(super) fn of(&self, customer: &CustomerId, limit: usize) -> Vec<AssistanceEntry> {
        self.lock().iter().rev().filter(|entry| entry.customer == *customer).take(limit).cloned().collect()
    }

    pub(super) fn erase(&self, customer: &CustomerId) -> usize {
        self.remove(usize::MAX, |entry| entry.customer == *customer && entry.ended_at.is_some())
    }

    pub(super) fn purge(&self, until: OffsetDateTime, limit: usize) -> usize {
        self.remove(limit, |entry| entry.ended_at.is_some_and(|ended_at| ended_at <= until))
    }

    fn remove(&self, limit: usize, goes: impl Fn(&AssistanceEntry) -> bool) -> usize {
        let mut removed = 0;
        self.lock().retain(|entry| {
            let goes = removed < limit && goes(entry);
            removed += usize::from(goes);
            !goes
        });
        removed
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<AssistanceEntry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ledger(..)")
    }
}
