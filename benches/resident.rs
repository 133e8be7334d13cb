//! The bytes of the memory store: the growth of the resident set, with the allocator's overhead.

use std::{env, fs, process::Command};

use commerce_auth::{Origin, store::memory::MemoryStore};
use time::OffsetDateTime;

use crate::{finish, grant_of, insert, origin_of, random_digests};

/// The case of the separate process, as JSON in its environment.
const CASE: &str = "MEMORY_OF_TOKENS";

/// Returns the bytes that the memory store takes with each of these numbers of live tokens, each
/// token of a different customer. The store grows from one number to the next.
///
/// Runs the program again, because freed memory cannot be told from memory that was never used. So
/// `main` calls [`is_measuring_process`] first.
pub fn bytes_of_tokens(numbers: &[usize], with_origin: bool) -> Vec<f64> {
    let program = env::current_exe().expect("this program has a path");
    let case = serde_json::json!([numbers, with_origin]).to_string();
    let ran = Command::new(program).env(CASE, case).output().expect("this program runs");
    serde_json::from_slice(&ran.stdout).expect("it prints numbers")
}

/// If this is the separate process of [`bytes_of_tokens`], then measures, prints the numbers and
/// returns true.
pub fn is_measuring_process() -> bool {
    let Ok(case) = env::var(CASE) else { return false };
    let (numbers, with_origin): (Vec<usize>, bool) = serde_json::from_str(&case).expect("a case");
    println!("{}", serde_json::json!(measured(&numbers, with_origin)));
    true
}

fn measured(numbers: &[usize], with_origin: bool) -> Vec<f64> {
    let now = OffsetDateTime::now_utc();
    let digests = random_digests(numbers.iter().copied().max().unwrap_or_default());
    let store = MemoryStore::new();
    let before = resident();
    // The digests stay until the end, because both readings include them.
    let mut digests = digests.iter().enumerate();
    let mut stored = 0;
    let grown = numbers.iter().map(|number| {
        for (customer, digest) in digests.by_ref().take(number - stored) {
            let origin = if with_origin { origin_of(customer) } else { Origin::default() };
            finish(insert(&store, &grant_of(customer, *digest, now), &origin));
        }
        stored = *number;
        resident() - before
    });
    grown.collect()
}

/// Returns the resident set, in bytes (Linux only).
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("a Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a resident set");
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kibibytes * 1024.0
}
