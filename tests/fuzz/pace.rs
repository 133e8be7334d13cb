//! Work that grows no faster than its input, measured against a trivial request of the same moment.

use std::time::{Duration, Instant};

/// A request may take this many times as long as a trivial one, and once more for each [`BYTES`] of it. Both are generous:
/// the faults to be found take a million times as long.
const TIMES: u32 = 500;
/// See [`TIMES`].
const BYTES: usize = 64;
/// A machine that others work on delays one request now and then, not so many in a row.
const ATTEMPTS: usize = 4;

/// Makes a request, which fails if it takes longer than its length allows.
pub fn keeping_pace<T>(length: usize, trivial: impl Fn(), request: impl Fn() -> T) -> T {
    let took = |work: &dyn Fn()| {
        let begun = Instant::now();
        work();
        begun.elapsed()
    };
    let begun = Instant::now();
    let answer = request();
    let mut shortest = begun.elapsed();
    // Most are done before the trivial one could be measured.
    if shortest < Duration::from_millis(5) {
        return answer;
    }
    let times = TIMES + u32::try_from(length / BYTES).unwrap_or(u32::MAX - TIMES);
    for _ in 0..ATTEMPTS {
        let allowed = took(&trivial) * times;
        if shortest <= allowed {
            return answer;
        }
        shortest = shortest.min(took(&|| drop(request())));
    }
    panic!("{length} bytes took {shortest:?}, more than {times} times a trivial request's time");
}
