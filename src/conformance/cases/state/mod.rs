//! Cases of the state store.

pub(in crate::conformance) mod broken;
pub(in crate::conformance) mod commits;
pub(in crate::conformance) mod documents;
pub(in crate::conformance) mod lists;
pub(in crate::conformance) mod races;
pub(in crate::conformance) mod times;

use time::OffsetDateTime;

use super::{at, ensure, just_before};
use crate::{
    conformance::Failure,
    store::{
        Change, Changes, CommitOutcome, Document, DocumentId, Key, Name, Partition, Put, StateStore, Version,
    },
};

const KIND: Name = Name::of("document");

fn partition(name: &str) -> Partition {
    Partition::of(&[name.as_bytes()])
}

/// Returns the document key with this number. Document keys are ordered like their numbers.
fn key(number: u64) -> Key {
    let mut id = [1; 32];
    let (front, _) = id.split_at_mut(8);
    front.copy_from_slice(&number.to_be_bytes());
    Key { kind: KIND, id: DocumentId::from_bytes(id) }
}

fn version(number: u64) -> Version {
    Version::from_bytes((u128::from(number) << 17 | 5).to_be_bytes())
}

/// Returns a put of a document whose version and content contain this number.
fn put(key: Key, expects: Option<Version>, number: u64) -> Put {
    Put {
        key,
        expects,
        version: version(number),
        keep_until: None,
        expendable: false,
        index: Vec::new(),
        bytes: content(number),
    }
}

fn content(number: u64) -> Vec<u8> {
    format!("{{\"number\":{number}}}").into_bytes()
}

fn document(number: u64) -> Document {
    Document { version: version(number), bytes: content(number) }
}

/// Commits at time 0.
async fn commit<S: StateStore>(
    store: &S,
    partition: &Partition,
    changes: Vec<Change>,
) -> Result<CommitOutcome, Failure> {
    commit_at(store, partition, changes, at(0)).await
}

async fn commit_at<S: StateStore>(
    store: &S,
    partition: &Partition,
    changes: Vec<Change>,
    now: OffsetDateTime,
) -> Result<CommitOutcome, Failure> {
    let changes = Changes::new(changes).map_err(|error| Failure::new(error.to_string()))?;
    Ok(store.commit(partition, &changes, now).await?)
}

/// Commits at time 0. The case fails if there is a conflict.
async fn committed<S: StateStore>(
    store: &S,
    partition: &Partition,
    changes: Vec<Change>,
) -> Result<(), Failure> {
    let outcome = commit(store, partition, changes).await?;
    ensure!(
        outcome == CommitOutcome::Committed,
        "a commit that expects the present versions returned {outcome:?}"
    );
    Ok(())
}

/// Commits at time 0. The case fails if the result is not a conflict with these present documents.
async fn conflicts<S: StateStore>(
    store: &S,
    partition: &Partition,
    changes: Vec<Change>,
    what: &str,
) -> Result<(), Failure> {
    let outcome = commit(store, partition, changes).await?;
    ensure!(matches!(outcome, CommitOutcome::Conflict(_)), "{what} returned {outcome:?}");
    Ok(())
}

async fn load<S: StateStore>(
    store: &S,
    partition: &Partition,
    key: &Key,
) -> Result<Option<Document>, Failure> {
    let mut documents = store.load(partition, std::slice::from_ref(key)).await?;
    ensure!(documents.len() == 1, "a load of one key returned {} documents", documents.len());
    Ok(documents.pop().flatten())
}

/// Checks that the stored document contains this number. If the number is none, checks that the
/// document is absent.
async fn holds<S: StateStore>(
    store: &S,
    partition: &Partition,
    key: &Key,
    number: Option<u64>,
    when: &str,
) -> Result<(), Failure> {
    let found = load(store, partition, key).await?;
    ensure!(found == number.map(document), "{when}: found {found:?} in place of {number:?}");
    Ok(())
}
