//! Documents for tests, and two numbers that change together.

use commerce_auth::{
    StateStore,
    error::StoreError,
    store::{
        Change, Changes, CommitOutcome, Document, DocumentId, Index, IndexEntry, Key, Partition, Put, Version,
    },
};
use time::OffsetDateTime;

pub fn partition(name: &str) -> Partition {
    Partition::of(&[name.as_bytes()])
}

pub fn key(number: u8) -> Key {
    Key { kind: "document".parse().unwrap(), id: DocumentId::from_bytes([number; 32]) }
}

pub fn version(number: u128) -> Version {
    Version::from_bytes(number.to_be_bytes())
}

/// Returns a put of a document whose version and content are this number.
pub fn put(key: Key, expects: Option<u128>, number: u128) -> Put {
    let bytes = number.to_string().into_bytes();
    let expects = expects.map(version);
    let (keep_until, expendable, index) = (None, false, Vec::new());
    Put { key, expects, version: version(number), keep_until, expendable, index, bytes }
}

pub fn document(number: u128) -> Document {
    Document { version: version(number), bytes: number.to_string().into_bytes() }
}

pub fn number(document: &Document) -> u128 {
    std::str::from_utf8(&document.bytes).unwrap().parse().unwrap()
}

/// Returns the entry of a document in the index of its partition.
pub fn entry(rank: i64) -> IndexEntry {
    IndexEntry { shop_wide: false, name: "index".parse().unwrap(), rank }
}

/// Returns the index of [`entry`].
pub fn index(partition: Partition) -> Index {
    Index { partition: Some(partition), name: "index".parse().unwrap() }
}

pub async fn commit(
    store: &impl StateStore,
    partition: &Partition,
    changes: Vec<Change>,
) -> Result<CommitOutcome, StoreError> {
    let changes = Changes::new(changes).expect("few changes");
    store.commit(partition, &changes, OffsetDateTime::UNIX_EPOCH).await
}

/// Adds one to documents 0 and `own` in one commit. `unique` is a version that no other call has. Returns true once it is
/// committed.
pub async fn add_to_both(
    store: &impl StateStore,
    partition: &Partition,
    own: u8,
    unique: u128,
) -> Result<bool, StoreError> {
    let keys = [key(0), key(own)];
    let found = store.load(partition, &keys).await?;
    let changes = keys.into_iter().zip(found).map(|(key, found)| {
        let next = found.as_ref().map_or(0, number) + 1;
        let expects = found.map(|found| found.version);
        Change::Put(Put { expects, version: version(unique), ..put(key, None, next) })
    });
    Ok(commit(store, partition, changes.collect()).await? == CommitOutcome::Committed)
}
