//! Runs work to its end, at every size, on one thread or two.

use std::{
    env,
    hint::black_box,
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

/// Returns the measured sizes and their names. In a test (`cargo bench -- --test`) only the
/// smallest.
pub fn sizes() -> &'static [(usize, &'static str)] {
    const SIZES: [(usize, &str); 3] = [(1_000, "1e3"), (100_000, "1e5"), (1_000_000, "1e6")];
    if env::args().any(|arg| arg == "--test") { &SIZES[..1] } else { &SIZES }
}

/// True if the command line names this part, or none (`cargo bench --bench backends -- redis`).
pub fn is_chosen(part: &str) -> bool {
    let mut named = env::args().skip(1).filter(|arg| !arg.starts_with('-')).peekable();
    named.peek().is_none() || named.any(|name| name == part)
}

/// The cheapest executor, for the crate and the peers alike. Data in memory is ready at the first
/// poll, unless another thread holds a lock.
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

/// Returns a way to run the operation on each of `length` items, again and again, on each of the
/// threads.
pub fn walk(
    threads: usize,
    length: usize,
    operation: impl Fn(usize) + Sync,
) -> impl FnMut(usize) -> Duration {
    // The walk continues where the last one ended, so that all of a large table is visited.
    let end = AtomicUsize::new(0);
    move |steps| {
        on_threads(threads, || {
            // Threads begin far from each other.
            let start = end.fetch_add(steps.wrapping_add(length / 2), Ordering::Relaxed) % length;
            (start..length).chain((0..).flat_map(|_| 0..length)).take(steps).for_each(&operation);
        })
    }
}

/// Like [`walk`] on one thread, but no operation begins before the one before it has ended: its
/// index depends on the result of that one.
pub fn walk_in_sequence(
    length: usize,
    operation: impl Fn(usize) -> usize + Sync,
) -> impl FnMut(usize) -> Duration {
    // The compiler does not know that this is zero.
    let nothing = black_box(0);
    let last = AtomicUsize::new(0);
    walk(1, length, move |index| {
        let result = operation(index ^ (last.load(Ordering::Relaxed) & nothing));
        last.store(result, Ordering::Relaxed);
    })
}

/// Returns the time of the slowest thread. All threads begin at once.
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

/// The default maximum of grants of a subject.
pub const CAP: NonZero<usize> = NonZero::<usize>::MIN.saturating_add(99);

/// Returns a generation that no other call gets.
pub fn fresh() -> GenerationId {
    GenerationId::draw(&ChaChaRandom::new()).expect("random bytes")
}
