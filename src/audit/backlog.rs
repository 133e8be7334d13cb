//! The bounded queue of events that wait for the sink, and the sums of the events for which the
//! queue had no room. A sum is one event that stands for several.

use std::{collections::VecDeque, mem, num::NonZero};

use super::{AuditEvent, Delivery};
use crate::token::network;

/// The events that wait for the sink or are being recorded by it.
///
/// Events that anybody can cause, such as refused sign-ins, take at most half of the capacity. If
/// the capacity is one, they may take all of it. If there is no room for such an event, then it is
/// summed up. Events that not everybody can cause may take the whole capacity, and are refused if
/// it is full.
pub(super) struct Backlog {
    capacity: usize,
    queue: VecDeque<Waiting>,
    /// Number of events that are in the queue or being recorded. Sums are not counted, because they
    /// take none of the capacity.
    held: usize,
    /// Number of events in `held` that anybody can cause.
    held_anonymous: usize,
    sums: Vec<AuditEvent>,
    /// Number of sums in the queue or being recorded.
    queued_sums: usize,
    entered: u64,
    left: u64,
}

/// An event in the queue.
pub(super) struct Waiting {
    pub(super) event: AuditEvent,
    is_anonymous: bool,
}

impl Backlog {
    /// Maximum number of events that are taken at once. The SQL sinks write up to this number in
    /// one transaction.
    const GROUP: usize = 256;
    /// Maximum number of sums that name a source. Once there are so many, events of further sources
    /// share one sum for each action and outcome.
    const SUMS: usize = 64;

    pub(super) fn new(capacity: NonZero<usize>) -> Self {
        Self {
            capacity: capacity.get(),
            queue: VecDeque::new(),
            held: 0,
            held_anonymous: 0,
            sums: Vec::new(),
            queued_sums: 0,
            entered: 0,
            left: 0,
        }
    }

    /// Adds an event to the queue, or to a sum. Returns false if the event was refused, because the
    /// queue is full and the event cannot be summed up.
    pub(super) fn push(&mut self, event: AuditEvent, delivery: Delivery) -> bool {
        let is_anonymous = delivery == Delivery::Anonymous;
        let share = (self.capacity / 2).max(1);
        if self.held < self.capacity && !(is_anonymous && self.held_anonymous >= share) {
            self.held += 1;
            self.held_anonymous += usize::from(is_anonymous);
            self.enter(event, is_anonymous);
            return true;
        }
        if is_anonymous {
            self.sum_up(event);
        }
        is_anonymous
    }

    /// Takes the next events out of the queue. They still count towards the capacity until
    /// [`release`](Self::release).
    ///
    /// If earlier sums are still in the queue or being recorded, then this call adds no new sums to
    /// the queue. A long flood therefore makes few sums.
    pub(super) fn take(&mut self) -> Vec<Waiting> {
        if self.queued_sums == 0 {
            self.queue_sums();
        }
        let group = self.queue.len().min(Self::GROUP);
        self.queue.drain(..group).collect()
    }

    /// Frees the capacity of events that were taken and are now recorded.
    pub(super) fn release(&mut self, group: &[Waiting]) {
        for Waiting { event, is_anonymous } in group {
            let is_sum = event.summed_up.is_some();
            self.queued_sums -= usize::from(is_sum);
            self.held -= usize::from(!is_sum);
            self.held_anonymous -= usize::from(*is_anonymous);
            self.left += 1;
        }
    }

    /// Puts the sums at the end of the queue.
    pub(super) fn queue_sums(&mut self) {
        for sum in mem::take(&mut self.sums) {
            self.queued_sums += 1;
            self.enter(sum, false);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.sums.is_empty()
    }

    /// Returns the number of events that have ever entered the queue, including sums.
    pub(super) const fn entered(&self) -> u64 {
        self.entered
    }

    /// Returns the number of events that have entered the queue and were released.
    pub(super) const fn left(&self) -> u64 {
        self.left
    }

    fn enter(&mut self, event: AuditEvent, is_anonymous: bool) {
        self.entered += 1;
        self.queue.push_back(Waiting { event, is_anonymous });
    }

    fn sum_up(&mut self, event: AuditEvent) {
        let mut sum = event.into_sum();
        sum.origin.source = sum.origin.source.map(network);
        if sum.origin.source.is_some() && self.add(&sum) {
            return;
        }
        let named = self.sums.iter().filter(|sum| sum.origin.source.is_some()).count();
        if named >= Self::SUMS {
            sum.origin.source = None;
        }
        if sum.origin.source.is_some() || !self.add(&sum) {
            self.sums.push(sum);
        }
    }

    /// Adds an event to the sum with the same source, action and outcome. Returns false if there is
    /// no such sum.
    fn add(&mut self, other: &AuditEvent) -> bool {
        let key = |sum: &AuditEvent| (sum.origin.source, sum.action, sum.outcome);
        let Some(sum) = self.sums.iter_mut().find(|sum| key(sum) == key(other)) else { return false };
        sum.summed_up = Some(sum.stands_for() + other.stands_for());
        true
    }
}
