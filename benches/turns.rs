//! How two ways of the same work are compared: they take turns of a few milliseconds, which criterion cannot. Server and
//! client share a machine with others, whose load comes and goes within seconds, and it is the ratio that is wanted.

use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::sizes;

/// A turn's least length.
const TURN: Duration = Duration::from_millis(15);

/// Medians of the turns.
#[derive(Debug)]
pub struct Turns {
    /// Nanoseconds that the first way takes for a step.
    pub first: f64,
    /// The same of the second way.
    pub second: f64,
    /// The second way's time over the first one's, of the same turn.
    pub ratio: f64,
}

impl Turns {
    /// Times so many steps of one way and of the other, in turn.
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
            // The second of the two may find the caches warm, or the disk busy.
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

/// How long so many callers at once take for all of the work.
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

/// The middle one of some values, the upper one of two.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
