//! A server that is gone, silent, slow or disconnected.

use std::time::{Duration, Instant};

use commerce_auth::{TokenStore, error::StoreError, store::OpenError};
use commerce_auth_test_servers::{Postgres, Proxy};
use futures_util::future::join_all;
use support::records::{NOW, grant_id};

use crate::postgres::{SLACK, TIMEOUT, all_resumes, changes, connect, create, find, looks, options};

fn all_fail(answers: &[Result<(), StoreError>]) {
    assert!(answers.iter().all(Result::is_err), "a call succeeded without a server: {answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_at_the_start_is_connected_to_once_it_is() {
    let Some(server) = Postgres::start() else { return };
    server.stop();
    let refused = options(&server.url()).connect().await.unwrap_err();
    assert!(matches!(refused, OpenError::Unavailable(_)), "{refused:?}");
    server.restart();
    let store = connect(&server).await;
    all_resumes(&store).await;
    // The server may stop and start again.
    server.stop();
    all_fail(&looks(&store).await);
    all_fail(&changes(&store).await);
    server.restart();
    all_resumes(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_keeps_nobody_waiting() {
    let Some(server) = Postgres::start() else { return };
    let proxy = Proxy::to(server.port());
    let url = server.url_through(proxy.port());
    let store = options(&url).connect().await.unwrap();
    all_resumes(&store).await;
    proxy.silence(true);
    // First on existing connections, then on new ones.
    for _ in 0..2 {
        let crowd = join_all((0..100).map(|_| find(&store))).await;
        assert!(crowd.iter().all(Result::is_err));
        all_fail(&looks(&store).await);
        all_fail(&changes(&store).await);
    }
    let begun = Instant::now();
    let refused = options(&url).connect().await.unwrap_err();
    assert!(matches!(refused, OpenError::Unavailable(_)), "{refused:?}");
    assert!(begun.elapsed() < TIMEOUT + SLACK, "it took {:?}", begun.elapsed());
    proxy.silence(false);
    all_resumes(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_stopped_in_its_tracks_keeps_nobody_waiting() {
    let Some(server) = Postgres::start() else { return };
    let store = connect(&server).await;
    all_resumes(&store).await;
    server.pause();
    all_fail(&looks(&store).await);
    all_fail(&changes(&store).await);
    server.resume();
    all_resumes(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_server_is_waited_for() {
    let Some(server) = Postgres::start() else { return };
    let proxy = Proxy::to(server.port());
    proxy.delay(Duration::from_millis(200));
    let patient = options(&server.url_through(proxy.port())).timeout(Duration::from_secs(5));
    let store = patient.connect().await.unwrap();
    // The first round opens connections.
    for _ in 0..2 {
        store.find(&grant_id("a"), NOW).await.unwrap();
    }
    create(&store).await.unwrap();
    let begun = Instant::now();
    let crowd = join_all((0..200).map(|_| find(&store))).await;
    assert!(crowd.iter().all(Result::is_ok), "{crowd:?}");
    // The callers share a few connections and do not wait for each other.
    assert!(begun.elapsed() < Duration::from_secs(3), "200 took {:?}", begun.elapsed());
    create(&store).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_fails_only_who_waits_for_an_answer() {
    let Some(server) = Postgres::start() else { return };
    let proxy = Proxy::to(server.port());
    let store = options(&server.url_through(proxy.port())).connect().await.unwrap();
    all_resumes(&store).await;
    for round in 0..5 {
        proxy.delay(Duration::from_millis(200));
        let finds = join_all((0..20).map(|_| find(&store)));
        let commits = join_all((0..4).map(|_| create(&store)));
        let cut = async {
            // Half the time that an answer takes.
            tokio::time::sleep(Duration::from_millis(100)).await;
            proxy.cut();
            proxy.delay(Duration::ZERO);
        };
        let (finds, commits, ()) = tokio::join!(finds, commits, cut);
        assert!(
            finds.iter().any(Result::is_err) && commits.iter().any(Result::is_err),
            "no connection was cut"
        );
        for number in 0..20 {
            let found = find(&store).await;
            assert!(found.is_ok(), "round {round}, find {number}: {found:?}");
            let committed = create(&store).await;
            assert!(committed.is_ok(), "round {round}, commit {number}: {committed:?}");
        }
    }
}

/// A slow server falls silent. The number of answers under way when the store
/// last checked the connection must not matter.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_server_that_falls_silent_keeps_nobody_waiting() {
    let Some(server) = Postgres::start() else { return };
    let proxy = Proxy::to(server.port());
    let store = options(&server.url_through(proxy.port())).connect().await.unwrap();
    all_resumes(&store).await;
    proxy.delay(Duration::from_millis(20));
    let callers = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..100 {
                find(&store).await.unwrap();
            }
        })
    });
    for caller in join_all(callers).await {
        caller.unwrap();
    }
    proxy.silence(true);
    all_fail(&looks(&store).await);
}
