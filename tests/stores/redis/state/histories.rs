//! For random histories of documents, Redis returns the same answers as the memory store.

use std::{
    sync::{LazyLock, Mutex},
    time::Duration,
};

use commerce_auth::{
    StateStore,
    store::{
        Change, Changes, CommitOutcome, Index, IndexEntry, Key, Listed, Put, Version, memory::MemoryStore,
        redis::RedisStore,
    },
};
use proptest::{collection::vec, prelude::*, sample::select};
use time::OffsetDateTime;
use tokio::runtime::Runtime;

use super::{INDEX, SERVER, entry, key, open, partition, put, server, shop_index, tokio, url};

const OWNERS: [&str; 2] = ["a", "b"];
const DOCUMENTS: u64 = 5;

#[derive(Clone, Debug)]
enum Verb {
    Commit { owner: &'static str, parts: Vec<Part> },
    Load { owner: &'static str, documents: Vec<u64> },
    List { index: Index, at_once: usize },
    Sweep { ago: u64 },
}

/// One change in a commit.
#[derive(Clone, Debug)]
struct Part {
    document: u64,
    deed: Deed,
    /// True if the change expects the present version.
    is_right: bool,
    entries: Vec<IndexEntry>,
    /// In seconds.
    kept_for: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
enum Deed {
    Put,
    Delete,
    Check,
}

fn part() -> impl Strategy<Value = Part> {
    let deed = prop_oneof![5 => Just(Deed::Put), 2 => Just(Deed::Delete), 1 => Just(Deed::Check)];
    let entries = vec((any::<bool>(), -2..3_i64), 0..3).prop_map(|entries| {
        let mut entries: Vec<_> = entries.into_iter().map(|(wide, rank)| entry(wide, rank)).collect();
        entries.sort();
        entries.dedup_by_key(|entry| entry.shop_wide);
        entries
    });
    let (is_right, kept_for) = (prop::bool::weighted(0.9), prop::option::of(0..40_u64));
    (0..DOCUMENTS, deed, is_right, entries, kept_for).prop_map(
        |(document, deed, is_right, entries, kept_for)| Part { document, deed, is_right, entries, kept_for },
    )
}

fn verb() -> impl Strategy<Value = Verb> {
    let owner = || select(&OWNERS[..]);
    let indexes =
        [Some("a"), Some("b"), None].map(|owner| Index { partition: owner.map(partition), ..shop_index() });
    let index = select(indexes.to_vec());
    prop_oneof![
        8 => (owner(), vec(part(), 0..4)).prop_map(|(owner, mut parts)| {
            parts.sort_by_key(|part| part.document);
            parts.dedup_by_key(|part| part.document);
            Verb::Commit { owner, parts }
        }),
        2 => (owner(), prop::sample::subsequence((0..DOCUMENTS).collect::<Vec<_>>(), 0..4).prop_shuffle())
            .prop_map(|(owner, documents)| Verb::Load { owner, documents }),
        3 => (index, 1..4_usize).prop_map(|(index, at_once)| Verb::List { index, at_once }),
        1 => (0..30_u64).prop_map(|ago| Verb::Sweep { ago }),
    ]
}

/// Returns the changes, with versions from the memory store.
async fn changes(
    memory: &MemoryStore,
    owner: &str,
    parts: &[Part],
    now: OffsetDateTime,
    next: u64,
) -> Changes {
    let keys: Vec<_> = parts.iter().map(|part| key(part.document)).collect();
    let held = memory.load(&partition(owner), &keys).await.unwrap();
    let wrong = Version::from_bytes([0xff; 16]);
    let change = |(part, held): (&Part, Option<Version>)| {
        let expects = match held {
            held if part.is_right => held,
            Some(_) if part.document.is_multiple_of(2) => None,
            _ => Some(wrong),
        };
        let key = key(part.document);
        match (part.deed, expects) {
            (Deed::Put, expects) => Change::Put(Put {
                expects,
                keep_until: part.kept_for.map(|seconds| now + Duration::from_secs(seconds)),
                index: part.entries.clone(),
                ..put(part.document, None, next)
            }),
            (Deed::Delete, Some(expects)) => Change::Delete { key, expects },
            (Deed::Delete | Deed::Check, expects) => Change::Check { key, expects },
        }
    };
    let versions = held.into_iter().map(|held| held.map(|held| held.version));
    Changes::new(parts.iter().zip(versions).map(change).collect()).unwrap()
}

/// Reads a whole index, page by page.
async fn pages(store: &impl StateStore, index: &Index, at_once: usize) -> Vec<Listed> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(index, after.as_ref(), at_once).await.unwrap();
        assert!(page.len() <= at_once);
        let is_last = page.len() < at_once;
        after = page.last().map(|last| last.position.clone());
        all.extend(page);
        if is_last {
            return all;
        }
    }
}

/// Sweeps until nothing more is removed.
async fn swept(store: &impl StateStore, until: OffsetDateTime) -> usize {
    let mut removed = 0;
    loop {
        let now = store.sweep(until, 3).await.unwrap();
        assert!(now <= 3);
        if now == 0 {
            return removed;
        }
        removed += now;
    }
}

async fn same_answers(verbs: &[(u64, Verb)], store: &RedisStore) {
    let memory = MemoryStore::new();
    let mut now = OffsetDateTime::now_utc();
    for (place, (passes, verb)) in (1_u64..).zip(verbs) {
        now += Duration::from_secs(*passes);
        match verb {
            Verb::Commit { owner, parts } => {
                let changes = changes(&memory, owner, parts, now, place).await;
                let expected: CommitOutcome = memory.commit(&partition(owner), &changes, now).await.unwrap();
                let found = store.commit(&partition(owner), &changes, now).await.unwrap();
                assert_eq!(found, expected, "line {place}: {verb:?}");
            }
            Verb::Load { owner, documents } => {
                let keys: Vec<Key> = documents.iter().copied().map(key).collect();
                let expected = memory.load(&partition(owner), &keys).await.unwrap();
                assert_eq!(
                    store.load(&partition(owner), &keys).await.unwrap(),
                    expected,
                    "line {place}: {verb:?}"
                );
            }
            Verb::List { index, at_once } => {
                let expected = pages(&memory, index, *at_once).await;
                assert_eq!(pages(store, index, *at_once).await, expected, "line {place}: {verb:?}");
            }
            Verb::Sweep { ago } => {
                let until = now - Duration::from_secs(*ago);
                let expected = swept(&memory, until).await;
                assert_eq!(swept(store, until).await, expected, "line {place}: {verb:?}");
            }
        }
    }
    let keys: Vec<Key> = (0..DOCUMENTS).map(key).collect();
    for owner in OWNERS {
        let expected = memory.load(&partition(owner), &keys).await.unwrap();
        assert_eq!(store.load(&partition(owner), &keys).await.unwrap(), expected, "{owner} at the end");
        let index = Index { partition: Some(partition(owner)), name: INDEX.parse().unwrap() };
        assert_eq!(
            pages(store, &index, 100).await,
            pages(&memory, &index, 100).await,
            "{owner}'s index at the end"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]
    #[test]
    fn documents_are_those_of_the_memory_store(verbs in vec((0..9_u64, verb()), 1..60)) {
        static PLACE: LazyLock<Mutex<(Runtime, String)>> = LazyLock::new(|| Mutex::new((tokio(), url().unwrap())));
        if SERVER.is_some() {
            let place = PLACE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let (tokio, url) = &*place;
            let database = url.rsplit('/').next().unwrap();
            server().command(&format!("SELECT {database}\r\nFLUSHDB")).unwrap();
            tokio.block_on(async { same_answers(&verbs, &open(url).await).await });
        }
    }
}
