//! Redis as a store: the whole suite on one node and on two, the lifetimes of keys, and the refused
//! settings and data.

#![cfg(feature = "redis")]

mod reached;
mod state;

use std::{
    env,
    fmt::Write as _,
    process::Command,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use commerce_auth::{
    Origin, StateStore, TokenStore,
    conformance::{self, Alternating},
    error::StoreError,
    store::{
        Change, Changes, CommitOutcome, DocumentId, Key, OpenError, Partition, Put, Version,
        redis::{RedisOptions, RedisStore},
    },
    store_conformance,
};
use commerce_auth_test_servers::{Proxy, Redis};
use support::{
    fresh::{CAP, fresh},
    present::{self, customer, generation, grant, insert, lives, now, seconds},
    records::said,
};
use tokio::runtime::Runtime;

use crate::trips::waits_of_a_sign_in;

/// Each test has a separate database.
static SERVER: LazyLock<Option<Redis>> = LazyLock::new(|| Redis::start_with(&["--databases", "2000"]));
static DATABASES: AtomicUsize = AtomicUsize::new(0);

fn database() -> usize {
    DATABASES.fetch_add(1, Ordering::Relaxed)
}

fn server() -> &'static Redis {
    SERVER.as_ref().expect("there is a server: the test would have been skipped")
}

/// Returns the address of an unused database. None if there is no server.
fn url() -> Option<String> {
    SERVER.as_ref().map(|server| format!("{}{}", server.url(), database()))
}

async fn open(url: &str) -> RedisStore {
    RedisStore::connect(url).await.expect("the server is there")
}

/// Returns a store whose background task sends no command during the test.
async fn quiet(url: String) -> RedisStore {
    RedisOptions::new(url).timeout(seconds(600)).connect().await.unwrap()
}

/// Returns the bytes as a command's argument, in double quotes.
fn escaped(bytes: &[u8; 32]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "\\x{byte:02x}").unwrap();
        text
    })
}

fn tokio() -> Runtime {
    Runtime::new().expect("tokio starts")
}

store_conformance! {
    mod one_node;
    skip_unless: SERVER.is_some();
    runtime: { let tokio = tokio(); move |future| tokio.block_on(future) };
    store: || async { open(&url().unwrap()).await };
}

store_conformance! {
    mod two_nodes;
    skip_unless: SERVER.is_some();
    runtime: { let tokio = tokio(); move |future| tokio.block_on(future) };
    store: || async {
        let url = url().unwrap();
        Alternating::new([open(&url).await, open(&url).await])
    };
}

/// The same suite, if Valkey is installed.
static VALKEY: LazyLock<Option<Redis>> = LazyLock::new(|| Redis::start_valkey_with(&["--databases", "2000"]));

store_conformance! {
    mod valkey;
    skip_unless: VALKEY.is_some();
    runtime: { let tokio = tokio(); move |future| tokio.block_on(future) };
    store: || async { open(&format!("{}{}", VALKEY.as_ref().unwrap().url(), database())).await };
}

#[test]
fn every_error_has_a_source() {
    if SERVER.is_none() {
        return;
    }
    let tokio = tokio();
    let broken = || async {
        let proxy = Proxy::to(server().port());
        let store = open(&server().url_through(proxy.port())).await;
        proxy.refuse(true);
        proxy.cut();
        store
    };
    conformance::tokens::run_broken(|future| tokio.block_on(future), broken).unwrap();
    conformance::state::run_broken(|future| tokio.block_on(future), broken).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_verb_is_one_round_trip() {
    if SERVER.is_none() {
        return;
    }
    let proxy = Proxy::to(server().port());
    let store = quiet(format!("{}{}", server().url_through(proxy.port()), database())).await;
    // In the first round the scripts are loaded.
    for round in 0..2 {
        let grant = grant(&format!("{round}"), 1);
        let subject = customer(1);
        let known = generation(&store, &subject).await;
        macro_rules! takes_one_turn {
            ($($call:expr;)*) => {$(
                let before = proxy.turns();
                $call.await.unwrap();
                let turns = proxy.turns() - before;
                assert!(round == 0 || turns == 1, "{} took {turns} round trips", stringify!($call));
            )*};
        }
        takes_one_turn! {
            store.generation(&subject, fresh());
            async { store.insert(&grant, &Origin::default(), known, CAP, now()).await.map(|_| ()) };
            store.find(&grant.id, now());
            store.grants(&subject, 100, now());
            store.revoke(&grant.id, now(), now());
            store.revoke_all(&subject, None, fresh(), now());
            store.revoke_everything(fresh(), now());
            store.purge_tokens(now(), 10);
            store.load(&Partition::of(&[b"looked at"]), &[counted(0, None).key]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_waits_for_three_round_trips() {
    if SERVER.is_none() {
        return;
    }
    let proxy = Proxy::to(server().port());
    let store = quiet(format!("{}{}", server().url_through(proxy.port()), database())).await;
    assert_eq!(waits_of_a_sign_in(store, &proxy).await, 3);
}

// ---- Lifetimes of keys --------------------------------------------------------------------------------------

/// Returns the answer to a command in a database.
fn ask(url: &str, command: &str) -> String {
    let database = url.rsplit('/').next().unwrap();
    let answers = server().command(&format!("SELECT {database}\r\n{command}")).unwrap();
    answers.strip_prefix("+OK\r\n").unwrap().to_owned()
}

/// Returns the remaining lifetime of a key in seconds: -1 if it has none, -2 if there is no such
/// key.
fn kept(url: &str, key: &str) -> i64 {
    ask(url, &format!("TTL \"{{commerce_auth}}:{key}\"")).trim().trim_start_matches(':').parse().unwrap()
}

#[tokio::test]
async fn keys_outlive_what_they_hold_by_an_hour() {
    let Some(url) = url() else { return };
    let store = open(&url).await;
    let hour = 3600;
    let about = |found: i64, expected: i64| (expected - 30..=expected).contains(&found);
    let grant = grant("a", 1);
    insert(&store, &grant).await;
    assert!(about(kept(&url, &format!("t{}", escaped(grant.id.as_bytes()))), 2 * hour));
    assert!(about(kept(&url, "sc1"), 2 * hour));
    // A shorter lifetime does not shorten that of the index.
    let brief = present::grant("b", 1);
    let expires_at = brief.issued_at() + seconds(10);
    let brief = brief.expiring(expires_at);
    insert(&store, &brief).await;
    assert!(about(kept(&url, "sc1"), 2 * hour));
    store.revoke(&grant.id, now(), now() + seconds(600)).await.unwrap();
    assert!(about(kept(&url, &format!("t{}", escaped(grant.id.as_bytes()))), hour + 600));
    store.revoke_all(&grant.subject, None, fresh(), now()).await.unwrap();
    assert_eq!(kept(&url, "gc1"), -1);
    store.revoke_everything(fresh(), now()).await.unwrap();
    assert_eq!(kept(&url, "everything"), -1);
}

/// A node whose clock is ahead does not remove keys that are live by the clocks of other nodes.
#[tokio::test]
async fn a_clock_ahead_forgets_nothing_that_others_count() {
    let Some(url) = url() else { return };
    let store = open(&url).await;
    let first = grant("a", 1);
    insert(&store, &first).await;
    let ahead = now() + seconds(3600 + 1800);
    let later = grant("b", 1).issued(ahead).expiring(ahead + seconds(60));
    insert(&store, &later).await;
    store.revoke_all(&first.subject, None, fresh(), now()).await.unwrap();
    assert!(!lives(&store, &first).await, "the index had forgotten a grant that lived");
}

/// The index of a customer who signs in again and again does not keep the entries of all earlier
/// grants.
#[tokio::test]
async fn an_index_forgets_grants_that_expired() {
    let Some(url) = url() else { return };
    let store = open(&url).await;
    let begin = now();
    for number in 0..40 {
        let issued_at = begin + seconds(number * 3600);
        let grant = grant(&format!("{number}"), 1).issued(issued_at).expiring(issued_at + seconds(60));
        insert(&store, &grant).await;
    }
    let entries = ask(&url, "ZCARD {commerce_auth}:sc1");
    let entries: i64 = entries.trim().trim_start_matches(':').parse().unwrap();
    assert!((1..=8).contains(&entries), "{entries} entries");
}

#[tokio::test]
async fn a_purge_is_bounded_and_gets_there() {
    let Some(url) = url() else { return };
    let store = open(&url).await;
    for number in 0..2500 {
        let grant = grant(&format!("{number}"), number);
        let expires_at = grant.issued_at() + seconds(1);
        let grant = grant.expiring(expires_at);
        insert(&store, &grant).await;
    }
    let alive = grant("alive", 1);
    insert(&store, &alive).await;
    let later = now() + seconds(2);
    assert!(store.purge_tokens(later, 10).await.unwrap() <= 10);
    let most = store.purge_tokens(later, usize::MAX).await.unwrap();
    assert!(most < 2000, "one purge removed {most}");
    let mut left = 2500;
    for _ in 0..20 {
        left -= store.purge_tokens(later, 700).await.unwrap().min(left);
    }
    let keys = ask(&url, "KEYS *:t*");
    assert!(keys.starts_with("*1\r\n"), "not only the live grant is left: {}", &keys[..20]);
    assert!(lives(&store, &alive).await);
}

#[tokio::test]
async fn shops_on_one_server_are_apart() {
    let Some(url) = url() else { return };
    let shop = async |prefix: &str| RedisOptions::new(&*url).prefix(prefix).connect().await.unwrap();
    let (one, other) = (shop("one").await, shop("other").await);
    let grant = grant("a", 1);
    insert(&one, &grant).await;
    assert!(!lives(&other, &grant).await);
    other.revoke_everything(fresh(), now()).await.unwrap();
    other.revoke_all(&grant.subject, None, fresh(), now()).await.unwrap();
    other.purge_tokens(now() + seconds(7200), 100).await.unwrap();
    assert!(lives(&one, &grant).await);
    let keys = ask(&url, "KEYS *");
    assert!(
        keys.lines()
            .filter(|line| line.contains(':'))
            .all(|key| key.starts_with("{one}:") || key.starts_with("{other}:"))
    );
}

// ---- Refused servers and data -------------------------------------------------------------------------------

#[tokio::test]
async fn options_that_are_not_sound_are_refused() {
    let fine = || RedisOptions::new("redis://127.0.0.1:1/");
    for refused in [
        fine().prefix(""),
        fine().prefix("x".repeat(65)),
        fine().prefix("a}b"),
        fine().prefix("a*"),
        fine().connections(0),
        fine().connections(65),
        fine().timeout(Duration::from_millis(19)),
        fine().wait_for_replicas(0, seconds(1)),
        fine().wait_for_replicas(1, Duration::ZERO),
        fine().wait_for_replicas(1, seconds(3)),
        RedisOptions::new("rediss://127.0.0.1/#insecure"),
        RedisOptions::new("redis+sentinel://127.0.0.1/"),
        RedisOptions::new("http://127.0.0.1/"),
        RedisOptions::new(""),
    ] {
        let error = refused.clone().connect().await.unwrap_err();
        assert!(matches!(error, OpenError::Invalid(_)), "{refused:?}: {error:?}");
    }
    let error = fine().connect().await.unwrap_err();
    assert!(matches!(error, OpenError::Unavailable(_)), "no server listens, but the error is: {error:?}");
}

#[test]
fn a_store_is_connected_in_a_runtime() {
    let error = pollster::block_on(RedisStore::connect("redis://127.0.0.1:1/")).unwrap_err();
    assert!(matches!(error, OpenError::Invalid(_)));
}

#[tokio::test]
async fn a_newer_layout_is_refused() {
    let Some(url) = url() else { return };
    drop(open(&url).await);
    drop(open(&url).await);
    ask(&url, "SET {commerce_auth}:version 2");
    let error = RedisStore::connect(&*url).await.unwrap_err();
    assert!(matches!(error, OpenError::NewerSchema { found: 2, known: 1 }), "{error:?}");
    ask(&url, "SET {commerce_auth}:version garbage");
    let error = RedisStore::connect(&*url).await.unwrap_err();
    assert!(matches!(error, OpenError::Unavailable(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_nodes_open_at_once() {
    let Some(url) = url() else { return };
    let nodes: Vec<_> = (0..10).map(|_| tokio::spawn(RedisStore::connect(url.clone()))).collect();
    let grant = grant("a", 1);
    for (number, node) in nodes.into_iter().enumerate() {
        let store = node.await.unwrap().unwrap();
        if number == 0 {
            insert(&store, &grant).await;
        }
        assert!(lives(&store, &grant).await);
    }
}

#[tokio::test]
async fn a_corrupt_record_is_an_error_of_that_call() {
    let Some(url) = url() else { return };
    let store = open(&url).await;
    let (broken, whole) = (grant("broken", 1), grant("whole", 2));
    insert(&store, &whole).await;
    let key = format!("\"{{commerce_auth}}:t{}\"", escaped(broken.id.as_bytes()));
    // The origin of the token takes the last three bytes, and is not read on the hot path.
    for length in 0..46 {
        ask(&url, &format!("DEL {key}"));
        insert(&store, &broken).await;
        let cut = "redis.call('SET',KEYS[1],redis.call('GET',KEYS[1]):sub(1,tonumber(ARGV[1])))";
        ask(&url, &format!("EVAL \"{cut}\" 1 {key} {length}"));
        let found = store.find(&broken.id, now()).await;
        assert!(found.is_err() || length >= 43, "the first {length} bytes of a grant were read as {found:?}");
        assert!(store.grants(&broken.subject, 100, now()).await.is_err());
    }
    ask(&url, &format!("SET {key} garbage"));
    assert!(store.find(&broken.id, now()).await.is_err());
    assert!(store.revoke(&broken.id, now(), now()).await.is_err());
    assert!(lives(&store, &whole).await);
    assert_eq!(
        store.purge_tokens(now() + seconds(7200), 100).await.unwrap(),
        1,
        "the purge continues beside it"
    );

    ask(&url, "SET {commerce_auth}:everything garbage");
    assert!(store.find(&grant("whole", 2).id, now()).await.is_ok());
    assert!(store.generation(&whole.subject, fresh()).await.is_err());
}

#[tokio::test]
async fn errors_show_nothing_of_what_was_said() {
    const MARK: &str = "MARK-4711";
    let Some(url) = url() else { return };
    let store = open(&url).await;
    let mut errors = Vec::new();
    let owner = Partition::of(&[MARK.as_bytes()]);
    let [part, id] = [owner.as_bytes(), DocumentId::ONLY.as_bytes()].map(escaped);
    ask(&url, &format!("SET \"{{commerce_auth}}:d{part}counted\\x00{id}\" {MARK}"));
    errors.push(store.load(&owner, &[counted(0, None).key]).await.unwrap_err());
    let over_it = Changes::new(vec![Change::Put(counted(1, None))]).unwrap();
    errors.push(store.commit(&owner, &over_it, now()).await.unwrap_err());
    for error in &errors {
        let shown = said(error);
        assert!(!shown.contains(MARK) && !shown.contains("commerce_auth}"), "{shown}");
    }
    for address in [
        format!("redis://{MARK}:{MARK}@127.0.0.1:{}/", server().port()),
        format!("redis://{MARK}:{MARK}@127.0.0.1:1/"),
        format!("redis+sentinel://{MARK}:{MARK}@127.0.0.1:1/{MARK}?sentinel_password={MARK}"),
        format!("redis+unix:///tmp/127.0.0.1/{MARK}?user={MARK}&pass={MARK}"),
        format!("nonsense://{MARK}:{MARK}@127.0.0.1/"),
    ] {
        let options = RedisOptions::new(&*address);
        assert!(!format!("{options:?}").contains(MARK));
        let shown = said(&options.connect().await.unwrap_err());
        assert!(!shown.contains(MARK) && !shown.contains("127.0.0.1"), "{shown}");
    }
    assert!(!format!("{store:?}").contains("127.0.0.1"));
}

// ---- Outside the runtime ------------------------------------------------------------------------------------

/// Repeats a call until it succeeds, for at most ten seconds.
fn resumes<T>(mut ask: impl FnMut() -> Result<T, StoreError>) -> T {
    for _ in 0..1000 {
        if let Ok(answer) = ask() {
            return answer;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("the store did not resume within ten seconds");
}

#[test]
fn it_works_outside_of_the_runtime() {
    if SERVER.is_none() {
        return;
    }
    let tokio = tokio();
    let proxy = Proxy::to(server().port());
    let url = format!("{}{}", server().url_through(proxy.port()), database());
    let options = RedisOptions::new(url).connections(2).timeout(seconds(1));
    let store = tokio.block_on(options.connect()).unwrap();
    let grant = grant("a", 1);
    pollster::block_on(insert(&store, &grant));
    assert!(pollster::block_on(lives(&store, &grant)));
    // A reconnection needs timers and tasks.
    proxy.cut();
    assert!(resumes(|| pollster::block_on(store.find(&grant.id, now()))).is_some());
    proxy.silence(true);
    assert!(pollster::block_on(store.find(&grant.id, now())).is_err());
    proxy.silence(false);
    assert!(resumes(|| pollster::block_on(store.find(&grant.id, now()))).is_some());
    drop(tokio);
    for _ in 0..3 {
        assert!(pollster::block_on(store.find(&grant.id, now())).is_err(), "the runtime is gone");
        assert!(pollster::block_on(store.revoke(&grant.id, now(), now())).is_err());
    }
}

// ---- Two processes ------------------------------------------------------------------------------------------

const RACE_AT: &str = "COMMERCE_AUTH_TEST_RACE_AT";

/// The document with the number, at this value, which is also its version.
fn counted(count: u8, expects: Option<Version>) -> Put {
    Put {
        key: Key { kind: "counted".parse().unwrap(), id: DocumentId::ONLY },
        expects,
        version: Version::from_bytes([count; 16]),
        keep_until: None,
        expendable: false,
        index: Vec::new(),
        bytes: vec![count],
    }
}

/// Adds one to the number in a document. Returns false once the number is six.
async fn count(store: &RedisStore) -> bool {
    let (owner, key) = (Partition::of(&[b"raced"]), counted(0, None).key);
    loop {
        let found = store.load(&owner, std::slice::from_ref(&key)).await.unwrap().pop().unwrap();
        let (known, expects) = found.map_or((0, None), |found| (found.bytes[0], Some(found.version)));
        if known == 6 {
            return false;
        }
        let next = Changes::new(vec![Change::Put(counted(known + 1, expects))]).unwrap();
        if store.commit(&owner, &next, now()).await.unwrap() == CommitOutcome::Committed {
            return true;
        }
    }
}

/// Runs one of two processes: a hundred attempts to add one.
async fn race(url: &str) -> usize {
    let store = open(url).await;
    let outcomes = futures_util::future::join_all((0..100).map(async |_| count(&store).await)).await;
    outcomes.into_iter().filter(|through| *through).count()
}

#[test]
fn two_processes_share_documents() {
    if let Ok(url) = env::var(RACE_AT) {
        let through = tokio().block_on(race(&url));
        println!("raced {through} times");
        return;
    }
    let Some(url) = url() else { return };
    let child = || {
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", "redis::two_processes_share_documents", "--nocapture"]).env(RACE_AT, &url);
        thread::spawn(move || child.output().unwrap())
    };
    let mut through = 0;
    for child in [child(), child()] {
        let output = child.join().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let raced = said.split_once("raced ").and_then(|(_, raced)| raced.split_once(" times"));
        let (counted, _) = raced.unwrap_or_else(|| panic!("a process said {said}"));
        through += counted.parse::<usize>().unwrap();
    }
    assert_eq!(through, 6);
}

const _: fn() = || {
    fn is_shared<T: Clone + Send + Sync + 'static>() {}
    is_shared::<RedisStore>();
    is_shared::<Arc<Alternating<RedisStore>>>();
};
