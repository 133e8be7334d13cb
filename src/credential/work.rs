use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Tells whether the costly work of an attempt has started, even after its caller went away.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work(Arc<AtomicBool>);

impl Work {
    /// Marks the work as started: from here on, a caller who goes away has guessed.
    pub(crate) fn start(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn has_started(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
