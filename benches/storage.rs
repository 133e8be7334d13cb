//! Bytes of one live token in each durable backend: in the file, in the table with its indexes, or
//! in the server's memory. Also the bytes that one sign-in of a customer leaves: the token, and the
//! documents with the known device and source.

use std::{fs, sync::Arc, thread};

use commerce_auth::{
    Store,
    store::{postgres::PostgresStore, redis::RedisStore, sqlite::SqliteStore},
};
use commerce_auth_benches::{Shop, grant_of, insert, origin_of, random_digests, sizes};
use commerce_auth_test_servers::{Postgres, Redis};
use time::OffsetDateTime;
use tokio::runtime::Runtime;

/// The number of callers at once, so that writes are grouped.
const CALLERS: usize = 64;

/// Puts the records of customers into a store.
type Fill = fn(&Runtime, Arc<dyn Store>, usize);

fn main() {
    let is_whole = sizes().len() > 1;
    let tokens = "SELECT pg_total_relation_size('commerce_auth.grants')";
    measure("token", if is_whole { 1_000_000 } else { 1_000 }, insert_tokens, tokens);
    let tables = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class \
                  WHERE relnamespace = 'commerce_auth'::regnamespace AND relkind = 'r'";
    measure("customer who has signed in", if is_whole { 100_000 } else { 1_000 }, sign_in, tables);
}

/// Fills a new store of each backend, and prints the bytes for each customer. `postgres` is the
/// query for the bytes in PostgreSQL.
fn measure(what: &str, customers: usize, fill: Fill, postgres: &str) {
    let tokio = Runtime::new().expect("tokio starts");
    let print = |name: &str, bytes: u64| {
        println!("{name}: {} bytes a {what}, of {customers}", bytes / customers as u64);
    };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("auth.db");
    fill(&tokio, Arc::new(SqliteStore::open(&path).expect("a file can be made")), customers);
    // Closed, so that the write-ahead log is copied to the file.
    print("sqlite", fs::metadata(&path).expect("the file is there").len());

    if let Some(server) = Postgres::start_with(&["fsync=off", "synchronous_commit=off"]) {
        let store = tokio.block_on(PostgresStore::connect(&server.url())).expect("the server listens");
        fill(&tokio, Arc::new(store), customers);
        let size = server.query(postgres);
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
        fill(&tokio, Arc::new(store), customers);
        print("redis", used() - before);
    }
}

/// Signs each of this many customers in once.
fn sign_in(_: &Runtime, store: Arc<dyn Store>, customers: usize) {
    let shop = Shop::over(store, 0);
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            let shop = &shop;
            scope.spawn(move || {
                for customer in (caller..customers).step_by(CALLERS) {
                    shop.sign_in(customer);
                }
            });
        }
    });
}

/// Inserts one token for each of this many customers.
fn insert_tokens(tokio: &Runtime, store: Arc<dyn Store>, tokens: usize) {
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
