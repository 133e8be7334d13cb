//! The table, the promises and the need.

use std::{fs, time::Duration};

use crate::{
    log::{CALM, Log, Row},
    shop::Shop,
    wave::HASHES,
};

/// Memory of one hash with the default cost.
const HASH_MIB: u64 = 19;
/// Memory for each customer of the wave: the row, the token, the counters, and the visit itself.
const CUSTOMER_KIB: u64 = 32;
/// Other memory of the program.
const OTHER_MIB: u64 = 32;
/// The 99th percentile of a verification may be this part of the median sign-in.
const PART: u32 = 10;

pub fn print_head() {
    println!(
        "| second | came | hashed | refused | queue | sign-in: median, 99 %, ms | verified | median, 99 %, ms |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|--:|");
}

/// Prints the lines that have ended.
pub fn print_rows(log: &Log) {
    for (number, row) in log.ended() {
        let Row { arrived, refused, waiting, mut hashed, mut verified, .. } = row;
        let second = (number as f64 - f64::from(CALM)) * log.row.as_secs_f64();
        println!(
            "| {second:.1} | {arrived} | {} | {refused} | {waiting} | {} | {} | {} |",
            hashed.len(),
            middle_and_slow(&mut hashed),
            verified.len(),
            middle_and_slow(&mut verified),
        );
    }
}

/// Prints the promises. Returns true if all are kept.
pub fn print_promises(log: &Log, shop: &Shop, customers: u64, memory_before: Option<u64>) -> bool {
    let (rows, stats) = (log.rows(), shop.auth.hashing_stats());
    let queue = shop.auth.config().hashing.queue;
    let (calm, storm) = rows.split_at(rows.len().min(CALM as usize));
    let entered: Vec<_> = storm.iter().flat_map(|row| &row.entered).copied().collect();
    let mut times: Vec<_> = entered.iter().map(|(time, _)| *time).collect();
    let most = entered.iter().map(|(_, refusals)| *refusals).max().unwrap_or_default();
    let refused = storm.iter().map(|row| row.refused).sum::<usize>();
    let [mut before, mut verified] = [calm, storm].map(|rows| all(rows, |row| &row.verified));
    let mut hashed = all(storm, |row| &row.hashed);
    let waiting = storm.iter().map(|row| row.waiting).max().unwrap_or_default();
    let running = storm.iter().map(|row| row.running).max().unwrap_or_default();

    println!();
    let mut held = true;
    let mut promise = |kept: bool, text: String| {
        println!("{}: {text}", if kept { "kept  " } else { "BROKEN" });
        held &= kept;
    };
    promise(
        entered.len() as u64 == customers && log.failures().is_empty(),
        format!(
            "{} of {customers} customers got in; other errors: {:?}. {refused} calls were refused as overloaded, at \
             most {most} of one customer. Half of the customers were in after {} ms, the last one after {} ms.",
            entered.len(),
            log.failures(),
            milliseconds(percentile(&mut times, 50)),
            milliseconds(percentile(&mut times, 100)),
        ),
    );
    promise(
        waiting <= queue && running <= stats.threads,
        format!(
            "at most {waiting} hashes waited and {running} ran; there is room for {queue} and {}.",
            stats.threads
        ),
    );
    if let Some(full) = wait_of_full_queue(log, storm, queue, stats.threads)
        && !shop.small
    {
        let [median, longest] = [50, 100].map(|percent| percentile(&mut hashed, percent));
        promise(
            longest <= 2 * full,
            format!(
                "the longest call took {} ms. To work off a full queue takes {} ms; a call may take twice that.",
                milliseconds(longest),
                milliseconds(full)
            ),
        );
        let slow = percentile(&mut verified, 99);
        promise(
            PART * slow <= median,
            format!(
                "99 of 100 verifications took at most {} ms, and {} ms before the mail. The median sign-in took {} ms; \
                 a verification may take a tenth of it.",
                milliseconds(slow),
                milliseconds(percentile(&mut before, 99)),
                milliseconds(median),
            ),
        );
    } else {
        println!(
            "No promise about times is checked, because the run is small or the queue was never half full."
        );
    }
    if let (Some(before), Some(peak)) = (memory_before, peak_memory()) {
        let grown = peak.saturating_sub(before) / 1024;
        let most = stats.threads as u64 * HASH_MIB + customers * CUSTOMER_KIB / 1024 + OTHER_MIB;
        promise(
            grown <= most,
            format!(
                "memory grew by at most {grown} MiB. The bound is {most} MiB: {HASH_MIB} MiB for each of {} threads, \
                 {CUSTOMER_KIB} KiB for each customer, and {OTHER_MIB} MiB.",
                stats.threads
            ),
        );
    }
    held
}

/// Prints the cores that would have hashed the whole peak at once. `rate` is the number of hashes
/// that one core computes in a second.
pub fn print_need(log: &Log, rate: f64) {
    let peak = log.rows().iter().map(|row| row.arrived).max().unwrap_or_default();
    let arrivals = peak as f64 / log.row.as_secs_f64();
    println!(
        "\ncores = arrivals at the peak x hashes of a customer x seconds of a hash on a core\n      \
         = {arrivals:.0} x {HASHES:.1} x {:.4} = {:.1}",
        1.0 / rate,
        arrivals * HASHES / rate
    );
}

/// Returns the time in which the threads compute as many hashes as fit into the queue, and those
/// that run. Measured while the queue was at least half full. None if it never was.
fn wait_of_full_queue(log: &Log, storm: &[Row], queue: usize, threads: usize) -> Option<Duration> {
    let full: Vec<_> = storm.iter().filter(|row| 2 * row.waiting >= queue).collect();
    let hashed: usize = full.iter().map(|row| row.hashed.len()).sum();
    let time = log.row.as_secs_f64() * full.len() as f64;
    (hashed > 0).then(|| Duration::from_secs_f64(time / hashed as f64 * (queue + threads) as f64))
}

fn all(rows: &[Row], times: impl Fn(&Row) -> &Vec<Duration>) -> Vec<Duration> {
    rows.iter().flat_map(times).copied().collect()
}

/// Returns the time within which this share of the calls, in percent, was finished.
fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(index).copied().unwrap_or_default()
}

/// Returns the median and the 99th percentile in milliseconds, as text.
fn middle_and_slow(times: &mut [Duration]) -> String {
    if times.is_empty() {
        return "–".to_owned();
    }
    let [middle, slow] = [50, 99].map(|percent| milliseconds(percentile(times, percent)));
    format!("{middle}, {slow}")
}

fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1e3;
    if milliseconds < 10.0 { format!("{milliseconds:.1}") } else { format!("{milliseconds:.0}") }
}

/// Returns the memory of this process in KiB. None if the system is not Linux.
pub fn resident_memory() -> Option<u64> {
    status("VmRSS:")
}

/// Returns the largest memory that this process has had, in KiB.
fn peak_memory() -> Option<u64> {
    status("VmHWM:")
}

fn status(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    value.trim().trim_end_matches(" kB").parse().ok()
}
