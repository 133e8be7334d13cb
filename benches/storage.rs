//! Bytes of one live token in each durable backend: in the file, in the table with its indexes, or
//! in the server's memory.

use std::{fs, sync::Arc};

use commerce_auth::{
    Store,
    store::{postgres::PostgresStore, redis::RedisStore, sqlite::SqliteStore},
};
use commerce_auth_benches::{grant_of, insert, origin_of, random_digests, sizes};
use commerce_auth_test_servers::{Postgres, Redis};
use time::OffsetDateTime;
use tokio::runtime::Runtime;

/// The number of callers at once, so that writes are grouped.
const CALLERS: usize = 64;

fn main() {
    let tokens = if sizes().len() > 1 { 1_000_000 } else { 1_000 };
    let tokio = Runtime::new().expect("tokio starts");
    let print =
        |name: &str, bytes: u64| println!("{name}: {} bytes a token, of {tokens}", bytes / tokens as u64);

    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("auth.db");
    fill(&tokio, SqliteStore::open(&path).expect("a file can be made"), tokens);
    // Closed, so that the write-ahead log is copied to the file.
    print("sqlite", fs::metadata(&path).expect("the file is there").len());

    if let Some(server) = Postgres::start_with(&["fsync=off", "synchronous_commit=off"]) {
        let store = tokio.block_on(PostgresStore::connect(&server.url())).expect("the server listens");
        fill(&tokio, store, tokens);
        let size = server.query("SELECT pg_total_relation_size('commerce_auth.grants')");
        print("postgres", size.and_then(|size| size.parse().ok()).expect("a size"));
    }
    if let Some(server) = Redis::start_with(&["--appendonly", "no"]) {
        let used = || -> u64 {
            let info = server.command("INFO memory").expect("the server answers");
            let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
            line.and_then(|bytes| bytes.trim().parse().ok()).expect("a size")
        };
        let store = tokio.block_on(RedisStore::connect(&server.url())).expect("the server listens");
        let before = used();
        fill(&tokio, store, tokens);
        print("redis", used() - before);
    }
}

/// Inserts one token for each of this many customers.
fn fill(tokio: &Runtime, store: impl Store, tokens: usize) {
    let store = Arc::new(store);
    let digests = Arc::new(random_digests(tokens));
    let now = OffsetDateTime::now_utc();
    tokio.block_on(async {
        let share = |caller| {
            let (store, digests) = (Arc::clone(&store), Arc::clone(&digests));
            tokio::spawn(async move {
                for customer in (caller..digests.len()).step_by(CALLERS) {
                    let grant = grant_of(customer, digests[customer], now);
                    insert(&*store, &grant, &origin_of(customer)).await;
                }
            })
        };
        for caller in (0..CALLERS).map(share).collect::<Vec<_>>() {
            caller.await.expect("no caller panics");
        }
    });
}
