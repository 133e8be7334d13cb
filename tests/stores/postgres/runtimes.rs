//! Connections stay on the runtime that opened them. A caller may be on another runtime, or on
//! none.

use std::{
    thread,
    time::{Duration, Instant},
};

use commerce_auth::{
    Origin, StateStore, TokenStore,
    store::{Change, CommitOutcome, Insert},
};
use support::{
    documents::{add_to_both, commit, document, key, partition, put},
    fresh::{CAP, fresh},
    records::{NOW, grant, subject},
};
use tokio::runtime::Runtime;

use crate::postgres::Schema;

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_needs_no_runtime() {
    let Some(schema) = Schema::new() else { return };
    let store = schema.open().await;
    let asks = move || {
        pollster::block_on(async {
            let grant = grant("a");
            let generation = store.generation(&subject(), fresh()).await?;
            assert_eq!(store.insert(&grant, &Origin::default(), generation, CAP, NOW).await?, Insert::Stored);
            assert_eq!(store.find(&grant.id, NOW).await?, Some(grant));
            let creation = vec![Change::Put(put(key(0), None, 1))];
            assert_eq!(commit(&store, &partition("a"), creation).await?, CommitOutcome::Committed);
            assert_eq!(store.load(&partition("a"), &[key(0)]).await?, [Some(document(1))]);
            Ok::<_, commerce_auth::error::StoreError>(())
        })
    };
    thread::spawn(asks).join().unwrap().unwrap();
}

#[test]
fn who_asks_may_be_on_another_runtime() {
    let Some(schema) = Schema::new() else { return };
    let (one, other) = (Runtime::new().unwrap(), Runtime::new().unwrap());
    let store = one.block_on(schema.open());
    other.block_on(async {
        for number in 0..6 {
            assert!(add_to_both(&store, &partition("a"), 1, number).await.unwrap());
            store.generation(&subject(), fresh()).await.unwrap();
        }
    });
    drop(other);
    assert!(one.block_on(add_to_both(&store, &partition("a"), 1, 6)).unwrap());
}

#[test]
fn a_runtime_that_is_gone_is_an_error() {
    let Some(schema) = Schema::new() else { return };
    let runtime = Runtime::new().unwrap();
    let store = runtime.block_on(schema.open());
    drop(runtime);
    let begun = Instant::now();
    pollster::block_on(async {
        let grant = grant("a");
        store.find(&grant.id, NOW).await.unwrap_err();
        store.generation(&subject(), fresh()).await.unwrap_err();
        store.revoke(&grant.id, NOW, NOW).await.unwrap_err();
        store.load(&partition("a"), &[key(0)]).await.unwrap_err();
        add_to_both(&store, &partition("a"), 1, 1).await.unwrap_err();
        store.sweep(NOW, 1).await.unwrap_err();
        store.audit(None).events(1).await.unwrap_err();
    });
    assert!(begun.elapsed() < Duration::from_secs(5), "they took {:?}", begun.elapsed());
    // Either within another runtime or without one.
    Runtime::new().unwrap().block_on(store.find(&grant("a").id, NOW)).unwrap_err();
}

#[test]
fn without_a_runtime_nothing_is_connected() {
    let Some(schema) = Schema::new() else { return };
    let refused = pollster::block_on(schema.options().connect()).unwrap_err();
    assert!(matches!(refused, commerce_auth::store::OpenError::Invalid(_)), "{refused:?}");
}
