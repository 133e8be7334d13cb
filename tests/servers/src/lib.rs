//! Throw-away servers for the tests and benchmarks. They are started from the installed binaries,
//! on a free loopback port, each with a separate folder. They end with the process that started
//! them, in whatever way it ends.
//!
//! If a binary is missing, `start` prints a notice and returns none, and the test is skipped. With
//! `COMMERCE_AUTH_REQUIRE_SERVERS=1` it panics instead.

mod keeper;
mod pgbouncer;
mod postgres;
mod proxy;
mod redis;

pub use pgbouncer::PgBouncer;
pub use postgres::Postgres;
pub use proxy::Proxy;
pub use redis::{Redis, Sentinel};

use std::{
    env,
    ffi::OsStr,
    hash::{BuildHasher, Hasher, RandomState},
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

/// If this is 1, a missing server is a failure instead of a skipped test.
const REQUIRE: &str = "COMMERCE_AUTH_REQUIRE_SERVERS";

/// Finds an installed binary: on `PATH`, or where Debian puts those of PostgreSQL and PgBouncer.
fn binary(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    debian.sort();
    let mut folders = env::split_paths(&path).chain(debian.into_iter().rev()).chain(["/usr/sbin".into()]);
    folders.find_map(|folder| Some(folder.join(name)).filter(|file| file.is_file()))
}

/// Finds a binary. If it is missing, prints a notice of the skipped test and returns none.
///
/// # Panics
///
/// If it is missing and `COMMERCE_AUTH_REQUIRE_SERVERS` is 1.
#[must_use]
pub fn binary_or_skip(name: &str) -> Option<PathBuf> {
    let found = binary(name);
    if found.is_none() {
        assert!(env::var_os(REQUIRE).as_deref() != Some(OsStr::new("1")), "{name} is not on PATH");
        eprintln!("SKIPPED: {name} is not on PATH, so what needs it is not tested");
    }
    found
}

/// Returns a loopback port that was free a moment ago.
///
/// The port is below 32,768, where systems do not take client ports from. Otherwise, while a server
/// is down, a client that reconnects again and again could be given the server's port.
#[must_use]
pub fn free_port() -> u16 {
    let random = || 16_384 + (RandomState::new().build_hasher().finish() % 16_384) as u16;
    let mut ports = std::iter::repeat_with(random).take(1000);
    let free = ports.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    free.expect("loopback has a free port")
}

/// Repeats a check until it is true, for at most half a minute.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what} did not happen within 30 s");
        thread::sleep(Duration::from_millis(20));
    }
}
