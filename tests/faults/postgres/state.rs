//! Commits of documents, and a server that fails in the middle of a commit.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use commerce_auth::{
    StateStore,
    store::{Change, CommitOutcome, Partition, Put, postgres::PostgresStore},
};
use commerce_auth_test_servers::{Postgres, Proxy};
use futures_util::future::join_all;
use support::{
    documents::{add_to_both, commit, document, key, number, partition, put, version},
    size,
};
use tokio::time::{sleep, timeout};

use crate::postgres::{
    SLACK, TIMEOUT, connect, in_time,
    locked::{another, let_go, nothing_is_left_behind},
    options, resumes,
};

/// Before the commit the document had version 1. Another node then restores version 1. If the
/// commit were sent again, it would be made a second time.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_reply_is_lost_is_an_error_and_is_sent_once() {
    let Some(server) = Postgres::start() else { return };
    let proxy = Proxy::to(server.port());
    let store = options(&server.url_through(proxy.port())).connect().await.unwrap();
    let other = connect(&server).await;
    let replace = |from, to| vec![Change::Put(put(key(0), Some(from), to))];
    for round in 0..5_u32 {
        let partition = partition(&round.to_string());
        let creation = vec![Change::Put(put(key(0), None, 1))];
        assert_eq!(commit(&store, &partition, creation).await.unwrap(), CommitOutcome::Committed);
        proxy.delay(Duration::from_millis(500));
        let lost = async {
            let answer = in_time("commit", commit(&store, &partition, replace(1, 2))).await;
            assert!(answer.is_err(), "a call succeeded without the server's answer: {answer:?}");
        };
        let cut = async {
            loop {
                let found = other.load(&partition, &[key(0)]).await.unwrap();
                if found == [Some(document(2))] {
                    break;
                }
                sleep(Duration::from_millis(5)).await;
            }
            // The commit is made, and the reply is on its way.
            proxy.cut();
            proxy.delay(Duration::ZERO);
            assert_eq!(commit(&other, &partition, replace(2, 1)).await.unwrap(), CommitOutcome::Committed);
        };
        tokio::join!(lost, cut);
        resumes("load", async || store.load(&partition, &[key(0)]).await).await;
        sleep(Duration::from_millis(100)).await;
        let found = other.load(&partition, &[key(0)]).await.unwrap();
        assert_eq!(found, [Some(document(1))], "the commit was sent again");
    }
}

const CALLERS: u8 = 16;

/// Returns the number of commits of each caller.
fn commits() -> u32 {
    size(100, 200)
}

/// Adds one to a shared number and to the caller's own number, many times. Returns how often it
/// succeeded. This includes commits with an unknown outcome that turned out to be made.
async fn adds(store: &PostgresStore, partition: Partition, own: u8, seen: &Seen) -> u128 {
    let mut made = 0;
    let mut done = 0;
    while done < commits() {
        let unique = u128::from(own) << 64 | u128::from(done);
        done += 1;
        match in_time("load and commit", add_to_both(store, &partition, own, unique)).await {
            Ok(committed) => {
                made += u128::from(committed);
                seen.answered.fetch_add(1, Ordering::SeqCst);
            }
            Err(_) => {
                seen.failed.fetch_add(1, Ordering::SeqCst);
                let found = resumes("load", async || store.load(&partition, &[key(own)]).await).await;
                // No other caller puts this document.
                let is_made = found[0].as_ref().is_some_and(|found| found.version == version(unique));
                made += u128::from(is_made);
            }
        }
        if seen.answered.load(Ordering::SeqCst) > usize::from(CALLERS) * commits() as usize / 2 {
            // Even if the first half finishes quickly, the callers of the second half find the
            // server gone.
            while !seen.killed.load(Ordering::SeqCst) {
                sleep(Duration::from_millis(1)).await;
            }
        }
    }
    made
}

#[derive(Default)]
struct Seen {
    answered: AtomicUsize,
    failed: AtomicUsize,
    killed: AtomicBool,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_leaves_each_commit_whole_or_unmade() {
    let Some(server) = Postgres::start().map(Arc::new) else { return };
    let nodes = [connect(&server).await, connect(&server).await];
    let (partition, seen) = (partition("a"), Seen::default());
    let callers = (1..=CALLERS).map(|own| adds(&nodes[usize::from(own % 2)], partition, own, &seen));
    let kill = async {
        while seen.answered.load(Ordering::SeqCst) < usize::from(CALLERS) * commits() as usize / 4 {
            sleep(Duration::from_millis(1)).await;
        }
        let killed = Arc::clone(&server);
        tokio::task::spawn_blocking(move || killed.kill()).await.unwrap();
        seen.killed.store(true, Ordering::SeqCst);
        while seen.failed.load(Ordering::SeqCst) < usize::from(CALLERS) {
            sleep(Duration::from_millis(1)).await;
        }
        let restarted = Arc::clone(&server);
        tokio::task::spawn_blocking(move || restarted.restart()).await.unwrap();
    };
    let (callers, ()) = tokio::join!(join_all(callers), kill);
    let mut total = 0;
    for (own, made) in (1..).zip(callers) {
        let found = nodes[0].load(&partition, &[key(own)]).await.unwrap();
        assert_eq!(found[0].as_ref().map_or(0, number), made, "caller {own}");
        total += made;
    }
    let found = nodes[1].load(&partition, &[key(0)]).await.unwrap();
    assert_eq!(found[0].as_ref().map_or(0, number), total, "a commit was made in part");
}

/// An administrator's transaction has locked a document's row. Commits of its partition wait, fail
/// in time and are not made later. Loads and other partitions continue.
#[tokio::test(flavor = "multi_thread")]
async fn one_partition_that_is_held_holds_up_no_other() {
    let Some(server) = Postgres::start() else { return };
    let store = connect(&server).await;
    let [mine, theirs] = ["mine", "theirs"].map(partition);
    let creation = || vec![Change::Put(put(key(0), None, 1))];
    assert_eq!(commit(&store, &mine, creation()).await.unwrap(), CommitOutcome::Committed);
    let held = another(&server).await;
    held.query("SELECT * FROM commerce_auth.documents FOR UPDATE", &[]).await.unwrap();
    let replace = vec![Change::Put(put(key(0), Some(1), 2))];
    let (waits, others) = tokio::join!(timeout(2 * TIMEOUT + SLACK, commit(&store, &mine, replace)), async {
        let begun = std::time::Instant::now();
        for number in 0..50 {
            let change = Put { keep_until: None, ..put(key(number), None, 1) };
            let made = commit(&store, &theirs, vec![Change::Put(change)]).await.unwrap();
            assert_eq!(made, CommitOutcome::Committed);
            assert_eq!(store.load(&mine, &[key(0)]).await.unwrap(), [Some(document(1))]);
        }
        begun.elapsed()
    });
    let waits = waits.expect("it ends in time");
    assert!(!matches!(waits, Ok(CommitOutcome::Committed | CommitOutcome::Full)), "{waits:?}");
    assert!(others < TIMEOUT, "the other calls took {others:?}");
    // The server gives up a little later than the caller.
    sleep(TIMEOUT).await;
    let_go(&held).await;
    nothing_is_left_behind(&server).await;
    assert_eq!(
        store.load(&mine, &[key(0)]).await.unwrap(),
        [Some(document(1))],
        "the commit was made after it was refused"
    );
    let again = vec![Change::Put(put(key(0), Some(1), 3))];
    assert_eq!(commit(&store, &mine, again).await.unwrap(), CommitOutcome::Committed);
}

/// Each commit is dropped later than the one before. It is made completely or not at all. The next
/// caller, on the same connection, gets the answer to its own call.
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_commit_leaves_the_connection_to_the_next() {
    let Some(server) = Postgres::start() else { return };
    let one_each = options(&server.url()).pipelined_connections(1).locking_connections(1);
    let store = one_each.connect().await.unwrap();
    for round in 0..200_u64 {
        let [dropped, next] = ["dropped", "next"].map(|name| partition(&format!("{name} {round}")));
        let both = |number| [0, 1].map(|place| Change::Put(put(key(place), None, number))).to_vec();
        let _ = timeout(Duration::from_micros(round * 20), commit(&store, &dropped, both(1))).await;
        let _ = timeout(Duration::from_micros(round * 20), store.load(&dropped, &[key(0)])).await;
        assert_eq!(commit(&store, &next, both(2)).await.unwrap(), CommitOutcome::Committed);
        let found = store.load(&next, &[key(1), key(0)]).await.unwrap();
        assert_eq!(found, [Some(document(2)), Some(document(2))]);
        let found = store.load(&dropped, &[key(0), key(1)]).await.unwrap();
        assert_eq!(found[0], found[1], "a part of the commit was made");
    }
    nothing_is_left_behind(&server).await;
}
