//! The keys of documents, their lifetimes, and the handling of unreadable ones.

use std::fmt::Write;

use commerce_auth::{
    StateStore,
    store::{Change, Changes, Index, Listed, Put, redis::RedisOptions},
};
use support::{
    present::{now, seconds},
    records::said,
};

use super::{
    super::ask, INDEX, commit, committed, entry, key, load, numbers, open, partition, put, shop_index, url,
    version,
};

fn number(answer: &str) -> i64 {
    answer.trim().trim_start_matches(':').parse().unwrap()
}

/// Returns the key of a document of partition `a`, in double quotes.
fn key_of(document: u64) -> String {
    let key = key(document);
    let name =
        [&partition("a").as_bytes()[..], key.kind.as_str().as_bytes(), b"\0", key.id.as_bytes()].concat();
    let name = name.iter().fold(String::new(), |mut name, byte| {
        write!(name, "\\x{byte:02x}").unwrap();
        name
    });
    format!("\"{{commerce_auth}}:d{name}\"")
}

async fn list(store: &impl StateStore, limit: usize) -> Vec<Listed> {
    store.list(&shop_index(), None, limit).await.unwrap()
}

#[tokio::test]
async fn documents_outlive_their_end_by_an_hour() {
    let Some(url) = url() else { return };
    let store = open(&url).await;
    let lasting = |expects, next, keep_until, index: &[_]| {
        Change::Put(Put { keep_until, index: index.to_vec(), ..put(0, expects, next) })
    };
    let soon = now() + seconds(600);
    let over = now() - seconds(600);
    let about = |expected: i64| {
        let found = number(&ask(&url, &format!("TTL {}", key_of(0))));
        let is_about = (expected - 30..=expected).contains(&found) && found != -2;
        assert!(is_about, "{found} in place of {expected}");
    };
    committed(&store, "a", vec![lasting(None, 1, Some(soon), &[])]).await;
    about(600 + 3600);
    committed(&store, "a", vec![lasting(Some(1), 2, Some(over), &[])]).await;
    about(3600);
    committed(&store, "a", vec![lasting(Some(2), 3, None, &[])]).await;
    about(-1);
    committed(&store, "a", vec![lasting(Some(3), 4, Some(soon), &[])]).await;
    about(600 + 3600);
    // A sweep removes the document together with its index entries.
    committed(&store, "a", vec![lasting(Some(4), 5, Some(soon), &[entry(true, 1)])]).await;
    about(-1);
    committed(&store, "a", vec![Change::Delete { key: key(0), expects: version(5) }]).await;
    let left = ask(&url, "KEYS *");
    assert!(left.starts_with("*1\r\n") && left.contains("version"), "{left}");
}

/// A number in a Redis script has 53 bits.
#[tokio::test]
async fn ranks_of_any_size_are_in_order() {
    let Some(url) = url() else { return };
    let store = open(&url).await;
    let edge = 1_i64 << 53;
    let ranks = [i64::MIN, i64::MIN + 1, -edge - 1, -edge, -1, 0, edge, edge + 1, i64::MAX - 1, i64::MAX];
    for (number, rank) in (0..).zip(ranks.into_iter().rev()) {
        let listed = Put { index: vec![entry(true, rank)], ..put(number, None, 1) };
        committed(&store, "a", vec![Change::Put(listed)]).await;
    }
    assert_eq!(list(&store, 20).await.iter().map(|listed| listed.position.rank).collect::<Vec<_>>(), ranks);
    let mut after = None;
    for rank in ranks {
        let page = store.list(&shop_index(), after.as_ref(), 1).await.unwrap();
        assert_eq!(page[0].position.rank, rank);
        after = Some(page[0].position.clone());
    }
    assert_eq!(store.list(&shop_index(), after.as_ref(), 1).await.unwrap(), []);
}

/// The state after a server has evicted documents.
#[tokio::test]
async fn entries_without_their_documents_are_skipped_and_removed() {
    let Some(url) = url() else { return };
    let store = open(&url).await;
    for first in (0..400).step_by(20) {
        let listed = |number| Put { index: vec![entry(true, 1)], ..put(number, None, 1) };
        let changes = (first..first + 20).map(|number| Change::Put(listed(number)));
        committed(&store, "a", changes.collect()).await;
    }
    for gone in 0..300 {
        assert_eq!(ask(&url, &format!("DEL {}", key_of(gone))), ":1\r\n");
    }
    // One of the documents is there again, but not in the index.
    committed(&store, "a", vec![Change::Put(put(7, None, 2))]).await;
    assert_eq!(numbers(&list(&store, 1).await), [300]);
    assert_eq!(numbers(&list(&store, 1_000).await), (300..400).collect::<Vec<_>>());
    assert_eq!(ask(&url, &format!("ZCARD {{commerce_auth}}:i{INDEX}")), ":100\r\n");
}

#[tokio::test]
async fn a_sweep_is_bounded_and_gets_there() {
    let Some(url) = url() else { return };
    let store = open(&url).await;
    let over = now() - seconds(1);
    for first in (0..2_500).step_by(25) {
        let put = |number: u64| {
            let index = if number.is_multiple_of(2) { vec![entry(true, 1)] } else { Vec::new() };
            Change::Put(Put { keep_until: Some(over), index, ..put(number, None, 1) })
        };
        committed(&store, "a", (first..first + 25).map(put).collect()).await;
    }
    committed(&store, "a", vec![Change::Put(put(9_999, None, 1))]).await;
    assert!(store.sweep(now(), 10).await.unwrap() <= 10);
    let most = store.sweep(now(), usize::MAX).await.unwrap();
    assert!(most < 2_000, "one sweep removed {most}");
    for _ in 0..20 {
        assert!(store.sweep(now(), 700).await.unwrap() <= 700);
    }
    let keys = ask(&url, "KEYS *:d*");
    assert!(keys.starts_with("*1\r\n"), "not only the document without an end is left: {}", &keys[..20]);
    assert_eq!(ask(&url, "KEYS *:i*"), "*0\r\n");
    assert!(load(&store, "a", 9_999).await.is_some());
}

#[tokio::test]
async fn documents_of_shops_on_one_server_are_apart() {
    let Some(url) = url() else { return };
    let shop = async |prefix: &str| RedisOptions::new(&*url).prefix(prefix).connect().await.unwrap();
    let (one, other) = (shop("one").await, shop("other").await);
    let over = Some(now() - seconds(1));
    let listed = Put { index: vec![entry(true, 1), entry(false, 1)], keep_until: over, ..put(0, None, 1) };
    committed(&one, "a", vec![Change::Put(listed)]).await;
    assert_eq!(load(&other, "a", 0).await, None);
    assert_eq!(list(&other, 10).await, []);
    let own = Index { partition: Some(partition("a")), name: INDEX.parse().unwrap() };
    assert_eq!(other.list(&own, None, 10).await.unwrap(), []);
    committed(&other, "a", vec![Change::Put(put(0, None, 2))]).await;
    committed(&other, "a", vec![Change::Delete { key: key(0), expects: version(2) }]).await;
    for _ in 0..5 {
        assert_eq!(other.sweep(now(), 100).await.unwrap(), 0);
    }
    assert_eq!(load(&one, "a", 0).await.map(|found| found.version), Some(version(1)));
    assert_eq!(one.list(&own, None, 10).await.unwrap().len(), 1);
    let keys = ask(&url, "KEYS *");
    let mut keys = keys.lines().filter(|line| line.contains(':'));
    assert!(keys.all(|key| key.starts_with("{one}:") || key.starts_with("{other}:")));
}

#[tokio::test]
async fn a_document_that_is_cut_is_an_error_of_that_call() {
    let Some(url) = url() else { return };
    let store = open(&url).await;
    let over = Some(now() - seconds(1));
    let broken = || Put { index: vec![entry(true, 1)], keep_until: over, ..put(0, None, 1) };
    committed(&store, "a", vec![Change::Put(put(1, None, 1))]).await;
    for length in 0..16 + 8 + 1 + 8 + 1 + INDEX.len() {
        ask(&url, &format!("DEL {}", key_of(0)));
        committed(&store, "a", vec![Change::Put(broken())]).await;
        let cut = "redis.call('SET',KEYS[1],redis.call('GET',KEYS[1]):sub(1,tonumber(ARGV[1])))";
        ask(&url, &format!("EVAL \"{cut}\" 1 {} {length}", key_of(0)));
        let loaded = store.load(&partition("a"), &[key(1), key(0)]).await;
        let error = loaded.expect_err(&format!("the first {length} bytes of a document were read"));
        assert!(!said(&error).contains("commerce_auth}"), "{}", said(&error));
        assert!(store.list(&shop_index(), None, 10).await.is_err(), "{length}");
        let over_it = Changes::new(vec![Change::Put(put(0, None, 2))]).unwrap();
        assert!(store.commit(&partition("a"), &over_it, now()).await.is_err(), "{length}");
        // The document stays unchanged, and a sweep continues beside it.
        committed(&store, "a", vec![Change::Put(Put { keep_until: over, ..put(2, None, 1) })]).await;
        assert_eq!(store.sweep(now(), 10).await.unwrap(), 1, "{length}");
        assert_eq!(ask(&url, &format!("STRLEN {}", key_of(0))), format!(":{length}\r\n"));
    }
    assert!(load(&store, "a", 1).await.is_some());
}

/// If an index cannot be written, no document is changed.
#[tokio::test]
async fn a_commit_is_not_made_in_part_beside_a_broken_index() {
    let Some(url) = url() else { return };
    let store = open(&url).await;
    committed(&store, "a", vec![Change::Put(put(0, None, 1))]).await;
    ask(&url, &format!("SET {{commerce_auth}}:i{INDEX} garbage"));
    let listed = Put { index: vec![entry(true, 1)], ..put(1, None, 1) };
    let changes = Changes::new(vec![Change::Put(put(0, Some(1), 2)), Change::Put(listed)]).unwrap();
    assert!(store.commit(&partition("a"), &changes, now()).await.is_err());
    assert_eq!(load(&store, "a", 0).await.map(|found| found.version), Some(version(1)));
    assert_eq!(load(&store, "a", 1).await, None);
    ask(&url, &format!("DEL {{commerce_auth}}:i{INDEX}"));
    assert_eq!(commit(&store, "a", changes.to_vec()).await, commerce_auth::store::CommitOutcome::Committed);
}
