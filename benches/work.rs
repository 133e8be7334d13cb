//! How work is run: to its end, at every size, on one thread or two.

use std::{
    env,
    num::NonZero,
    pin::pin,
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use commerce_auth::{random::ChaChaRandom, store::GenerationId};

/// The sizes measured, and what they are called. Run as a test (`cargo bench -- --test`) it is the smallest only.
pub fn sizes() -> &'static [(usize, &'static str)] {
    const SIZES: [(usize, &str); 3] = [(1_000, "1e3"), (100_000, "1e5"), (1_000_000, "1e6")];
    if env::args().any(|arg| arg == "--test") { &SIZES[..1] } else { &SIZES }
}

/// The cheapest executor there is, for ours and the peers alike: what is kept in memory is ready at the first poll,
/// unless another thread holds a lock.
pub fn finish<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::yield_now(),
        }
    }
}

/// Where the last sample stopped, so that the next goes on from there and all of a large table is visited.
#[derive(Debug, Default)]
pub struct Cursor(AtomicUsize);

impl Cursor {
    /// The next `steps` positions of `length`, round and round. Threads begin far from each other.
    pub fn walk(&self, steps: u64, length: usize) -> impl Iterator<Item = usize> + use<> {
        let steps = usize::try_from(steps).expect("a sample's length");
        let start = self.0.fetch_add(steps.wrapping_add(length / 2), Ordering::Relaxed) % length;
        (start..length).chain((0..).flat_map(move |_| 0..length)).take(steps)
    }
}

/// The time the slowest of some threads takes, all begun at once.
pub fn on_threads(threads: usize, work: impl Fn() + Sync) -> Duration {
    let barrier = Barrier::new(threads);
    let timed = || {
        barrier.wait();
        let start = Instant::now();
        work();
        start.elapsed()
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(timed)).collect();
        running.into_iter().map(|thread| thread.join().expect("the work does not panic")).max()
    })
    .unwrap_or_default()
}

/// The most grants of a subject, by default.
pub const CAP: NonZero<usize> = NonZero::<usize>::MIN.saturating_add(99);

/// A generation that no other call gets.
pub fn fresh() -> GenerationId {
    GenerationId::draw(&ChaChaRandom::new()).expect("random bytes")
}
