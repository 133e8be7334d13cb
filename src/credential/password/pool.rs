use std::{
    fmt, io,
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    thread,
    time::{Duration, Instant},
};

use futures_channel::oneshot;
use zeroize::Zeroizing;

use super::{
    Argon2Params,
    argon2id::{StoredHash, hash},
    memory::Memory,
    normalised,
    queue::{Full, Lane, Line, Queue, Ticket},
    work::Work,
};
use crate::{
    account::PasswordHash,
    credential::Credential,
    error::{Error, InternalError},
    random::{RandomError, SecureRandom},
};

/// The state of the hashing pool, for a host's metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HashingStats {
    /// Number of threads. Each thread computes one hash at a time, in one memory block.
    pub threads: usize,
    /// Number of hashes that are running now.
    pub running: usize,
    /// Number of hashes that wait for a thread now.
    pub waiting: usize,
    /// Number of hashes that have begun since the pool was started.
    pub begun: u64,
    /// Number of hashes that were refused since the pool was started. A hash is refused for one of
    /// three reasons:
    ///
    /// - The queue is full, and the hash can displace no other hash.
    /// - The source of the hash already fills a quarter of the queue.
    /// - A hash of another source displaces it from the queue.
    ///
    /// [`Hashing::queue`](crate::config::Hashing::queue) has the rules.
    pub refused: u64,
    /// Estimated waiting time of a new hash, from the length of the queue and the latest hashes.
    pub wait: Duration,
    /// True if the crate `argon2-rust` computes the hashes. False without the Cargo feature
    /// `fast-argon2`, and if the results of `argon2-rust` on this machine are wrong. The crate
    /// `argon2` then computes the hashes.
    pub is_fast: bool,
}

/// A pool of separate threads that compute and verify password hashes, so that a hash does not
/// block a thread of the async runtime.
///
/// Each thread keeps its memory block between hashes. The [queue](Queue) of waiting hashes is
/// bounded and fair to sources. If the queue has no room for a hash, or its source already fills a
/// quarter of the queue, the caller gets an error at once. If a caller stops waiting, its hash is
/// removed from the queue.
pub(crate) struct HashingPool {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Mutex<Queue<Job>>,
    ready: Condvar,
    /// True once the pool is dropped.
    closed: AtomicBool,
    threads: usize,
    current: Argon2Params,
    /// A decoy hash, which no password matches. If an account has no hash or an unreadable one, the
    /// decoy hash is verified instead, so that the refusal takes as long as usual.
    decoy: StoredHash,
    running: AtomicUsize,
    begun: AtomicU64,
    refused: AtomicU64,
    /// The mean duration of the latest hashes, in nanoseconds.
    mean: AtomicU64,
}

struct Job {
    task: Task,
    work: Work,
    answer: oneshot::Sender<Answer>,
}

enum Task {
    Verify { password: Zeroizing<Vec<u8>>, stored: Option<StoredHash> },
    Hash { password: Zeroizing<Vec<u8>>, salt: [u8; 16] },
}

enum Answer {
    Verified(Verified),
    Hashed(Option<PasswordHash>),
    /// A hash of another source displaced this hash from the queue.
    Displaced,
}

/// The result of a password check.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verified {
    /// The password is right, and its hash has the current cost.
    Current,
    /// The password is right, but the stored hash has another cost and should be replaced.
    Outdated,
    /// The password is wrong.
    Wrong,
}

impl Verified {
    /// Returns `None` if the password is wrong. If the password is right, returns true if its
    /// stored hash should be replaced by one of the current cost.
    pub(crate) const fn outdated(self) -> Option<bool> {
        match self {
            Self::Current => Some(false),
            Self::Outdated => Some(true),
            Self::Wrong => None,
        }
    }
}

impl HashingPool {
    pub(crate) fn start(
        current: Argon2Params,
        threads: NonZero<usize>,
        capacity: usize,
        random: &dyn SecureRandom,
    ) -> Result<Self, StartError> {
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue::new(capacity)),
            ready: Condvar::new(),
            closed: AtomicBool::new(false),
            threads: threads.get(),
            current,
            decoy: decoy(&current, random)?,
            running: AtomicUsize::new(0),
            begun: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            mean: AtomicU64::new(0),
        });
        // The pool is created before the threads. If a thread cannot be started, the pool is
        // dropped, which ends the other threads.
        let pool = Self { shared: Arc::clone(&shared) };
        for _ in 0..threads.get() {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name("password-hash".into()).spawn(move || shared.work())?;
        }
        Ok(pool)
    }

    /// Verifies a password against a stored hash.
    ///
    /// Each refusal takes at least as much work as one hash at the current cost. So the duration of
    /// a refusal does not reveal if the account has a hash. It reveals the cost of a hash only if
    /// this cost is higher than the current cost. If the stored hash is missing or unreadable, the
    /// decoy hash is verified instead. If the stored hash has a lower cost, a second hash is
    /// computed, so that both together have the current cost.
    ///
    /// `work` is marked as started when a thread begins the hash.
    pub(crate) async fn verify(
        &self,
        password: &Credential,
        stored: Option<&PasswordHash>,
        work: &Work,
    ) -> Result<Verified, Error> {
        let stored = stored.and_then(|hash| StoredHash::read(hash.expose()));
        match self.submit(Task::Verify { password: normalised(password), stored }, work)?.await {
            Ok(Answer::Verified(verified)) => Ok(verified),
            Ok(Answer::Displaced) => Err(Error::Overloaded),
            Ok(Answer::Hashed(_)) | Err(oneshot::Canceled) => Err(InternalError::Interrupted.into()),
        }
    }

    /// Waits for a free thread and computes the hash of a new password.
    pub(crate) async fn hash(
        &self,
        password: &Credential,
        line: Line,
        random: &dyn SecureRandom,
    ) -> Result<PasswordHash, Error> {
        let mut salt = [0; 16];
        random.fill(&mut salt)?;
        match self.submit(Task::Hash { password: normalised(password), salt }, &Work::of(line))?.await {
            Ok(Answer::Hashed(Some(hash))) => Ok(hash),
            Ok(Answer::Displaced) => Err(Error::Overloaded),
            Ok(_) | Err(oneshot::Canceled) => Err(InternalError::Interrupted.into()),
        }
    }

    /// True if the lane of the queue is at least half full.
    pub(crate) fn is_half_full(&self, lane: Lane) -> bool {
        self.shared.lock().is_half_full(lane)
    }

    pub(crate) fn stats(&self) -> HashingStats {
        let waiting = self.shared.lock().len();
        let mean = Duration::from_nanos(self.shared.mean.load(Ordering::Relaxed));
        let rounds = u32::try_from(waiting / self.shared.threads).unwrap_or(u32::MAX);
        HashingStats {
            threads: self.shared.threads,
            running: self.shared.running.load(Ordering::Relaxed),
            waiting,
            wait: mean.saturating_mul(rounds),
            begun: self.shared.begun.load(Ordering::Relaxed),
            refused: self.shared.refused.load(Ordering::Relaxed),
            is_fast: Memory::is_fast(),
        }
    }

    fn submit(&self, task: Task, work: &Work) -> Result<Waiting, Error> {
        let (answer, receiver) = oneshot::channel();
        let job = Job { task, work: work.clone(), answer };
        let pushed = self.shared.lock().push(work.line(), job);
        let (ticket, displaced) = pushed.map_err(|Full| {
            self.shared.refused.fetch_add(1, Ordering::Relaxed);
            Error::Overloaded
        })?;
        if let Some(displaced) = displaced {
            self.shared.refused.fetch_add(1, Ordering::Relaxed);
            let _ = displaced.answer.send(Answer::Displaced); // The caller may have gone away.
        }
        self.shared.ready.notify_one();
        Ok(Waiting { shared: Arc::clone(&self.shared), ticket, receiver })
    }
}

impl Drop for HashingPool {
    fn drop(&mut self) {
        // The flag is set while the lock is held. A thread also checks the flag under the lock
        // before it waits. So no thread can miss the notification.
        let queue = self.shared.lock();
        self.shared.closed.store(true, Ordering::Relaxed);
        drop(queue);
        self.shared.ready.notify_all();
    }
}

impl fmt::Debug for HashingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stats().fmt(f)
    }
}

/// A hash that a caller waits for. If it is dropped before the hash has begun, the hash is removed
/// from the queue.
struct Waiting {
    shared: Arc<Shared>,
    ticket: Ticket,
    receiver: oneshot::Receiver<Answer>,
}

impl Future for Waiting {
    type Output = Result<Answer, oneshot::Canceled>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.receiver).poll(context)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.shared.lock().remove(self.ticket);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue<Job>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut memory = Memory::new();
        while let Some(Job { task, answer, .. }) = self.next() {
            // A panic fails only this hash. The thread continues.
            let began = Instant::now();
            let done = catch_unwind(AssertUnwindSafe(|| self.perform(&task, &mut memory)));
            self.note(began.elapsed());
            self.running.fetch_sub(1, Ordering::Relaxed);
            memory.shrink(self.current.blocks());
            if let Ok(done) = done {
                let _ = answer.send(done); // The caller may have gone away.
            }
        }
    }

    fn next(&self) -> Option<Job> {
        let mut queue = self.lock();
        loop {
            if self.closed.load(Ordering::Relaxed) {
                return None;
            }
            if let Some(job) = queue.pop() {
                job.work.start();
                self.begun.fetch_add(1, Ordering::Relaxed);
                self.running.fetch_add(1, Ordering::Relaxed);
                return Some(job);
            }
            queue = self.ready.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Updates the mean duration with the duration of the latest hash, which gets a weight of about
    /// one eighth.
    fn note(&self, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let mean = |mean: u64| Some(if mean == 0 { took } else { mean - mean / 8 + took / 8 });
        let _ = self.mean.fetch_update(Ordering::Relaxed, Ordering::Relaxed, mean);
    }

    fn perform(&self, task: &Task, memory: &mut Memory) -> Answer {
        match task {
            Task::Hash { password, salt } => {
                Answer::Hashed(hash(password, salt, &self.current, memory).map(PasswordHash::from))
            }
            Task::Verify { password, stored: None } => {
                self.decoy.verify(password, memory);
                Answer::Verified(Verified::Wrong)
            }
            Task::Verify { password, stored: Some(stored) } => {
                Answer::Verified(if !stored.verify(password, memory) {
                    if let Some(rest) = self.current.remainder(&stored.params) {
                        let _ = hash(password, &[0; 16], &rest, memory);
                    }
                    Verified::Wrong
                } else if stored.is_current(&self.current) {
                    Verified::Current
                } else {
                    Verified::Outdated
                })
            }
        }
    }
}

/// The pool could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Thread(#[from] io::Error),
    #[error(transparent)]
    Random(#[from] RandomError),
    #[error("cannot compute a password hash with these parameters")]
    Params,
}

/// Creates the decoy hash: it has the current cost, and its output is random, so no password
/// matches it.
fn decoy(current: &Argon2Params, random: &dyn SecureRandom) -> Result<StoredHash, StartError> {
    let mut bytes = [0; 48];
    random.fill(&mut bytes)?;
    let (salt, output) = bytes.split_at(16);
    StoredHash::current(salt, output, *current).ok_or(StartError::Params)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::ChaChaRandom;

    #[test]
    fn every_refusal_is_the_work_of_one_hash_at_current_cost() {
        let current = Argon2Params::default();
        let pool = HashingPool::start(current, NonZero::<usize>::MIN, 1, &ChaChaRandom::new()).unwrap();
        let mut memory = Memory::new();
        let cheap = hash(b"right", &[1; 16], &Argon2Params::danger_fast(), &mut memory).unwrap();
        let own = hash(b"right", &[1; 16], &current, &mut memory).unwrap();
        for stored in ["", "$argon2id$v=19$m=4294967295,t=2,p=1$AAAA$AAAA", &cheap, &own] {
            let before = memory.work_kib;
            let password = Zeroizing::new(b"wrong".to_vec());
            let answer = pool
                .shared
                .perform(&Task::Verify { password, stored: StoredHash::read(stored) }, &mut memory);
            assert!(matches!(answer, Answer::Verified(Verified::Wrong)));
            assert_eq!(memory.work_kib - before, 2 * 19 * 1024, "{stored}");
        }
    }
}
