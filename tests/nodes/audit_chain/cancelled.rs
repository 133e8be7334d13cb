//! Callers that go away, and connections that are lost.

use std::{collections::HashSet, time::Duration};

use commerce_auth::audit::Verifier;
use futures_util::future::join_all;

use crate::audit_chain::{
    database::Database,
    events::{event, record},
    keyring, on_both,
};

const EVENTS: u64 = 400;

/// Acknowledged events are in the trail. The others may be. Each event is there at most once.
async fn callers_that_go_away_do_not_break_the_chain(database: &Database) {
    let keyring = keyring();
    let nodes = [database.node(Some(&keyring)).await, database.node(Some(&keyring)).await];
    let callers = (0..EVENTS).map(|number| {
        let node = nodes[usize::from(number % 2 == 1)].clone();
        // Some callers are gone before they begin, some in the queue and some in the middle. Some
        // get their answer.
        let patience = Duration::from_micros(number * 100);
        tokio::spawn(async move {
            let recorded = tokio::time::timeout(patience, async { node.record(&event(number)).await });
            recorded.await.is_ok().then_some(number)
        })
    });
    let acknowledged: Vec<_> = join_all(callers).await.into_iter().filter_map(Result::unwrap).collect();
    record(&*nodes[0], [EVENTS]).await;
    record(&*nodes[1], [EVENTS + 1]).await;
    let report = nodes[0].verify(Verifier::new(&keyring, &[])).await;
    assert!(report.is_clean(), "{:?}", report.findings);
    let events = nodes[0].events().await;
    let ids: HashSet<_> = events.iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), events.len());
    for number in acknowledged {
        assert!(ids.contains(&event(number).id), "event {number} was acknowledged but is missing");
    }
    record(&*nodes[0], 0..EVENTS).await;
    let report = nodes[1].verify(Verifier::new(&keyring, &[])).await;
    assert!(report.is_clean() && report.records == EVENTS + 2, "{report:?}");
}

on_both! {
    callers_that_go_away_do_not_break_the_chain,
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_do_not_break_the_chain() {
    let Some(database) = Database::postgres() else { return };
    let keyring = keyring();
    let nodes = [database.node(Some(&keyring)).await, database.node(Some(&keyring)).await];
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%{schema}%append_records%' \
               AND pid <> pg_backend_pid()";
    let writers = (0..16_u64).map(|writer| {
        let node = nodes[usize::from(writer % 2 == 1)].clone();
        tokio::spawn(async move {
            let mut failed = 0;
            for number in 0..50 {
                // The audit queue would not retry: it only counts failures.
                while node.record(&event(writer * 50 + number)).await.is_err() {
                    failed += 1;
                }
            }
            failed
        })
    });
    let writers: Vec<_> = writers.collect();
    for _ in 0..10 {
        database.by_hand(cut);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let failed: u32 = join_all(writers).await.into_iter().map(Result::unwrap).sum();
    println!("{failed} calls failed");
    let report = nodes[0].verify(Verifier::new(&keyring, &[])).await;
    assert!(report.is_clean() && report.records == 800, "{report:?}");
}
