//! The example's store passes the suite for every store, and keeps its data over a restart.

#[path = "../../examples/bring_your_own_store/store.rs"]
mod store;

use std::{
    path::PathBuf,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use commerce_auth::{
    CustomerId, Origin, StateStore, TokenStore, Website,
    store::{
        Change, Changes, CommitOutcome, Document, DocumentId, GenerationId, Insert, Key, Partition, Put,
        Version,
    },
    store_conformance,
    token::{Grant, GrantId, Obtained, Subject},
};
use store::RedbStore;
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};

/// Returns the path of a new file.
fn new_path() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a folder can be made"));
    FOLDER.path().join(NEXT.fetch_add(1, Ordering::Relaxed).to_string())
}

store_conformance! {
    mod redb;
    runtime: {
        let tokio = tokio::runtime::Runtime::new().expect("tokio starts");
        move |future| tokio.block_on(future)
    };
    store: || async { RedbStore::open(&new_path()).expect("the file can be made") };
}

/// The suite cannot restart a store, so this test does.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_the_process() {
    let (path, now, next) =
        (new_path(), OffsetDateTime::now_utc(), OffsetDateTime::now_utc() + Duration::HOUR);
    let store = RedbStore::open(&path).unwrap();
    let (fresh, other) = (GenerationId::from_bytes([1; 16]), GenerationId::from_bytes([2; 16]));
    let subject = Subject::Customer(CustomerId::from(1));
    let moved = store.revoke_all(&subject, None, fresh, now).await.unwrap();
    let [kept, revoked] = ["kept", "revoked"].map(|name| {
        let id = GrantId::of(name.as_bytes());
        Grant::customer(id, CustomerId::from(1), Website::default(), Obtained::Password, now, next)
    });
    for grant in [&kept, &revoked] {
        let stored =
            store.insert(grant, &Origin::default(), moved, 9.try_into().unwrap(), now).await.unwrap();
        assert_eq!(stored, Insert::Stored);
    }
    store.revoke(&revoked.id, now, next).await.unwrap();
    let (partition, version) = (Partition::of(&[b"a"]), Version::from_bytes([7; 16]));
    let key = Key { kind: "document".parse().unwrap(), id: DocumentId::ONLY };
    let put = Put {
        key: key.clone(),
        expects: None,
        version,
        keep_until: None,
        expendable: false,
        index: Vec::new(),
        bytes: b"{}".to_vec(),
    };
    let changes = Changes::new(vec![Change::Put(put)]).unwrap();
    assert_eq!(store.commit(&partition, &changes, now).await.unwrap(), CommitOutcome::Committed);
    drop(store);

    let store = RedbStore::open(&path).unwrap();
    assert_eq!(store.generation(&subject, other).await.unwrap(), moved);
    assert_eq!(store.find(&kept.id, now).await.unwrap(), Some(kept));
    assert_eq!(store.find(&revoked.id, now).await.unwrap(), None);
    let again = store.insert(&revoked, &Origin::default(), moved, 9.try_into().unwrap(), now).await.unwrap();
    assert_eq!(again, Insert::Barred);
    let found = store.load(&partition, &[key]).await.unwrap();
    assert_eq!(found, [Some(Document { version, bytes: b"{}".to_vec() })]);
}
