//! The checks of a node when it connects, and the databases that it refuses.

use std::time::{Duration, Instant};

use commerce_auth::{
    Origin, StateStore, TokenStore,
    audit::{AuditSink, Verifier},
    keyring::{KeyId, Keyring},
    store::{
        Change, CommitOutcome, OpenError, Put,
        postgres::{PostgresOptions, PostgresStore},
    },
    token::Subject,
};
use support::{
    documents::{self, commit, document, key, partition, put, version},
    fresh::{CAP, fresh},
    records::{HOUR, NOW, grant, said, subject},
};

use crate::{
    postgres::{Schema, new_name},
    trail::event,
};

#[tokio::test(flavor = "multi_thread")]
async fn ten_nodes_that_connect_at_once_make_one_schema() {
    let Some(schema) = Schema::new() else { return };
    let of = |number: i32| Subject::Customer(number.into());
    let nodes: Vec<_> = (0..10)
        .map(|number| {
            let options = schema.options();
            tokio::spawn(async move {
                let node = options.connect().await?;
                node.revoke_all(&of(number), None, fresh(), NOW).await.map_err(OpenError::from)
            })
        })
        .collect();
    let store = schema.open().await;
    for (number, node) in (0..).zip(nodes) {
        let moved = node.await.unwrap().unwrap();
        assert_eq!(store.generation(&of(number), fresh()).await.unwrap(), moved);
    }
    assert_eq!(schema.by_hand("SELECT count(*) FROM {}.schema_version"), "1");
}

#[tokio::test]
async fn the_schema_by_default_is_the_crates_own() {
    let Some(schema) = Schema::new() else { return };
    let store = PostgresStore::connect(&schema.server.url()).await.unwrap();
    store.revoke_everything(fresh(), NOW).await.unwrap();
    assert_eq!(schema.by_hand("SELECT length(shop_generation) FROM commerce_auth.epoch"), "16");
}

#[tokio::test]
async fn what_is_no_schema_is_refused() {
    // No server listens there: the settings are refused before any connection.
    let named =
        async |name: &str| PostgresOptions::new("postgres://x@127.0.0.1:1/x").schema(name).connect().await;
    let long = "x".repeat(64);
    for name in ["", "1a", "a-b", "A", "pg_auth", "pg_", "a\"b", "a b", "é", "a.b", "a\0", "{schema}", &long]
    {
        let refused = named(name).await.unwrap_err();
        assert!(matches!(refused, OpenError::Invalid(_)), "{name:?}: {refused:?}");
    }
    for name in ["_", "a", "pgauth", "_1", &long[..63]] {
        let refused = named(name).await.unwrap_err();
        assert!(matches!(refused, OpenError::Unavailable(_)), "{name:?}: {refused:?}");
    }
}

#[tokio::test]
async fn what_is_no_address_is_refused_and_not_repeated() {
    for address in [
        "",
        "mysql://marker:marker@127.0.0.1/",
        "postgres://marker:marker@127.0.0.1:port/marker",
        "postgres://marker:marker@127.0.0.1/?marker=marker",
    ] {
        let refused = PostgresStore::connect(address).await.unwrap_err();
        assert!(matches!(refused, OpenError::Invalid(_)), "{address}: {refused:?}");
        assert!(!said(&refused).contains("marker"), "{}", said(&refused));
    }
    let options = PostgresOptions::new("postgres://marker:marker@127.0.0.1:1/marker");
    assert!(!format!("{options:?}").contains("marker"), "{options:?}");
    let refused = options.connect().await.unwrap_err();
    assert!(matches!(refused, OpenError::Unavailable(_)));
    assert!(!said(&refused).contains("marker"), "{}", said(&refused));
}

/// `connect` has no TLS, and refuses an address that demands it.
#[tokio::test]
async fn an_address_that_demands_tls_needs_a_connector() {
    let Some(schema) = Schema::new() else { return };
    let url = format!("{}?sslmode=require", schema.server.url());
    let refused = PostgresStore::connect(&url).await.unwrap_err();
    assert!(matches!(refused, OpenError::Invalid(_)), "{refused:?}");
}

#[tokio::test]
async fn a_newer_release_has_been_here() {
    let Some(schema) = Schema::new() else { return };
    drop(schema.open().await);
    schema.by_hand("UPDATE {}.schema_version SET version = 7");
    for migrate in [true, false] {
        let refused = schema.options().migrate(migrate).connect().await.unwrap_err();
        assert!(matches!(refused, OpenError::NewerSchema { found: 7, known: 1 }), "{refused:?}");
    }
}

#[tokio::test]
async fn a_node_that_is_told_to_make_nothing_makes_nothing() {
    let Some(schema) = Schema::new() else { return };
    let here = || schema.by_hand("SELECT count(*) FROM pg_namespace WHERE nspname = '{}'");
    let refused = schema.options().migrate(false).connect().await.unwrap_err();
    assert!(matches!(refused, OpenError::NotMigrated { found: 0, needed: 1 }), "{refused:?}");
    assert_eq!(here(), "0");
    drop(schema.open().await);
    schema.options().migrate(false).connect().await.unwrap();
}

#[tokio::test]
async fn a_user_who_may_only_use_the_tables_is_enough() {
    let Some(schema) = Schema::new() else { return };
    drop(schema.open().await);
    let clerk = new_name();
    for grant in [
        "CREATE ROLE {clerk} LOGIN",
        "GRANT USAGE ON SCHEMA {} TO {clerk}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {} TO {clerk}",
    ] {
        schema.by_hand(&grant.replace("{clerk}", &clerk));
    }
    let url = schema.server.url().replace("postgres@", &format!("{clerk}@"));
    let options = PostgresOptions::new(url).schema(&schema.name);
    for migrate in [false, true] {
        let store = options.clone().migrate(migrate).connect().await.unwrap();
        every_verb(&store).await;
    }
}

/// Calls each verb once, each with something to do.
pub(crate) async fn every_verb(store: &PostgresStore) {
    let grant = grant("a");
    let generation = store.generation(&subject(), fresh()).await.unwrap();
    let _ = store.insert(&grant, &Origin::default(), generation, CAP, NOW).await.unwrap();
    assert_eq!(store.find(&grant.id, NOW).await.unwrap(), Some(grant.clone()));
    assert_eq!(store.grants(&subject(), 100, NOW).await.unwrap().len(), 1);
    assert!(store.revoke(&grant.id, NOW, NOW).await.unwrap());
    store.revoke_all(&subject(), None, fresh(), NOW).await.unwrap();
    store.revoke_everything(fresh(), NOW).await.unwrap();
    store.purge_tokens(NOW + 2 * HOUR, 10).await.unwrap();
    let keyring = Keyring::new(KeyId(1), [7; 32]).unwrap();
    let trail = store.audit(Some(&keyring));
    let event = event(u8::try_from(trail.events(10).await.unwrap().len()).unwrap());
    trail.record(&event).await.unwrap();
    assert_eq!(trail.events(1).await.unwrap(), [event]);
    let head = trail.checkpoint().await.unwrap().unwrap();
    assert!(trail.verify(Verifier::new(&keyring, &[head]).since(head)).await.unwrap().is_clean());
    assert_eq!(trail.erase(&Subject::Customer(1.into())).await.unwrap(), 1);
    assert_eq!(trail.prune(head).await.unwrap(), head.position - 1);
    every_verb_of_documents(store).await;

    assert!(!store.customers().remove(&1.into()).await.unwrap());
    assert!(!store.admins().remove(&7.into()).await.unwrap());
}

async fn every_verb_of_documents(store: &PostgresStore) {
    let (partition, index) = (partition("a"), documents::index(partition("a")));
    let creation = |keep_until| {
        let put = put(key(0), None, 1);
        vec![Change::Put(Put { keep_until, index: vec![documents::entry(1)], ..put })]
    };
    let removal = || vec![Change::Delete { key: key(0), expects: version(1) }];
    assert_eq!(commit(store, &partition, creation(None)).await.unwrap(), CommitOutcome::Committed);
    assert_eq!(store.load(&partition, &[key(0)]).await.unwrap(), [Some(document(1))]);
    assert_eq!(StateStore::list(store, &index, None, 10).await.unwrap().len(), 1);
    assert_eq!(commit(store, &partition, removal()).await.unwrap(), CommitOutcome::Committed);
    let conflict = CommitOutcome::Conflict(vec![None]);
    assert_eq!(commit(store, &partition, removal()).await.unwrap(), conflict);
    assert_eq!(commit(store, &partition, creation(Some(NOW))).await.unwrap(), CommitOutcome::Committed);
    assert_eq!(store.sweep(NOW, 10).await.unwrap(), 1);
}

#[tokio::test]
async fn a_user_who_may_not_make_a_schema_is_told_so() {
    let (Some(schema), Some(theirs)) = (Schema::new(), Schema::new()) else { return };
    drop(theirs.open().await);
    let stranger = new_name();
    schema.by_hand(&format!("CREATE ROLE {stranger} LOGIN"));
    let url = schema.server.url().replace("postgres@", &format!("{stranger}@"));
    let refused = PostgresOptions::new(&url).schema(&schema.name).connect().await.unwrap_err();
    assert!(matches!(refused, OpenError::NotPermitted { .. }), "{refused:?}");
    assert!(!said(&refused).contains(&schema.name), "{}", said(&refused));
    for migrate in [true, false] {
        let options = PostgresOptions::new(&url).schema(&theirs.name).migrate(migrate);
        let refused = options.connect().await.unwrap_err();
        assert!(matches!(refused, OpenError::NotPermitted { .. }), "migrate {migrate}: {refused:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_to_be_unavailable_in_time() {
    // A listener that never answers.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://x@{}/x", mute.local_addr().unwrap());
    let begun = Instant::now();
    let options = PostgresOptions::new(url).timeout(Duration::from_millis(300));
    let refused = options.connect().await.unwrap_err();
    assert!(matches!(refused, OpenError::Unavailable(_)), "{refused:?}");
    assert!(begun.elapsed() < Duration::from_secs(5), "it took {:?}", begun.elapsed());
}
