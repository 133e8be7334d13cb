//! Redis as a store of documents, beyond the suite: random histories compared with the memory
//! store, lifetimes of keys, and faults of the server and the connection.

mod faults;
mod histories;
mod kept;
mod refusing;

use commerce_auth::{
    StateStore,
    store::{
        Change, Changes, CommitOutcome, Document, DocumentId, Index, IndexEntry, Key, Name, Partition, Put,
        Version,
    },
};
use commerce_auth_test_servers::Proxy;
use support::present::now;

use super::{SERVER, database, open, quiet, server, tokio, url};

#[tokio::test(flavor = "multi_thread")]
async fn every_verb_is_one_round_trip() {
    if SERVER.is_none() {
        return;
    }
    let proxy = Proxy::to(server().port());
    let store = quiet(format!("{}{}", server().url_through(proxy.port()), database())).await;
    let index = Index { partition: Some(partition("a")), name: INDEX.parse().unwrap() };
    // In the first round the scripts are loaded.
    for round in 0..2 {
        macro_rules! takes_one_turn {
            ($($call:expr;)*) => {$(
                let before = proxy.turns();
                $call.await;
                let turns = proxy.turns() - before;
                assert!(round == 0 || turns == 1, "{} took {turns} round trips", stringify!($call));
            )*};
        }
        let (first, second) = (key(2 * round), key(2 * round + 1));
        let listed = Put { index: vec![entry(false, 1)], ..put(2 * round + 1, None, 1) };
        takes_one_turn! {
            committed(&store, "a", vec![Change::Put(put(2 * round, None, 1)), Change::Put(listed.clone())]);
            async { store.load(&partition("a"), &[first.clone(), second.clone()]).await.unwrap() };
            conflicts(&store, "a", vec![Change::Put(put(2 * round, None, 1))]);
            async { store.list(&index, None, 10).await.unwrap() };
            committed(&store, "a", vec![Change::Delete { key: second.clone(), expects: version(1) }]);
            async { store.sweep(now(), 10).await.unwrap() };
        }
    }
}

// ---- Documents ----------------------------------------------------------------------------------------------

const INDEX: &str = "index";

fn partition(name: &str) -> Partition {
    Partition::of(&[name.as_bytes()])
}

fn key(number: u64) -> Key {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&number.to_be_bytes());
    Key { kind: "document".parse().unwrap(), id: DocumentId::from_bytes(id) }
}

fn version(number: u64) -> Version {
    Version::from_bytes(u128::from(number).to_be_bytes())
}

fn entry(shop_wide: bool, rank: i64) -> IndexEntry {
    let name: Name = INDEX.parse().unwrap();
    IndexEntry { shop_wide, name, rank }
}

fn shop_index() -> Index {
    Index { partition: None, name: INDEX.parse().unwrap() }
}

/// A document with this number and version. Its content is its version.
fn put(number: u64, expects: Option<u64>, next: u64) -> Put {
    Put {
        key: key(number),
        expects: expects.map(version),
        version: version(next),
        keep_until: None,
        expendable: false,
        index: Vec::new(),
        bytes: next.to_string().into_bytes(),
    }
}

async fn commit(store: &impl StateStore, owner: &str, changes: Vec<Change>) -> CommitOutcome {
    store.commit(&partition(owner), &Changes::new(changes).unwrap(), now()).await.unwrap()
}

async fn committed(store: &impl StateStore, owner: &str, changes: Vec<Change>) {
    assert_eq!(commit(store, owner, changes).await, CommitOutcome::Committed);
}

async fn conflicts(store: &impl StateStore, owner: &str, changes: Vec<Change>) {
    let outcome = commit(store, owner, changes).await;
    assert!(matches!(outcome, CommitOutcome::Conflict(_)), "{outcome:?}");
}

async fn load(store: &impl StateStore, owner: &str, number: u64) -> Option<Document> {
    store.load(&partition(owner), &[key(number)]).await.unwrap().pop().unwrap()
}

fn numbers(found: &[commerce_auth::store::Listed]) -> Vec<u64> {
    let number = |id: &DocumentId| u64::from_be_bytes(id.as_bytes()[..8].try_into().unwrap());
    found.iter().map(|listed| number(&listed.position.key.id)).collect()
}
