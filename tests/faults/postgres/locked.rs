//! Another client holds a lock for a long time: an administrator's open transaction.

use std::time::{Duration, Instant};

use commerce_auth::CustomerStore;
use commerce_auth_test_servers::Postgres;
use futures_util::future::join_all;
use tokio_postgres::{Client, NoTls};

use crate::postgres::{TIMEOUT, all_resumes, changes, create, find, in_time, looks, options};

/// Opens another client with an open transaction.
pub(crate) async fn another(server: &Postgres) -> Client {
    let (client, connection) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("BEGIN").await.unwrap();
    client
}

/// Opens a client that blocks all writes.
pub(crate) async fn lock_everything(server: &Postgres) -> Client {
    let client = another(server).await;
    let tables = "grants, bars, subjects, epoch, audit_events, customers, admins, \
                  documents, entries";
    for table in tables.split(", ") {
        let lock = format!("LOCK TABLE commerce_auth.{table} IN SHARE ROW EXCLUSIVE MODE");
        client.batch_execute(&lock).await.unwrap();
    }
    client
}

pub(crate) async fn let_go(client: &Client) {
    client.batch_execute("ROLLBACK").await.unwrap();
}

/// Waits until no connection of the store is active or holds a lock, for at most half a minute.
pub(crate) async fn nothing_is_left_behind(server: &Postgres) {
    let left = "SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' \
                AND pid <> pg_backend_pid() AND state <> 'idle') + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')";
    let begun = Instant::now();
    while server.query(left).as_deref() != Some("0") {
        let activity = "SELECT state, wait_event_type, query FROM pg_stat_activity WHERE state <> 'idle'";
        let shown = || server.query(activity);
        assert!(begun.elapsed() < Duration::from_secs(30), "left behind: {:?}", shown());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_needs_the_lock_fails_in_time_and_who_looks_goes_on() {
    let Some(server) = Postgres::start() else { return };
    let store = options(&server.url()).locking_connections(2).connect().await.unwrap();
    all_resumes(&store).await;
    let held = lock_everything(&server).await;
    let writers = async {
        // More calls than connections, more than once.
        for _ in 0..2 {
            let many = join_all((0..4).map(|_| changes(&store))).await;
            let answers = many.as_flattened();
            assert!(
                answers.iter().all(Result::is_err),
                "a write succeeded in spite of the lock: {answers:?}"
            );
        }
        let removed = in_time("remove", store.customers().remove(&1.into())).await;
        assert!(removed.is_err(), "a write succeeded in spite of the lock");
    };
    let mut slowest = Duration::ZERO;
    let (mut looked, mut done) = (0, std::pin::pin!(writers));
    loop {
        let begun = Instant::now();
        let seen = looks(&store).await;
        assert!(seen.iter().all(Result::is_ok), "{seen:?}");
        store.customers().find_by_id(&1.into()).await.unwrap();
        slowest = slowest.max(begun.elapsed());
        looked += 1;
        if futures_util::future::poll_immediate(&mut done).await.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(looked > 20 && slowest < TIMEOUT, "{looked} reads, the slowest took {slowest:?}");
    let_go(&held).await;
    nothing_is_left_behind(&server).await;
    assert!(changes(&store).await.iter().all(Result::is_ok), "service did not resume at once");
}

/// An administrator's transaction locks the whole table. Even reads fail in time, and calls on
/// other tables continue.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_cannot_be_read_is_an_error_in_time() {
    let Some(server) = Postgres::start() else { return };
    let store = options(&server.url()).connect().await.unwrap();
    all_resumes(&store).await;
    let held = another(&server).await;
    held.batch_execute("LOCK TABLE commerce_auth.grants IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let crowd = join_all((0..50).map(|_| find(&store))).await;
    assert!(crowd.iter().all(Result::is_err));
    create(&store).await.unwrap();
    let_go(&held).await;
    all_resumes(&store).await;
}
