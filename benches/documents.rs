//! The verbs of documents on the durable backends, by one caller and by 64 at once. Prints one line
//! of JSON for each row.

use std::{sync::Arc, time::Duration};

use commerce_auth::{
    StateStore,
    store::{
        Change, Changes, CommitOutcome, DocumentId, Index, IndexEntry, Key, Partition, Put, Version,
        postgres::PostgresStore, redis::RedisStore, sqlite::SqliteStore,
    },
    token::Digest,
};
use commerce_auth_benches::{Attempt, random_digests, sizes, timed};
use commerce_auth_test_servers::{Postgres, Redis};
use serde_json::json;
use time::OffsetDateTime;
use tokio::runtime::Runtime;

/// The number of callers at once.
const CALLERS: [usize; 2] = [1, 64];
/// The number of documents in a list, and in a sweep.
const MANY: usize = 100;
const INDEX: &str = "listed";

/// Returns the number of steps of each caller.
fn steps() -> usize {
    if sizes().len() > 1 { 200 } else { 2 }
}

fn main() {
    let tokio = Runtime::new().expect("tokio starts");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let store = SqliteStore::open(folder.path().join("auth.db")).expect("a file can be made");
    measure(&tokio, "sqlite", store);
    if let Some(server) = Postgres::start() {
        let store = tokio.block_on(PostgresStore::connect(&server.url())).expect("the server listens");
        measure(&tokio, "postgres", store);
    }
    if let Some(server) = Redis::start_with(&["--appendfsync", "everysec"]) {
        let store = tokio.block_on(RedisStore::connect(&server.url())).expect("the server listens");
        measure(&tokio, "redis", store);
    }
}

fn measure<S: StateStore>(tokio: &Runtime, backend: &str, store: S) {
    let store = Arc::new(store);
    for callers in CALLERS {
        let digests = random_digests(callers * steps());
        let commits = run(tokio, &store, callers, &digests, commit_two);
        // The loads read the committed documents.
        let loads = run(tokio, &store, callers, &digests, load_two);
        tokio.block_on(put_many(&*store, digests[0], None));
        let lists = run(tokio, &store, callers, &vec![digests[0]; digests.len()], list_many);
        let mut rows = vec![("commit of two", commits), ("load of two", loads), ("list of 100", lists)];
        if callers == 1 {
            rows.push(("sweep of 100", sweeps(tokio, &*store)));
        }
        for (verb, time) in rows {
            println!(
                "{}",
                json!({ "backend": backend, "verb": verb, "callers": callers, "ns": time.as_nanos() })
            );
        }
    }
}

/// Returns the time of a step.
fn run<S: StateStore, F: Future<Output = ()> + Send>(
    tokio: &Runtime,
    store: &Arc<S>,
    callers: usize,
    digests: &[Digest],
    step: impl Fn(Arc<S>, Digest) -> F + Clone + Send + 'static,
) -> Duration {
    let store = Arc::clone(store);
    let whole = timed(tokio, callers, digests.to_vec(), move |digest| step(Arc::clone(&store), digest));
    whole / u32::try_from(digests.len()).expect("few steps")
}

async fn commit_two<S: StateStore>(store: Arc<S>, digest: Digest) {
    let attempt = Attempt::at(digest);
    let outcome = store.commit(&attempt.account, &attempt.changes(), OffsetDateTime::now_utc()).await;
    assert_eq!(outcome.expect("the store answers"), CommitOutcome::Committed);
}

async fn load_two<S: StateStore>(store: Arc<S>, digest: Digest) {
    let attempt = Attempt::at(digest);
    let held = store.load(&attempt.account, &attempt.keys()).await.expect("the store answers");
    assert!(held.iter().all(Option::is_some));
}

fn index_of(digest: Digest) -> Index {
    let partition = Partition::of(&[b"many", digest.as_bytes()]);
    Index { partition: Some(partition), name: INDEX.parse().expect("a name") }
}

async fn list_many<S: StateStore>(store: Arc<S>, digest: Digest) {
    let found = store.list(&index_of(digest), None, MANY).await.expect("the store answers");
    assert_eq!(found.len(), MANY);
}

/// Stores the documents for a list or a sweep.
async fn put_many(store: &impl StateStore, digest: Digest, keep_until: Option<OffsetDateTime>) {
    let Index { partition, name } = index_of(digest);
    let partition = partition.expect("an index of a partition");
    for ids in random_digests(MANY).chunks(Changes::MAX) {
        let put = |id: &Digest| {
            Change::Put(Put {
                key: Key {
                    kind: "many".parse().expect("a name"),
                    id: DocumentId::from_bytes(*id.as_bytes()),
                },
                expects: None,
                version: Version::from_bytes([1; 16]),
                keep_until,
                expendable: false,
                index: vec![IndexEntry { shop_wide: false, name: name.clone(), rank: 0 }],
                bytes: vec![b'x'; 280],
            })
        };
        let changes = Changes::new(ids.iter().map(put).collect()).expect("few changes");
        let outcome = store.commit(&partition, &changes, OffsetDateTime::now_utc()).await;
        assert_eq!(outcome.expect("the store answers"), CommitOutcome::Committed);
    }
}

/// Returns the mean time of a sweep that removes this many documents. Redis may read others, too,
/// and need more than one call.
fn sweeps(tokio: &Runtime, store: &impl StateStore) -> Duration {
    let mut whole = Duration::ZERO;
    for digest in random_digests(steps()) {
        let over = OffsetDateTime::now_utc() - time::Duration::MINUTE;
        tokio.block_on(put_many(store, digest, Some(over)));
        let begun = std::time::Instant::now();
        let mut left = MANY;
        while left > 0 {
            left -= tokio.block_on(store.sweep(over, left)).expect("the store answers");
        }
        whole += begun.elapsed();
    }
    whole / u32::try_from(steps()).expect("few steps")
}
