use std::{
    fmt, io,
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread,
};

use event_listener::Event;
use uuid::Builder;

use super::{AuditEvent, AuditSink, Draft, Outcome, SignatureCheck};
use crate::{
    clock::Clock,
    error::{Error, StoreError},
    random::{RandomError, SecureRandom},
    token::Subject,
};

/// What became of the audit events of a process, for a host's metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditStats {
    /// Events that the sink kept.
    pub kept: u64,
    /// Events that wait in the queue now.
    pub waiting: u64,
    /// Events lost because the queue was full.
    pub dropped: u64,
    /// Events lost because the sink could not keep them. Where an admin user was involved and something was about to be
    /// issued, it was not. That the end of a PostgreSQL trail was cut off shows here, and in the error of what is recorded next.
    pub failed: u64,
}

/// Hands events to the sink: at once, or through a bounded queue that a thread of its own empties.
pub(crate) struct Trail {
    clock: Arc<dyn Clock>,
    random: Arc<dyn SecureRandom>,
    kept: Option<Kept>,
}

/// What there is if there is a sink.
struct Kept {
    sink: Arc<dyn AuditSink>,
    queue: SyncSender<AuditEvent>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    kept: AtomicU64,
    queued: AtomicU64,
    /// Of those that were queued.
    taken: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
    /// Told whenever the queue was emptied a little.
    emptied: Event,
}

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

    /// Keeps that something is about to happen. Unless it returns `Ok`, it must not.
    pub(crate) async fn begin(&self, draft: &Draft) -> Result<(), Error> {
        self.record(draft, Outcome::Begun).await
    }

    /// Keeps an event before it returns.
    pub(crate) async fn record(&self, draft: &Draft, outcome: Outcome) -> Result<(), Error> {
        let Some(kept) = &self.kept else { return Ok(()) };
        let event = self.finished(draft, outcome)?;
        let recorded = kept.sink.record(&event).await;
        kept.counts.count(recorded.is_ok());
        Ok(recorded?)
    }

    /// Hands an event to the queue, or counts it as dropped.
    pub(crate) fn note(&self, draft: &Draft, outcome: Outcome) {
        let Some(kept) = &self.kept else { return };
        let counts = &kept.counts;
        // Counted first: what was taken is never more than what was queued.
        counts.queued.fetch_add(1, Ordering::AcqRel);
        if !self.finished(draft, outcome).is_ok_and(|event| kept.queue.try_send(event).is_ok()) {
            counts.queued.fetch_sub(1, Ordering::AcqRel);
            counts.dropped.fetch_add(1, Ordering::AcqRel);
            counts.emptied.notify(usize::MAX);
        }
    }

    /// Takes what is personal of a subject out of the sink.
    pub(crate) async fn erase(&self, subject: &Subject) -> Result<(), Error> {
        let Some(kept) = &self.kept else { return Ok(()) };
        kept.sink.erase(subject).await?;
        Ok(())
    }

    /// Compares the newest signed records with the keys of the sink.
    pub(crate) async fn check_signatures(&self) -> Result<SignatureCheck, StoreError> {
        match &self.kept {
            Some(kept) => kept.sink.check_signatures().await,
            None => Ok(SignatureCheck::NothingSigned),
        }
    }

    /// Waits until what is queued now has left the queue.
    pub(crate) async fn flush(&self) {
        let Some(Kept { counts, .. }) = &self.kept else { return };
        let queued = counts.queued.load(Ordering::Acquire);
        loop {
            let emptied = counts.emptied.listen();
            // What turned out not to fit is no longer waited for.
            let queued = queued.min(counts.queued.load(Ordering::Acquire));
            if counts.taken.load(Ordering::Acquire) >= queued {
                return;
            }
            emptied.await;
        }
    }

    pub(crate) fn stats(&self) -> AuditStats {
        let Some(Kept { counts, .. }) = &self.kept else {
            return AuditStats { kept: 0, waiting: 0, dropped: 0, failed: 0 };
        };
        let taken = counts.taken.load(Ordering::Acquire);
        AuditStats {
            kept: counts.kept.load(Ordering::Acquire),
            waiting: counts.queued.load(Ordering::Acquire).saturating_sub(taken),
            dropped: counts.dropped.load(Ordering::Acquire),
            failed: counts.failed.load(Ordering::Acquire),
        }
    }

    /// Gives a draft its id, its time and its outcome.
    fn finished(&self, draft: &Draft, outcome: Outcome) -> Result<AuditEvent, RandomError> {
        let mut id = [0; 16];
        self.random.fill(&mut id)?;
        let id = Builder::from_random_bytes(id).into_uuid();
        // Every store keeps at least microseconds.
        let at = self.clock.now().truncate_to_microsecond();
        Ok(draft.clone().finish(id, at, outcome))
    }
}

impl Kept {
    fn start(sink: Arc<dyn AuditSink>, capacity: NonZero<usize>) -> io::Result<Self> {
        let (queue, events) = sync_channel::<AuditEvent>(capacity.get());
        let counts = Arc::<Counts>::default();
        let (thread_sink, thread_counts) = (Arc::clone(&sink), Arc::clone(&counts));
        // It ends with the last sender, once the queue is empty.
        thread::Builder::new().name("audit".into()).spawn(move || {
            for event in events {
                let record = || pollster::block_on(thread_sink.record(&event)).is_ok();
                thread_counts.count(catch_unwind(AssertUnwindSafe(record)).unwrap_or(false));
                thread_counts.taken.fetch_add(1, Ordering::AcqRel);
                thread_counts.emptied.notify(usize::MAX);
            }
        })?;
        Ok(Self { sink, queue, counts })
    }
}

impl Counts {
    fn count(&self, kept: bool) {
        let counter = if kept { &self.kept } else { &self.failed };
        counter.fetch_add(1, Ordering::AcqRel);
    }
}

impl fmt::Debug for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trail").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
