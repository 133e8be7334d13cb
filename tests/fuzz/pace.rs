//! Time limits in proportion to the input, compared with a trivial request at the same moment.

use std::time::{Duration, Instant};

/// A request may take this many times as long as a trivial one, and once more for each [`BYTES`] of
/// its length. Both numbers are generous: the faults that they must find take a million times as
/// long.
const TIMES: u32 = 500;
/// See [`TIMES`].
const BYTES: usize = 64;
/// On a shared machine one request is delayed now and then, but not this many in a row.
const ATTEMPTS: usize = 4;

/// Makes a request. Fails if it takes longer than its length allows.
pub fn keeping_pace<T>(length: usize, trivial: impl Fn(), request: impl Fn() -> T) -> T {
    let took = |work: &dyn Fn()| {
        let begun = Instant::now();
        work();
        begun.elapsed()
    };
    let begun = Instant::now();
    let answer = request();
    let mut shortest = begun.elapsed();
    // Most requests are finished sooner than the trivial one could be measured.
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
