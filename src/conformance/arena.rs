use std::{
    error::Error,
    fmt,
    pin::Pin,
    sync::{
        Barrier, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::error::StoreError;

/// A future that the suite runs on the backend's runtime.
pub type BoxFuture<'f> = Pin<Box<dyn Future<Output = ()> + Send + 'f>>;

/// A runner of the suite's futures. The trait is implemented for functions that take a future and
/// return when the future has completed.
pub(super) trait Runtime: Sync {
    /// Runs the future on the calling thread until it has completed.
    fn block_on(&self, future: BoxFuture<'_>);
}

impl<R: for<'f> Fn(BoxFuture<'f>) + Sync> Runtime for R {
    fn block_on(&self, future: BoxFuture<'_>) {
        self(future);
    }
}

/// The error of a failed case: the store under test broke a rule.
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

/// A store, and the runtime that calls it from many threads at once.
pub(super) struct Arena<'a, S> {
    store: S,
    runtime: &'a dyn Runtime,
}

impl<'a, S: Sync> Arena<'a, S> {
    /// Maximum number of threads. If a race has more callers, then several callers share a thread.
    const THREADS: usize = 128;

    pub(super) fn new(store: S, runtime: &'a dyn Runtime) -> Self {
        Self { store, runtime }
    }

    /// The store under test.
    pub(super) const fn store(&self) -> &S {
        &self.store
    }

    /// Runs one future on the backend's runtime.
    pub(super) fn run<T: Send>(&self, future: impl Future<Output = T> + Send) -> Result<T, Failure> {
        drive(self.runtime, future)
    }

    /// Calls `attempt` once for each of `callers` callers. If there are at most 128 callers, then
    /// each caller has its own thread. The threads wait for each other at a barrier, and then start
    /// at once.
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

impl<S: Sync> Arena<'_, S> {
    /// Maximum number of rounds of a race. A slow backend completes fewer rounds within
    /// [`LONGEST`](Self::LONGEST).
    pub(super) const ROUNDS: u64 = 2_000;
    /// Time after which no further round of a race begins.
    pub(super) const LONGEST: Duration = Duration::from_secs(2);

    /// Runs `attempt(caller, round)` with several callers at once, round after round. Before each
    /// round, one caller runs `prepare(round)` while the other callers wait. `prepare` can also
    /// check the results of the previous round, so it runs once more after the last round.
    pub(super) fn rounds<A, P>(
        &self,
        callers: usize,
        prepare: impl Fn(u64) -> P + Sync,
        attempt: impl Fn(usize, u64) -> A + Sync,
    ) -> Result<(), Failure>
    where
        A: Future<Output = Result<(), Failure>> + Send,
        P: Future<Output = Result<(), Failure>> + Send,
    {
        let (barrier, began) = (Barrier::new(callers), Instant::now());
        let (stops, failure) = (AtomicBool::new(false), Mutex::new(None));
        let failed = |result: Result<(), Failure>| {
            let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
            *failure = failure.take().or(result.err());
            failure.is_some()
        };
        self.race(callers, |caller| {
            let (barrier, stops, prepare, attempt, failed) = (&barrier, &stops, &prepare, &attempt, &failed);
            async move {
                for round in 0..=Self::ROUNDS {
                    // A caller that fails still goes to the barrier of the next round, because the
                    // other callers would otherwise wait for it forever. After this barrier, all
                    // callers stop.
                    if barrier.wait().is_leader() {
                        let judged = failed(prepare(round).await);
                        let is_last = round == Self::ROUNDS || began.elapsed() >= Self::LONGEST;
                        stops.store(judged || is_last, Ordering::SeqCst);
                    }
                    barrier.wait();
                    if stops.load(Ordering::SeqCst) {
                        break;
                    }
                    failed(attempt(caller, round).await);
                }
            }
        })?;
        failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }
}

/// The results of one round. The next round clears them.
pub(super) struct Results<T>(Mutex<Vec<T>>);

impl<T> Results<T> {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    pub(super) fn push(&self, result: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(result);
    }

    pub(super) fn take(&self) -> Vec<T> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
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
    result.ok_or_else(|| Failure::new("the runtime returned before the future had completed"))
}
