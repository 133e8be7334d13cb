use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::queue::Line;

/// The password hash of an attempt: the line of the queue in which the hash waits, and a flag that
/// the hash has started. The flag is set when the hash starts, even if the caller no longer waits
/// for the result.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    line: Line,
    started: Arc<AtomicBool>,
}

impl Work {
    pub(crate) fn of(line: Line) -> Self {
        Self { line, started: Arc::default() }
    }

    pub(crate) const fn line(&self) -> Line {
        self.line
    }

    /// Marks the hash as started. If the caller stops waiting after the start, the attempt counts
    /// as failed, because it may have been a guess.
    pub(crate) fn start(&self) {
        self.started.store(true, Ordering::Release);
    }

    pub(crate) fn has_started(&self) -> bool {
        self.started.load(Ordering::Acquire)
    }
}
