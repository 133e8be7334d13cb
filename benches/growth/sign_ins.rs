use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use commerce_auth::{Error, credential::Argon2Params};
use commerce_auth_benches::{Shop, median, sign_in_of, sizes};
use tokio::runtime::Runtime;

use super::points::Points;

/// The numbers of callers at once.
const CALLERS: [usize; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];
/// The number of rounds. In each round, every number of callers has its turn.
const ROUNDS: usize = 5;
/// The pause of a caller whose sign-in was refused.
const PAUSE: Duration = Duration::from_secs(1);

/// The series, each with its chart.
const SERIES: [(&str, &str); 4] = [
    ("sign-ins", "sign-ins"),
    ("sign-ins", "refused"),
    ("latency", "median"),
    ("latency", "99th percentile"),
];

/// The callers' shop. Every sign-in is of another customer.
struct Customers {
    shop: Shop,
    next: AtomicUsize,
}

/// Measures whole sign-ins in the memory store, with the default password hash.
pub fn measure(points: &mut Points) {
    // Within the first two seconds, the queue of 256 callers reaches its usual length.
    let (rounds, before, measured, all) = if sizes().len() > 1 {
        (ROUNDS, Duration::from_secs(2), Duration::from_secs(4), &CALLERS[..])
    } else {
        (1, Duration::ZERO, Duration::from_millis(100), &CALLERS[..2])
    };
    let tokio = Runtime::new().expect("tokio starts");
    let customers =
        Arc::new(Customers { shop: Shop::new(Argon2Params::default()), next: AtomicUsize::new(0) });
    let mut results = vec![[const { Vec::new() }; SERIES.len()]; all.len()];
    for _ in 0..rounds {
        for (callers, results) in all.iter().zip(&mut results) {
            let start = Instant::now() + before;
            let result = run(&tokio, &customers, *callers, start..start + measured);
            results.iter_mut().zip(result).for_each(|(results, result)| results.push(result));
        }
    }
    for (callers, results) in all.iter().zip(results) {
        for ((chart, series), results) in SERIES.iter().zip(results) {
            points.add(chart, series, *callers, median(results));
        }
    }
}

/// Returns the values of [`SERIES`]: the sign-ins and the refusals in a second, and the median and
/// the 99th percentile of the latency in milliseconds.
fn run(
    tokio: &Runtime,
    customers: &Arc<Customers>,
    callers: usize,
    window: Range<Instant>,
) -> [f64; SERIES.len()] {
    let seconds = (window.end - window.start).as_secs_f64();
    let (mut latencies, mut refused) = (Vec::new(), 0);
    tokio.block_on(async {
        let call = || tokio::spawn(sign_in_again_and_again(Arc::clone(customers), window.clone()));
        for caller in (0..callers).map(|_| call()).collect::<Vec<_>>() {
            let (more, more_refused) = caller.await.expect("no caller panics");
            latencies.extend(more);
            refused += more_refused;
        }
    });
    latencies.sort_by(f64::total_cmp);
    let quantile = |percent| latencies.get(latencies.len() * percent / 100).copied().unwrap_or_default();
    [latencies.len() as f64 / seconds, f64::from(refused) / seconds, quantile(50), quantile(99)]
}

/// Returns the latencies and the number of refusals of one caller, of the sign-ins that ended in
/// the window.
async fn sign_in_again_and_again(customers: Arc<Customers>, window: Range<Instant>) -> (Vec<f64>, u32) {
    let (mut latencies, mut refused) = (Vec::new(), 0);
    loop {
        let start = Instant::now();
        if start >= window.end {
            return (latencies, refused);
        }
        let customer = customers.next.fetch_add(1, Ordering::Relaxed);
        let result = customers.shop.auth.generate_customer_token(sign_in_of(customer)).await;
        let counts = window.contains(&Instant::now());
        match result {
            Ok(_) if counts => latencies.push(start.elapsed().as_secs_f64() * 1e3),
            Ok(_) => {}
            Err(Error::Overloaded) => {
                refused += u32::from(counts);
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => panic!("a sign-in failed: {error}"),
        }
    }
}
