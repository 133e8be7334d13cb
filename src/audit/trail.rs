use std::{
    fmt, io,
    num::NonZero,
    panic::AssertUnwindSafe,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use event_listener::Event;
use futures_util::{FutureExt, future::join_all};

use super::{
    AuditEvent, AuditSink, Draft, EventId, Outcome, SignatureCheck,
    backlog::{Backlog, Waiting},
};
use crate::{
    clock::Clock,
    error::{Error, StoreError},
    random::{RandomError, SecureRandom},
    token::Subject,
};

/// Counts of the audit events of one `Auth` in this process, for your metrics. Each counted event
/// counts in one field. If an operation passes an event to the sink directly, then the event is
/// counted when the sink has returned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditStats {
    /// Number of events that the sink has stored.
    pub kept: u64,
    /// Number of events that are not stored yet. They wait in the queue or in a sum, or the sink is
    /// storing them now.
    pub waiting: u64,
    /// Number of events that the sink has stored only as a part of a sum
    /// ([`AuditEvent::summed_up`]): one event that stands for several. An event that anybody can
    /// cause, such as a refused sign-in, is summed up if half of the queue is full of such events.
    /// No other events are summed up. If this count rises, then there is a flood, or the sink is
    /// too slow.
    pub summed_up: u64,
    /// Number of events that were lost because the queue was full, or because the random source
    /// failed to supply the id of a queued event. An event that anybody can cause, such as a
    /// refused sign-in, is not lost if the queue is full, because it is summed up.
    pub dropped: u64,
    /// Number of events that were lost because the sink could not store them or their sum. If a
    /// lost event had to be recorded before an act, then the act was refused. This count also rises
    /// if the newest records of a PostgreSQL trail were removed, because the sink then refuses the
    /// next event. The cause of this error names the removed records.
    pub failed: u64,
}

/// Passes events to the sink: directly, or through a bounded queue that a separate thread empties.
pub(crate) struct Trail {
    clock: Arc<dyn Clock>,
    random: Arc<dyn SecureRandom>,
    kept: Option<Kept>,
}

/// The sink, and its queue and thread.
struct Kept {
    sink: Arc<dyn AuditSink>,
    shared: Arc<Shared>,
}

/// The state that the flows share with the thread.
struct Shared {
    state: Mutex<State>,
    /// Notified when there is an event to record, or when no more events will come.
    work: Condvar,
    /// Notified when the thread has recorded a group of events.
    recorded: Event,
}

struct State {
    backlog: Backlog,
    stats: AuditStats,
    is_closed: bool,
}

/// The error of a sink that panicked.
#[derive(Debug, thiserror::Error)]
#[error("the audit sink panicked")]
struct Panicked;

impl Trail {
    pub(crate) fn start(
        sink: Option<Arc<dyn AuditSink>>,
        capacity: NonZero<usize>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn SecureRandom>,
    ) -> io::Result<Self> {
        let kept = sink.map(|sink| Kept::start(sink, capacity)).transpose()?;
        Ok(Self { clock, random, kept })
    }

    /// Records that an action is about to be done. If this method returns an error, then the caller
    /// must not do the action.
    pub(crate) async fn begin(&self, draft: &Draft) -> Result<(), Error> {
        self.record(draft, Outcome::Begun).await
    }

    /// Records an event, and returns when the sink has stored it.
    pub(crate) async fn record(&self, draft: &Draft, outcome: Outcome) -> Result<(), Error> {
        let Some(Kept { sink, shared }) = &self.kept else { return Ok(()) };
        let event = self.finished(draft, outcome)?;
        let recorded = record(&**sink, &event).await;
        shared.state().stats.count(&event, recorded.is_ok());
        Ok(recorded?)
    }

    /// Adds an event to the queue. If the queue has no room for the event, then an event that
    /// anybody can cause is summed up. All other events are counted as dropped.
    pub(crate) fn note(&self, draft: &Draft, outcome: Outcome) {
        let Some(Kept { shared, .. }) = &self.kept else { return };
        let event = self.finished(draft, outcome);
        let mut state = shared.state();
        if event.is_ok_and(|event| state.backlog.push(event, draft.delivery(outcome))) {
            state.stats.waiting += 1;
            shared.work.notify_one();
        } else {
            state.stats.dropped += 1;
        }
    }

    /// Erases the personal data of a subject in the sink.
    pub(crate) async fn erase(&self, subject: &Subject) -> Result<(), Error> {
        let Some(kept) = &self.kept else { return Ok(()) };
        kept.sink.erase(subject).await?;
        Ok(())
    }

    /// Checks if a key of the sink's keyring verifies one of the newest signed records.
    pub(crate) async fn check_signatures(&self) -> Result<SignatureCheck, StoreError> {
        match &self.kept {
            Some(kept) => kept.sink.check_signatures().await,
            None => Ok(SignatureCheck::NothingSigned),
        }
    }

    /// Waits until all events and sums that are in the queue at the time of the call were passed to
    /// the sink.
    pub(crate) async fn flush(&self) {
        let Some(Kept { shared, .. }) = &self.kept else { return };
        let entered = {
            let State { backlog, .. } = &mut *shared.state();
            backlog.queue_sums();
            backlog.entered()
        };
        loop {
            let recorded = shared.recorded.listen();
            if shared.state().backlog.left() >= entered {
                return;
            }
            recorded.await;
        }
    }

    pub(crate) fn stats(&self) -> AuditStats {
        self.kept.as_ref().map(|kept| kept.shared.state().stats).unwrap_or_default()
    }

    /// Makes the finished event from a draft: adds the id, the time and the outcome.
    fn finished(&self, draft: &Draft, outcome: Outcome) -> Result<AuditEvent, RandomError> {
        let id = EventId::draw(self.random.as_ref())?;
        // Every sink can store a time with microseconds.
        let at = self.clock.now().truncate_to_microsecond();
        Ok(draft.clone().finish(id, at, outcome))
    }
}

impl Kept {
    fn start(sink: Arc<dyn AuditSink>, capacity: NonZero<usize>) -> io::Result<Self> {
        let state = State { backlog: Backlog::new(capacity), stats: AuditStats::default(), is_closed: false };
        let shared =
            Arc::new(Shared { state: Mutex::new(state), work: Condvar::new(), recorded: Event::new() });
        let (thread_sink, thread_shared) = (Arc::clone(&sink), Arc::clone(&shared));
        thread::Builder::new().name("audit".into()).spawn(move || serve(&*thread_sink, &thread_shared))?;
        Ok(Self { sink, shared })
    }
}

/// Lets the thread end. The thread first records the events that are still in the backlog.
impl Drop for Kept {
    fn drop(&mut self) {
        self.shared.state().is_closed = true;
        self.shared.work.notify_one();
    }
}

/// Records waiting events in groups of up to 256, until the trail is dropped and no event waits.
/// The events of a group reach the sink in their order. The sink gets all events of a group at
/// once, so that it can write them in one transaction.
fn serve(sink: &dyn AuditSink, shared: &Shared) {
    loop {
        let group = shared.take();
        if group.is_empty() {
            return;
        }
        let recorded = group.iter().map(|Waiting { event, .. }| record(sink, event));
        let recorded = pollster::block_on(join_all(recorded));
        let mut state = shared.state();
        for (Waiting { event, .. }, recorded) in group.iter().zip(recorded) {
            state.stats.waiting -= event.stands_for();
            state.stats.count(event, recorded.is_ok());
        }
        state.backlog.release(&group);
        drop(state);
        shared.recorded.notify(usize::MAX);
    }
}

/// Records an event. A panic of the sink becomes an error.
async fn record(sink: &dyn AuditSink, event: &AuditEvent) -> Result<(), StoreError> {
    let recorded = AssertUnwindSafe(async { sink.record(event).await }).catch_unwind().await;
    recorded.unwrap_or_else(|_| Err(StoreError::new(Panicked)))
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for events, and takes up to 256 of them out of the queue. Returns no events if the
    /// queue is empty and no more events will come.
    fn take(&self) -> Vec<Waiting> {
        let is_idle = |state: &mut State| state.backlog.is_empty() && !state.is_closed;
        let state = self.work.wait_while(self.state(), is_idle);
        state.unwrap_or_else(PoisonError::into_inner).backlog.take()
    }
}

impl AuditStats {
    fn count(&mut self, event: &AuditEvent, is_kept: bool) {
        let counter = match (is_kept, event.summed_up) {
            (true, None) => &mut self.kept,
            (true, Some(_)) => &mut self.summed_up,
            (false, _) => &mut self.failed,
        };
        *counter += event.stands_for();
    }
}

impl fmt::Debug for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trail").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
