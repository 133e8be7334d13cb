//! A pooler between the store and its server: it works if each session belongs to one client, and
//! is refused otherwise.

use commerce_auth::{StateStore, TokenStore, store::postgres::PostgresOptions};
use commerce_auth_test_servers::{PgBouncer, Proxy};
use futures_util::future::join_all;
use support::records::{NOW, grant_id, said};

use crate::postgres::{
    opening::every_verb,
    setup::{Database, unsuitable},
};

/// Returns a database whose settings are unsuitable for the store, and a pooler in front of it.
fn pooled(settings: &[&str]) -> Option<(Database, PgBouncer, PostgresOptions)> {
    let database = Database::new("")?;
    database.set(&["default_transaction_isolation = 'serializable'", "lock_timeout = '2s'"]);
    let pooler = PgBouncer::start(database.server, settings)?;
    let url = format!("postgres://postgres@127.0.0.1:{}/{}", pooler.port(), database.name);
    Some((database, pooler, PostgresOptions::new(url)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_in_session_mode_keeps_every_promise() {
    for settings in [&["pool_mode=session"][..], &["pool_mode=session", "ignore_startup_parameters=options"]]
    {
        let Some((database, pooler, options)) = pooled(settings) else { return };
        let store = options.clone().connect().await.unwrap();
        every_verb(&store).await;
        database.spy();
        store.sweep(NOW, 1).await.unwrap();
        assert_eq!(database.seen("transaction_isolation"), "read committed", "{}", pooler.log());
        assert_eq!(database.seen("lock_timeout"), "5000");
        drop(store);
        // Another node gets the sessions of the first one.
        let again = options.connect().await.unwrap();
        let nobody = grant_id("nobody");
        let looked = join_all((0..20).map(|_| again.find(&nobody, NOW))).await;
        assert!(looked.iter().all(Result::is_ok), "{looked:?}");
    }
}

#[tokio::test]
async fn a_pooler_that_hands_sessions_on_is_refused() {
    for settings in [
        &["pool_mode=transaction"][..],
        &["pool_mode=transaction", "ignore_startup_parameters=options"],
        &["pool_mode=statement"],
    ] {
        let Some((database, pooler, options)) = pooled(settings) else { return };
        for _ in 0..2 {
            let refused = unsuitable(options.clone().connect().await);
            assert!(refused.contains("pool_mode=session"), "{settings:?}: {refused}\n{}", pooler.log());
        }
        let tables = "SELECT count(*) FROM pg_namespace WHERE nspname = 'commerce_auth'";
        assert_eq!(database.by_hand(tables), "0", "no table was created");
    }
}

/// With many idle sessions, each transaction gets the next one.
#[tokio::test]
async fn a_pooler_that_takes_turns_is_refused() {
    for size in ["min_pool_size=5", "min_pool_size=6"] {
        let Some((_, pooler, options)) = pooled(&["pool_mode=transaction", "server_round_robin=1", size])
        else {
            return;
        };
        for _ in 0..6 {
            let refused = unsuitable(options.clone().connect().await);
            assert!(refused.contains("pool_mode=session"), "{size}: {refused}\n{}", pooler.log());
        }
    }
}

/// In transaction mode, a setting left by the store would change another program's session.
#[tokio::test]
async fn a_refused_store_leaves_no_setting_behind() {
    let Some((database, pooler, options)) = pooled(&["pool_mode=transaction"]) else { return };
    unsuitable(options.connect().await);
    let url = format!("postgres://postgres@127.0.0.1:{}/{}", pooler.port(), database.name);
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    for (name, kept) in [("lock_timeout", "2s"), ("search_path", "\"$user\", public"), ("row_security", "on")]
    {
        let shown = client.simple_query(&format!("SHOW {name}")).await.unwrap();
        let shown = shown.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        assert_eq!(shown, Some(kept), "{name}");
    }
    let mark = "SELECT coalesce(current_setting('commerce_auth.session', true), '')";
    let shown = client.simple_query(mark).await.unwrap();
    let shown = shown.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    assert_eq!(shown, Some(""), "the mark is taken back");
}

/// Settings left in a session would apply to the next client.
#[tokio::test]
async fn a_pooler_that_does_not_clean_up_is_refused() {
    let Some((_, pooler, options)) = pooled(&["pool_mode=session", "server_reset_query="]) else { return };
    // The first node finds no settings of an earlier one.
    drop(options.clone().connect().await);
    let refused = unsuitable(options.connect().await);
    assert!(refused.contains("DISCARD ALL"), "{refused}\n{}", pooler.log());
}

#[tokio::test]
async fn a_pooler_that_refuses_the_options_of_the_url_is_named() {
    let Some((database, pooler, _)) = pooled(&["pool_mode=session"]) else { return };
    let url = format!(
        "postgres://postgres@127.0.0.1:{}/{}?options=-c%20work_mem%3D8MB",
        pooler.port(),
        database.name
    );
    let refused = unsuitable(PostgresOptions::new(url).connect().await);
    assert!(refused.contains("leave `options` out"), "{refused}");
}

/// The pooler has fewer sessions than the store opens. Callers wait for one, and get an error in
/// time.
#[tokio::test]
async fn a_pooler_with_one_session_is_an_error_in_time() {
    let Some((_, _pooler, options)) = pooled(&["pool_mode=session", "default_pool_size=1"]) else { return };
    let refused = options.timeout(std::time::Duration::from_millis(500)).connect().await.unwrap_err();
    assert!(said(&refused).contains("no connection was free"), "{}", said(&refused));
}

/// The settings of a session are sent together with its statements.
#[tokio::test]
async fn pinning_costs_a_new_connection_no_round_trip() {
    let Some(database) = Database::new("") else { return };
    let proxy = Proxy::to(database.server.port());
    let url = format!("postgres://postgres@127.0.0.1:{}/{}", proxy.port(), database.name);
    let store = PostgresOptions::new(url).pipelined_connections(1).connect().await.unwrap();
    let before = proxy.turns();
    store.find(&grant_id("a"), NOW).await.unwrap();
    // The round trips are: startup, the check for a read-only server, the settings with the
    // statements, and the query.
    let turns = proxy.turns() - before;
    assert!(turns <= 6, "{turns} round trips");
}
