//! Many callers record at once, on two nodes: there is one chain, with every event once.

use std::collections::HashSet;

use commerce_auth::{audit::Verifier, keyring::KeyId};

use crate::audit_chain::{
    database::Database,
    events::{event, record},
    keyring, on_both,
};

const WRITERS: u64 = 16;
const EVENTS: u64 = 50;

async fn sixteen_writers_on_two_nodes_keep_one_chain(database: &Database) {
    let keyring = keyring();
    let nodes = [database.node(Some(&keyring)).await, database.node(Some(&keyring)).await];
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (node, keyring) = (nodes[usize::from(writer % 2 == 1)].clone(), keyring.clone());
            tokio::spawn(async move {
                for number in 0..EVENTS {
                    // Each event is recorded by two callers, one on each node, at about the same
                    // time.
                    node.record(&event(writer / 2 * EVENTS + number)).await.unwrap();
                    if (writer, number) == (0, EVENTS / 2) {
                        keyring.make_current(KeyId(2)).unwrap();
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let all = WRITERS / 2 * EVENTS;
    let head = nodes[0].checkpoint().await.unwrap();
    let report = nodes[1].verify(Verifier::new(&keyring, &[head])).await;
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!((report.records, report.signed, head.position), (all, all, all));
    let ids: HashSet<_> = nodes[0].events().await.iter().map(|event| event.id).collect();
    assert_eq!(ids.len() as u64, all);
}

/// A node without a keyring is reported. The chain of the other nodes continues after its records.
async fn a_node_without_a_key_does_not_break_the_chain(database: &Database) {
    let keyring = keyring();
    let (with, without) = (database.node(Some(&keyring)).await, database.node(None).await);
    record(&*without, 0..10).await;
    assert_eq!(with.checkpoint().await, None);
    record(&*with, 10..20).await;
    record(&*without, 20..23).await;
    record(&*with, 23..30).await;
    record(&*without, 20..23).await;
    let report = with.verify(Verifier::new(&keyring, &[])).await;
    assert_eq!((report.records, report.signed, report.found), (30, 17, 3), "{:?}", report.findings);
    let found: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [21, 22, 23].map(|at| format!("record {at}: not signed, although an earlier record is"))
    );
    assert_eq!(with.events().await, (0..30).map(event).collect::<Vec<_>>());
}

async fn what_is_recorded_twice_is_kept_once(database: &Database) {
    let keyring = keyring();
    let nodes = [database.node(Some(&keyring)).await, database.node(Some(&keyring)).await];
    let twice = (0..100).chain(0..100);
    tokio::join!(record(&*nodes[0], twice.clone()), record(&*nodes[1], twice));
    let report = nodes[0].verify(Verifier::new(&keyring, &[])).await;
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!(report.records, 100);
}

on_both! {
    sixteen_writers_on_two_nodes_keep_one_chain,
    a_node_without_a_key_does_not_break_the_chain,
    what_is_recorded_twice_is_kept_once,
}
