//! A window of time in which a load runs and verifications are timed.

use std::{
    hint,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use tokio::{
    runtime::Handle,
    task,
    time::{sleep_until, timeout},
};

use crate::site::{Load, Site};

/// Connections of a load. Each sends its next request after the answer to the last one.
const CONNECTIONS: u32 = 8;
/// Requests of a load in a second, over all connections.
pub const RATE: f64 = 200.0;
/// Time between two verifications: 100 in a second.
const VERIFY_EVERY: Duration = Duration::from_millis(10);
/// Time that a load runs before verifications are timed.
const LEAD_IN: Duration = Duration::from_secs(1);
/// Longest wait for the audit trail after a window.
const FLUSH: Duration = Duration::from_secs(120);

/// The figures of one window.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Median time of a verification, in microseconds.
    pub p50: f64,
    /// Time that 99 in 100 verifications take at most, in microseconds.
    pub p99: f64,
    /// Requests of the flood in a second.
    pub flooded: f64,
    /// Hashes in a second.
    pub hashes: f64,
}

impl Window {
    /// Runs a load at this many requests a second and times verifications meanwhile.
    pub async fn measure(site: &Arc<Site>, load: Load, rate: f64, length: Duration) -> Self {
        let (flooded, hashes) = (site.flooded(), site.hashes());
        let begin = Instant::now();
        let (first, end) = (begin + LEAD_IN, begin + LEAD_IN + length);
        let (runtime, verified) = (Handle::current(), Arc::clone(site));
        let timed = task::spawn_blocking(move || verify(&runtime, &verified, first, end));
        let connections: Vec<_> = (0..CONNECTIONS)
            .filter(|_| rate > 0.0)
            .map(|number| {
                let every = Duration::from_secs_f64(f64::from(CONNECTIONS) / rate);
                task::spawn(connection(
                    Arc::clone(site),
                    load,
                    begin + every * number / CONNECTIONS,
                    every,
                    end,
                ))
            })
            .collect();
        let mut times = timed.await.expect("the thread does not panic");
        let seconds = begin.elapsed().as_secs_f64();
        let each_second = |count: u64| f64::from(u32::try_from(count).expect("a window's count")) / seconds;
        let (flooded, hashes) = (site.flooded() - flooded, site.hashes() - hashes);
        for connection in connections {
            connection.await.expect("no request panics");
        }
        settle(site).await;
        times.sort_unstable();
        let at = |share: usize| times[times.len() * share / 100].as_secs_f64() * 1e6;
        Self { p50: at(50), p99: at(99), flooded: each_second(flooded), hashes: each_second(hashes) }
    }
}

/// Floods a site over the same connections without a pace until it has answered this many requests.
pub async fn flood_until(site: &Arc<Site>, load: Load, requests: u64) {
    let connections: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let site = Arc::clone(site);
            task::spawn(async move {
                while site.flooded() < requests {
                    site.send(load).await;
                }
            })
        })
        .collect();
    for connection in connections {
        connection.await.expect("no request panics");
    }
    settle(site).await;
}

/// Waits until the audit trail has recorded all events of a load, so that they do not disturb the
/// next window.
async fn settle(site: &Site) {
    if timeout(FLUSH, site.shop.auth.flush_audit()).await.is_err() {
        eprintln!("the audit trail has not taken all events within {} s", FLUSH.as_secs());
    }
}

/// Sends a request each time one is due. A connection that is behind sends the next one at once.
async fn connection(site: Arc<Site>, load: Load, first: Instant, every: Duration, end: Instant) {
    let mut due = first;
    while due < end && Instant::now() < end {
        sleep_until(due.into()).await;
        site.send(load).await;
        due += every;
    }
}

/// Starts a verification each time one is due, whether or not the earlier ones are done, and
/// returns their times. A time begins when the verification is due, so that a stall of the process
/// counts. A thread keeps the pace, because tokio's timer has a resolution of one millisecond.
fn verify(runtime: &Handle, site: &Arc<Site>, first: Instant, end: Instant) -> Vec<Duration> {
    let (done, times) = mpsc::channel();
    let mut due = first;
    for number in 0.. {
        if due >= end {
            break;
        }
        wait_until(due);
        let (site, done) = (Arc::clone(site), done.clone());
        runtime.spawn(async move {
            site.verify(number).await;
            // The thread waits until all are done.
            let _ = done.send(due.elapsed());
        });
        due += VERIFY_EVERY;
    }
    drop(done);
    times.into_iter().collect()
}

/// Sleeps nearly as long, and spins for the rest.
fn wait_until(due: Instant) {
    const SPIN: Duration = Duration::from_micros(200);
    thread::sleep(due.saturating_duration_since(Instant::now()).saturating_sub(SPIN));
    while Instant::now() < due {
        hint::spin_loop();
    }
}
