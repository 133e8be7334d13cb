//! PostgreSQL fails or stalls while a node appends.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use commerce_auth::{
    audit::{AuditSink, Verifier},
    store::postgres::PostgresOptions,
};
use tokio_postgres::NoTls;

use crate::audit_chain::{
    database::Database,
    events::{event, record},
    keyring,
};

/// The time that a caller waits for its record.
const TIMEOUT: Duration = Duration::from_secs(3);

/// A caller that comes late in a stall is not timed out together with the callers that have waited
/// longer.
#[tokio::test(flavor = "multi_thread")]
async fn who_comes_late_in_a_stall_has_time_of_its_own() {
    let Some(database) = Database::postgres() else { return };
    let Database::Postgres { server, schema } = &database else { unreachable!() };
    let keyring = keyring();
    let options = PostgresOptions::new(server.url()).schema(schema).timeout(TIMEOUT);
    let trail = options.connect().await.unwrap().audit(Some(&keyring));
    trail.record(&event(0)).await.unwrap();
    let (holder, connection) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    let lock = format!("BEGIN; SELECT pg_advisory_xact_lock({schema}.lock_of('audit', ''))");
    holder.batch_execute(&lock).await.unwrap();

    let recorded = |number, after: u32| {
        let trail = trail.clone();
        tokio::spawn(async move {
            tokio::time::sleep(TIMEOUT * after / 100).await;
            let begun = Instant::now();
            (trail.record(&event(number)).await, begun.elapsed())
        })
    };
    // The second caller has its turn when the first one's time is over, and little of its time is
    // left. The third one is in the same group.
    let (first, second, third) = (recorded(1, 0), recorded(2, 25), recorded(3, 95));
    tokio::time::sleep(TIMEOUT * 150 / 100).await;
    holder.batch_execute("ROLLBACK").await.unwrap();
    for late in [first, second] {
        let (recorded, waited) = late.await.unwrap();
        assert!(recorded.is_err() && waited < TIMEOUT * 120 / 100, "{recorded:?} after {waited:?}");
    }
    third.await.unwrap().0.unwrap();
    let report = trail.verify(Verifier::new(&keyring, &[])).await.unwrap();
    assert!(report.is_clean(), "{report:?}");
}

/// The error is reported once, and the trail continues.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_tells_that_the_end_was_cut_off() {
    let Some(database) = Database::postgres() else { return };
    let keyring = keyring();
    let trail = database.node(Some(&keyring)).await;
    let cuts = [
        "DELETE FROM {schema}.audit_events WHERE position > 10",
        "UPDATE {schema}.audit_events SET link = sha256(link) \
         WHERE position = (SELECT max(position) FROM {schema}.audit_events)",
        "DELETE FROM {schema}.audit_events",
    ];
    for (cut, number) in cuts.into_iter().zip((0..).step_by(100)) {
        record(&*trail, number..number + 20).await;
        database.by_hand(cut);
        let told = trail.record(&event(number + 20)).await.unwrap_err();
        let source = told.source().expect("the cause").to_string();
        assert!(source.contains("audit trail truncated"), "{cut}: {source}");
        trail.record(&event(number + 20)).await.unwrap();
    }
    // Records that another node appends in between are not taken for a lost end.
    let other = database.node(Some(&keyring)).await;
    record(&*trail, 300..310).await;
    record(&*other, 310..320).await;
    record(&*trail, 320..330).await;
    let report = trail.verify(Verifier::new(&keyring, &[])).await;
    assert!(report.is_clean() && report.records == 31, "{report:?}");
}
