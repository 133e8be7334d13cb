//! PostgreSQL fails in every way that a server can. No caller hangs, nothing acknowledged is lost,
//! no code is redeemed twice, and service resumes without a restart.
#![cfg(feature = "postgres")]

mod dropped;
mod kill;
mod locked;
mod network;
mod state;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use commerce_auth::{
    Origin, StateStore, TokenStore,
    error::StoreError,
    store::{
        Change, CommitOutcome,
        postgres::{PostgresOptions, PostgresStore},
    },
};
use commerce_auth_test_servers::Postgres;
use support::{
    documents,
    fresh::{CAP, fresh},
    records::{HOUR, NOW, grant, grant_id, subject},
};

/// The time limit of a verb, and the additional time that a busy machine may take.
const TIMEOUT: Duration = Duration::from_secs(1);
const SLACK: Duration = Duration::from_secs(1);

fn options(url: &str) -> PostgresOptions {
    PostgresOptions::new(url).timeout(TIMEOUT)
}

async fn connect(server: &Postgres) -> PostgresStore {
    options(&server.url()).connect().await.expect("the server is there")
}

/// Returns the answer. Fails if it took longer than a verb may take.
async fn in_time<T>(verb: &str, asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let answer = tokio::time::timeout(TIMEOUT + SLACK, asked).await;
    answer.unwrap_or_else(|_| panic!("{verb} takes longer than it may"))
}

/// Repeats a call until it succeeds, for at most half a minute.
async fn resumes<T>(verb: &str, ask: impl AsyncFn() -> Result<T, StoreError>) -> T {
    let begun = Instant::now();
    loop {
        match in_time(verb, ask()).await {
            Ok(answer) => return answer,
            Err(error) if begun.elapsed() > Duration::from_secs(30) => {
                panic!("{verb} did not resume: {error:?}")
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Calls the verb of every request.
async fn find(store: &PostgresStore) -> Result<(), StoreError> {
    in_time("find", store.find(&grant_id("a"), NOW)).await.map(drop)
}

/// Returns a number that no other call gets.
fn new_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Creates a document in a new partition.
async fn create(store: &PostgresStore) -> Result<(), StoreError> {
    let partition = documents::partition(&format!("new {}", new_number()));
    let creation = vec![Change::Put(documents::put(documents::key(0), None, 1))];
    match in_time("commit", documents::commit(store, &partition, creation)).await? {
        CommitOutcome::Committed => Ok(()),
        // The server has refused to run the commit.
        other => Err(StoreError::new(format!("{other:?}"))),
    }
}

/// Calls each verb that only reads, and returns the answers.
async fn looks(store: &PostgresStore) -> [Result<(), StoreError>; 5] {
    let partition = documents::partition("a");
    [
        in_time("generation", store.generation(&subject(), fresh())).await.map(drop),
        find(store).await,
        in_time("list", store.grants(&subject(), 100, NOW)).await.map(drop),
        in_time("load", store.load(&partition, &[documents::key(0)])).await.map(drop),
        in_time("list", StateStore::list(store, &documents::index(partition), None, 1)).await.map(drop),
    ]
}

/// Calls each verb that changes something, all at once, and returns the answers. Each verb has
/// something to change.
async fn changes(store: &PostgresStore) -> [Result<(), StoreError>; 4] {
    let number = new_number();
    let name = format!("change {number}");
    let grant = grant(&name);
    let (subject, origin) = (subject(), Origin::default());
    let other = grant_id(&format!("revoke {number}"));
    let insert = async {
        let generation = store.generation(&subject, fresh()).await?;
        store.insert(&grant, &origin, generation, CAP, NOW).await.map(|_| ())
    };
    let (insert, revoke, revoke_all, committed) = tokio::join!(
        in_time("insert", insert),
        in_time("revoke", store.revoke(&other, NOW, NOW + HOUR)),
        in_time("revoke_all", store.revoke_all(&subject, None, fresh(), NOW)),
        create(store),
    );
    [insert, revoke.map(drop), revoke_all.map(drop), committed]
}

/// Waits until every verb succeeds.
async fn all_resumes(store: &PostgresStore) {
    for _ in 0..16 {
        resumes("find", async || find(store).await).await;
        resumes("commit", async || create(store).await).await;
    }
    assert!(looks(store).await.iter().all(Result::is_ok));
    let changes = changes(store).await;
    assert!(changes.iter().all(Result::is_ok), "{changes:?}");
}
