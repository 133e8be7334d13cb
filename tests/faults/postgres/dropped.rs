//! Callers that go away in the middle of a verb.

use std::time::Duration;

use commerce_auth::{Origin, TokenStore, store::Insert};
use commerce_auth_test_servers::Postgres;
use support::{
    fresh::{CAP, fresh},
    records::{HOUR, NOW, grant, grant_of, subject},
};
use tokio::time::timeout;

use crate::postgres::{
    all_resumes, connect, create,
    locked::{let_go, lock_everything, nothing_is_left_behind},
    options,
};

/// Each verb is dropped later than the one before. The next caller, on the same connection, gets
/// the answer to its own call.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_caller_gets_its_own_answer() {
    let Some(server) = Postgres::start() else { return };
    let one_each = options(&server.url()).pipelined_connections(1).locking_connections(1);
    let store = one_each.connect().await.unwrap();
    all_resumes(&store).await;
    let generation = store.generation(&subject(), fresh()).await.unwrap();
    let theirs = store.generation(&grant_of(2, "next").subject, fresh()).await.unwrap();
    for round in 0..200_u64 {
        let patience = Duration::from_micros(round * 20);
        let (name, other) = (format!("dropped {round}"), format!("next {round}"));
        let grant = grant(&name);
        macro_rules! is_dropped {
            ($($call:expr;)*) => {$(
                let _ = timeout(patience, $call).await;
            )*};
        }
        is_dropped! {
            store.insert(&grant, &Origin::default(), generation, CAP, NOW);
            store.find(&grant.id, NOW);
            store.revoke(&grant.id, NOW, NOW + HOUR);
            create(&store);
        }
        let grant = grant_of(2, &other);
        assert_eq!(store.insert(&grant, &Origin::default(), theirs, CAP, NOW).await.unwrap(), Insert::Stored);
        assert_eq!(store.find(&grant.id, NOW).await.unwrap(), Some(grant));
    }
    nothing_is_left_behind(&server).await;
}

/// A caller that waited for a lock and went away does not delay the callers that come after the
/// lock is released.
#[tokio::test(flavor = "multi_thread")]
async fn who_waited_for_a_lock_leaves_nothing_behind() {
    let Some(server) = Postgres::start() else { return };
    let store = connect(&server).await;
    all_resumes(&store).await;
    let held = lock_everything(&server).await;
    for _ in 0..50 {
        assert!(timeout(Duration::from_millis(5), create(&store)).await.is_err());
    }
    let_go(&held).await;
    create(&store).await.unwrap();
    nothing_is_left_behind(&server).await;
}
