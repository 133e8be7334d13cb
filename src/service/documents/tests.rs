use std::{
    io,
    pin::pin,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use async_trait::async_trait;
use futures_lite::future::{block_on, poll_once};
use time::OffsetDateTime;

use super::*;
use crate::{
    clock::SystemClock,
    random::danger::SeededRandom,
    state::{DocumentError, Step},
    store::{DocumentId, Index, Listed, Name, Position, memory::MemoryStore},
};

/// A transition that adds one to a count, up to a limit. Its answer also depends on a second
/// document, which it does not change.
struct Add {
    limit: u8,
}

impl Transition for Add {
    /// The answer is true if the count was below the limit.
    type Answer = bool;

    fn keys(&self) -> Vec<Key> {
        vec![key(0), key(1)]
    }

    fn apply(&self, documents: &[Option<&[u8]>], _now: OffsetDateTime) -> Result<Step<bool>, DocumentError> {
        let count = documents[0].map_or(0, |bytes| bytes[0]);
        if count == u8::MAX {
            return Err(DocumentError::Newer { found: 2, known: 1 });
        }
        let (answer, first) = match count < self.limit {
            true => (true, content(count + 1)),
            false => (false, Write::Keep),
        };
        Ok(Step { answer, writes: vec![first, Write::Keep] })
    }
}

fn content(count: u8) -> Write {
    Write::Put(Content { bytes: vec![count], keep_until: None, expendable: false, index: Vec::new() })
}

fn key(number: u8) -> Key {
    Key { kind: Name::of("test"), id: DocumentId::from_bytes([number; 32]) }
}

fn partition() -> Partition {
    Partition::of(&[b"an account"])
}

/// A function that is called before each commit, with the commit's number and changes. If the
/// function returns a result, the commit has this result and the store is not called.
type Hook = dyn Fn(usize, &MemoryStore, &Changes) -> Option<Result<CommitOutcome, StoreError>> + Send + Sync;

/// A memory store that counts its calls, and calls a hook before each commit.
struct Hooked {
    inner: MemoryStore,
    hook: Box<Hook>,
    loads: AtomicUsize,
    commits: AtomicUsize,
}

impl Hooked {
    fn calls(&self) -> (usize, usize) {
        (self.loads.load(Ordering::Relaxed), self.commits.load(Ordering::Relaxed))
    }

    fn count(&self) -> u8 {
        count(&self.inner)
    }
}

fn count(store: &MemoryStore) -> u8 {
    let documents = block_on(StateStore::load(store, &partition(), &[key(0)])).unwrap();
    documents[0].as_ref().map_or(0, |document| document.bytes[0])
}

/// A change of the count by another writer, which causes a conflict.
fn set(store: &MemoryStore, to: u8) {
    let random = SystemRandom::default();
    let documents = block_on(StateStore::load(store, &partition(), &[key(0)])).unwrap();
    let expects = documents[0].as_ref().map(|document| document.version);
    let put = Put {
        key: key(0),
        expects,
        version: Version::draw(&random).unwrap(),
        keep_until: None,
        expendable: false,
        index: Vec::new(),
        bytes: vec![to],
    };
    let changes = Changes::new(vec![Change::Put(put)]).unwrap();
    let outcome = block_on(store.commit(&partition(), &changes, OffsetDateTime::UNIX_EPOCH)).unwrap();
    assert_eq!(outcome, CommitOutcome::Committed);
}

type SystemRandom = crate::random::ChaChaRandom;

impl std::fmt::Debug for Hooked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hooked(..)")
    }
}

#[async_trait]
impl StateStore for Hooked {
    async fn load(&self, partition: &Partition, keys: &[Key]) -> Result<Vec<Option<Document>>, StoreError> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        StateStore::load(&self.inner, partition, keys).await
    }

    async fn commit(
        &self,
        partition: &Partition,
        changes: &Changes,
        now: OffsetDateTime,
    ) -> Result<CommitOutcome, StoreError> {
        let number = self.commits.fetch_add(1, Ordering::Relaxed);
        match (self.hook)(number, &self.inner, changes) {
            Some(answer) => answer,
            None => self.inner.commit(partition, changes, now).await,
        }
    }

    async fn list(
        &self,
        index: &Index,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        StateStore::list(&self.inner, index, after, limit).await
    }

    async fn sweep(&self, until: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.inner.sweep(until, limit).await
    }
}

fn documents(
    hook: impl Fn(usize, &MemoryStore, &Changes) -> Option<Result<CommitOutcome, StoreError>>
    + Send
    + Sync
    + 'static,
) -> (Documents, Arc<Hooked>) {
    let (inner, hook) = (MemoryStore::new(), Box::new(hook));
    let store = Arc::new(Hooked { inner, hook, loads: AtomicUsize::new(0), commits: AtomicUsize::new(0) });
    let random = Arc::new(SeededRandom::from_seed([7; 32]));
    (Documents::new(store.clone(), Arc::new(SystemClock), random), store)
}

fn add(documents: &Documents, limit: u8) -> Result<Changed<bool>, StoreError> {
    block_on(documents.change(&partition(), &Add { limit }))
}

fn source(error: &StoreError) -> String {
    std::error::Error::source(error).unwrap().to_string()
}

#[test]
fn a_change_can_move_between_threads() {
    fn moves<F: Send>(_: F) {}
    let (documents, _) = documents(|_, _, _| None);
    moves(documents.change(&partition(), &Add { limit: 1 }));
}

#[test]
fn a_change_is_a_load_and_a_commit_and_a_refusal_is_a_load() {
    let (documents, store) = documents(|_, _, _| None);
    assert_eq!(add(&documents, 1).unwrap(), Changed::Answer(true));
    assert_eq!(store.calls(), (1, 1));
    assert_eq!(add(&documents, 1).unwrap(), Changed::Answer(false));
    assert_eq!(store.calls(), (2, 1));
}

#[test]
fn a_commit_names_every_document_that_was_loaded() {
    let named = Arc::new(Mutex::new(Vec::new()));
    let (documents, _) = documents({
        let named = named.clone();
        move |_, _, changes| {
            named
                .lock()
                .unwrap()
                .extend(changes.iter().map(|change| (change.key().clone(), change.expects())));
            None
        }
    });
    add(&documents, 1).unwrap();
    assert_eq!(*named.lock().unwrap(), [(key(0), None), (key(1), None)]);
}

#[test]
fn a_conflict_is_retried_with_the_documents_it_answers() {
    let (documents, store) = documents(|number, inner, _| {
        if number == 0 {
            set(inner, 5);
        }
        None
    });
    assert_eq!(add(&documents, 6).unwrap(), Changed::Answer(true));
    assert_eq!(store.count(), 6);
    assert_eq!(store.calls(), (1, 2), "nobody else had a turn, so nothing is loaded again");
}

#[test]
fn a_refusal_after_a_conflict_takes_no_turn() {
    let (documents, store) = documents(|number, inner, _| {
        if number == 0 {
            set(inner, 6);
        }
        None
    });
    let turn = block_on(documents.turns.take(&partition()));
    let began = Instant::now();
    assert_eq!(add(&documents, 6).unwrap(), Changed::Answer(false));
    assert!(began.elapsed() < Turns::LONGEST);
    assert_eq!(store.calls(), (1, 1));
    drop(turn);
}

#[test]
fn a_commit_whose_outcome_is_unknown_is_not_sent_again() {
    let (documents, store) = documents(|_, inner, changes| {
        let committed = block_on(inner.commit(&partition(), changes, OffsetDateTime::UNIX_EPOCH)).unwrap();
        assert_eq!(committed, CommitOutcome::Committed);
        Some(Err(StoreError::new(io::Error::from(io::ErrorKind::ConnectionReset))))
    });
    assert!(add(&documents, 9).is_err());
    assert_eq!((store.calls(), store.count()), ((1, 1), 1));
}

#[test]
fn endless_conflicts_end_as_unavailable() {
    let (documents, store) = documents(|_, inner, _| {
        set(inner, count(inner) ^ 1);
        None
    });
    let began = Instant::now();
    let error = add(&documents, 9).unwrap_err();
    assert_eq!(source(&error), "too many conflicts with other writers of the same documents");
    assert!(began.elapsed() >= Documents::PATIENCE);
    let (_, commits) = store.calls();
    assert!((10..=300).contains(&commits), "{commits} commits in 2 s");
}

#[test]
fn a_full_store_and_an_unreadable_document_are_passed_on() {
    let (documents, store) = documents(|_, _, _| Some(Ok(CommitOutcome::Full)));
    assert_eq!(add(&documents, 9).unwrap(), Changed::Full);
    set(&store.inner, u8::MAX);
    assert!(source(&add(&documents, 9).unwrap_err()).contains("format 2"));
    assert_eq!(store.count(), u8::MAX);
}

#[test]
fn a_conflict_that_leaves_out_a_document_is_an_error() {
    let (documents, _) = documents(|_, _, _| Some(Ok(CommitOutcome::Conflict(vec![None]))));
    assert!(source(&add(&documents, 9).unwrap_err()).contains("1 documents for 2 keys"));
}

#[test]
fn parallel_callers_lose_no_change_and_go_no_further_than_the_limit() {
    let (documents, store) = documents(|_, _, _| {
        thread::yield_now();
        None
    });
    let made: usize = thread::scope(|scope| {
        let callers: Vec<_> = (0..20)
            .map(|_| {
                scope.spawn(|| {
                    let made = (0..20).filter(|_| add(&documents, 200).unwrap() == Changed::Answer(true));
                    made.count()
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).sum()
    });
    assert_eq!((made, store.count()), (200, 200));
    let (loads, commits) = store.calls();
    assert!(loads + commits <= 4 * 400, "{loads} loads and {commits} commits of 400 callers");
}

/// A change that is polled once during its turn and then never again.
#[test]
fn a_change_that_is_polled_no_more_delays_others_by_one_turn() {
    let (documents, _) = documents(|number, inner, _| {
        // Each change has one conflict, but the first change has two.
        if number == 1 || number % 2 == 0 {
            set(inner, count(inner));
        }
        None
    });
    let (partition, transition) = (partition(), Add { limit: 200 });
    let mut left_alone = pin!(documents.change(&partition, &transition));
    // After two conflicts, this change has the turn and pauses.
    assert!(block_on(poll_once(&mut left_alone)).is_none());
    let began = Instant::now();
    for _ in 0..10 {
        assert_eq!(add(&documents, 200).unwrap(), Changed::Answer(true));
    }
    let took = began.elapsed();
    assert!(took <= Turns::LONGEST + Duration::from_millis(200), "{took:?}");
}
