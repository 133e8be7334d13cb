//! Compares ways to do work that take turns of a few milliseconds, which criterion cannot do. Other
//! programs share the machine, and its speed changes within seconds. So only ratios of times of the
//! same turn matter.

use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::sizes;

/// The shortest time that a way runs in a turn.
const SHORTEST: Duration = Duration::from_millis(15);

/// The times of `N` ways to do a step of work. In each turn, every way runs once.
#[derive(Debug)]
pub struct Turns<const N: usize>(Vec<[f64; N]>);

impl<const N: usize> Turns<N> {
    /// Times the ways. A way runs the given number of steps, and returns the time that they took.
    /// The number is `least`, or `least` doubled as often as needed for a turn.
    pub fn take(least: usize, mut ways: [&mut dyn FnMut(usize) -> Duration; N]) -> Self {
        let turns = if sizes().len() > 1 { 60 } else { 1 };
        let steps = ways.each_mut().map(|way| {
            let mut steps = least;
            while way(steps) < SHORTEST {
                steps *= 2;
            }
            steps
        });
        let turn = |first: usize| {
            let mut times = [0.0; N];
            for place in 0..N {
                // A way may find the caches or the disk as the way before it left them. So another
                // way begins each turn.
                let way = (first + place) % N;
                times[way] = nanoseconds_each(ways[way](steps[way]), steps[way]);
            }
            times
        };
        Self((0..turns).map(turn).collect())
    }

    /// Returns the median of a figure of a turn. The figure depends on the times of a step, in
    /// nanoseconds.
    pub fn median(&self, figure: impl Fn([f64; N]) -> f64) -> f64 {
        median(self.0.iter().map(|times| figure(*times)).collect())
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
