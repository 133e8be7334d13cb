use std::{
    error::Error,
    fmt,
    pin::Pin,
    sync::{Barrier, Mutex, PoisonError},
    thread,
};

use crate::error::StoreError;

/// A future of the suite.
pub type BoxFuture<'f> = Pin<Box<dyn Future<Output = ()> + Send + 'f>>;

/// What drives the suite's futures: anything that is called with one and returns once it is done.
pub(super) trait Runtime: Sync {
    /// Drives the future to its end on the calling thread.
    fn block_on(&self, future: BoxFuture<'_>);
}

impl<R: for<'f> Fn(BoxFuture<'f>) + Sync> Runtime for R {
    fn block_on(&self, future: BoxFuture<'_>) {
        self(future);
    }
}

/// What a store did wrong.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Failure {}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let source = error.source().map_or_else(|| "no source".to_owned(), ToString::to_string);
        Self(format!("{error}: {source}"))
    }
}

/// A store, and the means to call it from many threads at once.
pub(super) struct Arena<'a, S> {
    store: S,
    runtime: &'a dyn Runtime,
}

impl<'a, S: Sync> Arena<'a, S> {
    /// Threads that run at once. More callers share them.
    const THREADS: usize = 128;

    pub(super) fn new(store: S, runtime: &'a dyn Runtime) -> Self {
        Self { store, runtime }
    }

    /// The store under test.
    pub(super) const fn store(&self) -> &S {
        &self.store
    }

    /// Drives one future.
    pub(super) fn run<T: Send>(&self, future: impl Future<Output = T> + Send) -> Result<T, Failure> {
        drive(self.runtime, future)
    }

    /// Calls `attempt` so many times, on as many threads as there are callers (128 at most), which start at a
    /// barrier.
    pub(super) fn race<T: Send, F: Future<Output = T> + Send>(
        &self,
        callers: usize,
        attempt: impl Fn(usize) -> F + Sync,
    ) -> Result<Vec<T>, Failure> {
        let threads = callers.min(Self::THREADS);
        let barrier = Barrier::new(threads);
        let results = Mutex::new(Vec::with_capacity(callers));
        thread::scope(|scope| {
            for first in 0..threads {
                let (attempt, barrier, results) = (&attempt, &barrier, &results);
                scope.spawn(move || {
                    barrier.wait();
                    for caller in (first..callers).step_by(threads) {
                        let result = self.run(attempt(caller));
                        results.lock().unwrap_or_else(PoisonError::into_inner).push(result);
                    }
                });
            }
        });
        results.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect()
    }
}

impl<S> fmt::Debug for Arena<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Arena(..)")
    }
}

pub(super) fn drive<R: Runtime + ?Sized, T: Send>(
    runtime: &R,
    future: impl Future<Output = T> + Send,
) -> Result<T, Failure> {
    let mut result = None;
    runtime.block_on(Box::pin(async { result = Some(future.await) }));
    result.ok_or_else(|| Failure::new("the runtime did not drive the future to its end"))
}
