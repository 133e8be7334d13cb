use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::queue::Line;

/// The costly work of an attempt: the line in which it waits, and whether it has started. The start
/// is recorded even if the caller has gone away.
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

    /// Marks the work as started. If the caller goes away later, then the attempt counts as a
    /// guess.
    pub(crate) fn start(&self) {
        self.started.store(true, Ordering::Release);
    }

    pub(crate) fn has_started(&self) -> bool {
        self.started.load(Ordering::Acquire)
    }
}
