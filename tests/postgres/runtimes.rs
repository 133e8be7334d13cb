//! Connections live on the runtime that made them. Who asks may be on another one, or on none.

use std::{
    thread,
    time::{Duration, Instant},
};

use commerce_auth::{
    Origin,
    store::{Insert, OtcStore, Reserve, Take, ThrottleStore, TokenStore},
};
use tokio::runtime::Runtime;

use crate::{
    Schema,
    records::{NOW, attempt, code, grant, presented, subject},
};

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_needs_no_runtime() {
    let Some(schema) = Schema::new() else { return };
    let store = schema.open().await;
    let asks = move || {
        pollster::block_on(async {
            let (grant, code) = (grant("a"), code("a"));
            let generation = store.generation(&subject()).await?;
            assert_eq!(store.insert(&grant, &Origin::default(), generation, NOW).await?, Insert::Stored);
            assert_eq!(store.find(&grant.digest, NOW).await?, Some(grant));
            assert!(store.put(&code, 3, NOW).await?);
            assert!(matches!(store.take(&presented(&code), None, NOW).await?, Take::Taken(_)));
            assert_eq!(store.reserve(&attempt(1, "a"), NOW).await?, Reserve::Reserved);
            Ok::<_, commerce_auth::StoreError>(())
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
            assert_eq!(store.reserve(&attempt(number, "a"), NOW).await.unwrap(), Reserve::Reserved);
            store.generation(&subject()).await.unwrap();
        }
    });
    drop(other);
    assert_eq!(one.block_on(store.reserve(&attempt(6, "a"), NOW)).unwrap(), Reserve::Busy);
}

#[test]
fn a_runtime_that_is_gone_is_an_error() {
    let Some(schema) = Schema::new() else { return };
    let runtime = Runtime::new().unwrap();
    let store = runtime.block_on(schema.open());
    drop(runtime);
    let begun = Instant::now();
    pollster::block_on(async {
        let (grant, code) = (grant("a"), code("a"));
        store.find(&grant.digest, NOW).await.unwrap_err();
        store.generation(&subject()).await.unwrap_err();
        store.revoke(&grant.digest, NOW, NOW).await.unwrap_err();
        store.take(&presented(&code), None, NOW).await.unwrap_err();
        store.reserve(&attempt(1, "a"), NOW).await.unwrap_err();
        store.audit_events(1).await.unwrap_err();
    });
    assert!(begun.elapsed() < Duration::from_secs(5), "they took {:?}", begun.elapsed());
    // Whether within another runtime or not.
    Runtime::new().unwrap().block_on(store.find(&grant("a").digest, NOW)).unwrap_err();
}

#[test]
fn without_a_runtime_nothing_is_connected() {
    let Some(schema) = Schema::new() else { return };
    let refused = pollster::block_on(schema.options().connect()).unwrap_err();
    assert!(matches!(refused, commerce_auth::store::OpenError::Invalid(_)), "{refused:?}");
}
