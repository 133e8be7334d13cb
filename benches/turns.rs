//! Compares two ways to do the same work. They take turns of a few milliseconds, which criterion
//! cannot do. Server and client share a machine with other programs, whose load changes within
//! seconds, and only the ratio matters.

use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::sizes;

/// The shortest length of a turn.
const TURN: Duration = Duration::from_millis(15);

/// The medians of the turns.
#[derive(Debug)]
pub struct Turns {
    /// The time of a step in the first way, in nanoseconds.
    pub first: f64,
    /// The same for the second way.
    pub second: f64,
    /// The second way's time divided by the first one's, in the same turn.
    pub ratio: f64,
}

impl Turns {
    /// Times this many steps of one way and of the other, in turn.
    pub fn take(
        callers: usize,
        mut first: impl FnMut(usize) -> Duration,
        mut second: impl FnMut(usize) -> Duration,
    ) -> Self {
        let turns = if sizes().len() > 1 { 60 } else { 1 };
        let mut steps = callers;
        while first(steps) < TURN {
            steps *= 2;
        }
        let (mut by_first, mut by_second, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for turn in 0..turns {
            // The second of the two may find warm caches or a busy disk.
            let (one, other) = if turn % 2 == 0 {
                (first(steps), second(steps))
            } else {
                let other = second(steps);
                (first(steps), other)
            };
            ratios.push(other.as_secs_f64() / one.as_secs_f64());
            by_first.push(nanoseconds_each(one, steps));
            by_second.push(nanoseconds_each(other, steps));
        }
        Self { first: median(by_first), second: median(by_second), ratio: median(ratios) }
    }
}

/// Returns the time that this many callers at once take for all of the work.
pub fn timed<W, F>(
    tokio: &Runtime,
    callers: usize,
    work: Vec<W>,
    run: impl Fn(W) -> F + Clone + Send + 'static,
) -> Duration
where
    W: Send + 'static,
    F: Future<Output = ()> + Send,
{
    let mut shares: Vec<Vec<W>> = (0..callers).map(|_| Vec::new()).collect();
    for (index, work) in work.into_iter().enumerate() {
        shares[index % callers].push(work);
    }
    tokio.block_on(async {
        let start = Instant::now();
        let running: Vec<_> = shares
            .into_iter()
            .map(|share| {
                let run = run.clone();
                tokio::spawn(async move {
                    for work in share {
                        run(work).await;
                    }
                })
            })
            .collect();
        for caller in running {
            caller.await.expect("no caller panics");
        }
        start.elapsed()
    })
}

fn nanoseconds_each(time: Duration, steps: usize) -> f64 {
    time.as_secs_f64() * 1e9 / f64::from(u32::try_from(steps).expect("a turn's length"))
}

/// Returns the middle value, or the upper one of two.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
