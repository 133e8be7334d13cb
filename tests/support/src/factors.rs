//! The stored documents of an admin user's second factor.

use std::sync::atomic::{AtomicU64, Ordering};

use commerce_auth::{
    StateStore,
    store::{Change, Changes, CommitOutcome, DocumentId, IndexEntry, Key, Partition, Put, Version},
};
use serde_json::Value;
use time::OffsetDateTime;

fn partition(admin: i64) -> Partition {
    Partition::of(&[b"admin id", admin.to_string().as_bytes()])
}

fn key(kind: &str) -> Key {
    Key { kind: kind.parse().expect("a name"), id: DocumentId::ONLY }
}

async fn load(store: &impl StateStore, admin: i64, kind: &str) -> Option<(Version, Value)> {
    let found = store.load(&partition(admin), &[key(kind)]).await.expect("the store answers").remove(0)?;
    Some((found.version, serde_json::from_slice(&found.bytes).expect("JSON")))
}

/// Returns the stored `factor` or `enrolment` of an admin user.
pub async fn stored(store: &impl StateStore, admin: i64, kind: &str) -> Option<Value> {
    Some(load(store, admin, kind).await?.1["document"].take())
}

/// Changes a stored `factor` or `enrolment` directly, without the library.
pub async fn meddle(store: &impl StateStore, admin: i64, kind: &str, change: impl FnOnce(&mut Value)) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let (expects, mut document) = load(store, admin, kind).await.expect("it is stored");
    let rank = document["document"]["secret"]["key"].as_i64().expect("the id of a key");
    change(&mut document);
    let entry = IndexEntry { shop_wide: true, name: "sealed-factors".parse().expect("a name"), rank };
    let put = Put {
        key: key(kind),
        expects: Some(expects),
        version: Version::from_bytes(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)).to_be_bytes()),
        keep_until: None,
        expendable: false,
        index: if kind == "factor" { vec![entry] } else { Vec::new() },
        bytes: serde_json::to_vec(&document).expect("JSON"),
    };
    let changes = Changes::new(vec![Change::Put(put)]).expect("one change");
    let outcome = store.commit(&partition(admin), &changes, OffsetDateTime::UNIX_EPOCH).await;
    assert_eq!(outcome.expect("the store answers"), CommitOutcome::Committed);
}
