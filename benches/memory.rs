//! Bytes of one live token in the memory store: the growth of the resident set, with the
//! allocator's overhead.

use std::{env, fs, process::Command};

use commerce_auth::{Origin, store::memory::MemoryStore};
use commerce_auth_benches::{Bar, Row, finish, grant_of, insert, origin_of, random_digests, sizes};
use time::OffsetDateTime;

/// The numbers of live tokens, each of a different customer. A table that grows in steps has much
/// free memory just after a step, and little just before one. So the bars are for the mean.
const TOKENS: [usize; 3] = [800_000, 1_000_000, 1_400_000];
/// The kinds of token, with the largest number of bytes that a token may take.
const KINDS: [(&str, f64); 2] = [("with source address and user agent", 260.0), ("without origin", 190.0)];

fn main() {
    let case = || Some((env::var("TOKENS").ok()?.parse().ok()?, env::var("KIND").ok()?));
    if let Some((tokens, kind)) = case() {
        println!("{}", bytes_per_token(tokens, kind == KINDS[0].0));
        return;
    }
    let numbers = if sizes().len() > 1 { TOKENS } else { [1_000; 3] };
    for (kind, bar) in KINDS {
        let bytes = numbers.map(|tokens| in_a_process(tokens, kind));
        for (tokens, bytes) in numbers.iter().zip(bytes) {
            let what = format!("bytes of each of {tokens} tokens, {kind}");
            Row { what: &what, ours: None, peer: None, result: bytes, bar: None }.print();
        }
        let what = format!("bytes of a token {kind}, the mean");
        let result = bytes.iter().sum::<f64>() / bytes.len() as f64;
        Row { what: &what, ours: None, peer: None, result, bar: Some(Bar::Maximum(bar)) }.print();
    }
}

/// Measures in a separate process, because freed memory cannot be told from memory that was never
/// used.
fn in_a_process(tokens: usize, kind: &str) -> f64 {
    let program = env::current_exe().expect("this program has a path");
    let ran = Command::new(program).env("TOKENS", tokens.to_string()).env("KIND", kind).output();
    let printed = String::from_utf8(ran.expect("this program runs").stdout).expect("it prints text");
    printed.trim().parse().expect("it prints a number")
}

fn bytes_per_token(tokens: usize, with_origin: bool) -> f64 {
    let now = OffsetDateTime::now_utc();
    let digests = random_digests(tokens);
    let store = MemoryStore::new();
    let before = resident();
    // The digests stay until the end, because both readings include them.
    for (customer, digest) in digests.iter().enumerate() {
        let origin = if with_origin { origin_of(customer) } else { Origin::default() };
        finish(insert(&store, &grant_of(customer, *digest, now), &origin));
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
