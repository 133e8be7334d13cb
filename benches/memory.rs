//! Bytes of one live token in the memory store: the growth of the resident set, with the
//! allocator's overhead.

use std::{env, fs, process::Command};

use commerce_auth::{
    TokenStore,
    store::{Insert, memory::MemoryStore},
};
use commerce_auth_benches::{CAP, finish, fresh, grant_of, origin_of, random_digests, sizes};
use time::OffsetDateTime;

/// The number of tokens, and of each customer's. The tables double at powers of two: 1e6 is just
/// past one, 8e5 just before.
const CASES: [(usize, usize); 4] = [(1_000_000, 1), (1_000_000, 2), (800_000, 1), (800_000, 2)];

fn main() {
    let case =
        env::var("CASE").ok().and_then(|case| case.parse().ok()).and_then(|case: usize| CASES.get(case));
    if let Some((tokens, of_each)) = case {
        println!(
            "{tokens} tokens, {of_each} a customer: {:.0} bytes a token",
            bytes_per_token(*tokens, *of_each)
        );
    } else if sizes().len() == 1 {
        assert!(bytes_per_token(1_000, 2) > 0.0);
    } else {
        // One process for each case, because freed memory cannot be told from memory that was never
        // used.
        let program = env::current_exe().expect("this program has a path");
        for case in 0..CASES.len() {
            let ran = Command::new(&program).env("CASE", case.to_string()).status();
            assert!(ran.expect("this program runs").success());
        }
    }
}

fn bytes_per_token(tokens: usize, of_each: usize) -> f64 {
    let now = OffsetDateTime::now_utc();
    let digests = random_digests(tokens);
    let store = MemoryStore::new();
    let before = resident();
    for (index, digest) in digests.into_iter().enumerate() {
        let customer = index / of_each;
        let grant = grant_of(customer, digest, now);
        let generation = finish(store.generation(&grant.subject, fresh())).expect("memory does not fail");
        let inserted = finish(store.insert(&grant, &origin_of(customer), generation, CAP, now));
        assert_eq!(inserted.expect("memory does not fail"), Insert::Stored);
    }
    (resident() - before) / tokens as f64
}

/// Returns the resident set, in bytes (Linux only).
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("a Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a resident set");
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kibibytes * 1024.0
}
