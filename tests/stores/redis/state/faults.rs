//! Documents on a server that is killed, disconnected or full, or that refuses a script.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use commerce_auth::{
    StateStore,
    store::{
        Change, Changes, CommitOutcome, Document, Put,
        redis::{RedisOptions, RedisStore},
    },
};
use commerce_auth_test_servers::{Proxy, Redis};
use futures_util::future::join_all;
use support::present::{now, seconds};

use super::{
    commit, committed, conflicts, entry, key, load, numbers, open, partition, put, quiet, refusing::Refusing,
    shop_index, version,
};

/// Repeats a call until it succeeds, for at most a minute.
async fn resumes<T, E: std::fmt::Debug>(mut ask: impl AsyncFnMut() -> Result<T, E>) -> T {
    let begun = Instant::now();
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(error) => assert!(begun.elapsed() < seconds(60), "not resumed: {error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < seconds(60), "{what} did not happen in time");
        thread::sleep(Duration::from_millis(1));
    }
}

fn pair(expects: Option<u64>, next: u64) -> Vec<Change> {
    [0, 1].map(|number| Change::Put(put(number, expects, next))).to_vec()
}

async fn load_pair(store: &impl StateStore, owner: &str) -> [Option<Document>; 2] {
    let load = async || store.load(&partition(owner), &[key(0), key(1)]).await;
    resumes(load).await.try_into().unwrap()
}

/// Each of eight callers commits pairs while the server is killed twice. An acknowledged pair is
/// there. A pair whose answer was lost is either there as a whole, or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_whole_over_a_kill() {
    const ROUNDS: u64 = 400;
    let Some(server) = Redis::start() else { return };
    let store = open(&server.url()).await;
    let (made, lost) = (AtomicU64::new(0), AtomicU64::new(0));
    let caller = async |caller: u64| {
        let owner = caller.to_string();
        let mut known = None;
        for round in 1..=ROUNDS {
            let changes = Changes::new(pair(known, round)).unwrap();
            let outcome = store.commit(&partition(&owner), &changes, now()).await;
            let [first, second] = load_pair(&store, &owner).await;
            assert_eq!(first, second, "a commit was made in part");
            let found = first.map(|found| found.version);
            match outcome {
                Ok(outcome) => {
                    assert_eq!(outcome, CommitOutcome::Committed);
                    assert_eq!(found, Some(version(round)), "an acknowledged commit is lost");
                }
                Err(_) => {
                    lost.fetch_add(1, Ordering::SeqCst);
                    let possible = [known.map(version), Some(version(round))];
                    assert!(possible.contains(&found), "{found:?} in place of {possible:?}");
                }
            }
            if found == Some(version(round)) {
                known = Some(round);
            }
            made.fetch_add(1, Ordering::SeqCst);
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            for part in [1, 2] {
                wait_until("a third of the rounds", || made.load(Ordering::SeqCst) > part * 8 * ROUNDS / 3);
                server.kill();
                server.restart();
            }
        });
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(join_all((0..8).map(caller)));
        });
    });
    assert!(lost.into_inner() > 0, "no commit was in flight during the kill");
}

/// Returns the number of scripts that the server has run.
fn scripts(server: &Redis) -> u64 {
    let stats = server.command("INFO commandstats").unwrap();
    let calls = |command: &str| {
        let line = stats.lines().find_map(|line| line.strip_prefix(command)?.strip_prefix(":calls="));
        line.and_then(|line| line.split(',').next()?.parse().ok()).unwrap_or(0)
    };
    calls("cmdstat_eval") + calls("cmdstat_evalsha")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_an_error_and_runs_once() {
    let Some(server) = Redis::start() else { return };
    let proxy = Proxy::to(server.port());
    let store =
        RedisOptions::new(server.url_through(proxy.port())).timeout(seconds(60)).connect().await.unwrap();
    committed(&store, "a", pair(None, 1)).await;
    committed(&store, "a", pair(Some(1), 2)).await;
    let other = open(&server.url()).await;
    for round in 3..13 {
        let before = scripts(&server);
        proxy.delay(seconds(5));
        let changes = Changes::new(pair(Some(round - 1), round)).unwrap();
        let partition = partition("a");
        let commit = store.commit(&partition, &changes, now());
        let cut = async {
            while scripts(&server) == before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            proxy.cut();
            proxy.delay(Duration::ZERO);
        };
        let (answer, ()) = futures_util::future::join(commit, cut).await;
        assert!(answer.is_err(), "a lost answer was not an error: {answer:?}");
        let [first, second] = load_pair(&store, "a").await;
        assert_eq!(first, second);
        assert_eq!(first.map(|found| found.version), Some(version(round)));
        // The store has reconnected, and has not sent the commit again.
        load_pair(&other, "a").await;
        assert_eq!(scripts(&server), before + 1);
    }
}

/// If a commit has certainly not run, the result is a conflict if another server has the slot, and
/// an error otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_commit_is_a_conflict_only_if_it_has_moved() {
    let Some(server) = Redis::start() else { return };
    let refusing = Refusing::to(server.port());
    let store = quiet(server.url_through(refusing.port())).await;
    committed(&store, "a", pair(None, 1)).await;
    committed(&store, "a", pair(Some(1), 2)).await;

    refusing.refuse("MOVED 866 127.0.0.1:1");
    let CommitOutcome::Conflict(current) = commit(&store, "a", pair(Some(2), 3)).await else {
        panic!("the commit is not reported as a conflict");
    };
    assert!(refusing.has_refused());
    let versions: Vec<_> = current.into_iter().map(|found| found.unwrap().version).collect();
    assert_eq!(versions, [version(2); 2]);

    for error in ["LOADING loading", "READONLY a replica", "BUSY busy", "MISCONF disk", "ERR other"] {
        refusing.refuse(error);
        let changes = Changes::new(pair(Some(2), 3)).unwrap();
        let answer = store.commit(&partition("a"), &changes, now()).await;
        assert!(answer.is_err(), "{error} led to {answer:?}");
        assert!(refusing.has_refused());
    }
    // The script is sent again with its text, because it has not run.
    refusing.refuse("NOSCRIPT forgotten");
    committed(&store, "a", pair(Some(2), 3)).await;
    assert!(refusing.has_refused());
    assert_eq!(load(&store, "a", 0).await.map(|found| found.version), Some(version(3)));
}

#[tokio::test]
async fn when_its_memory_is_full_present_documents_are_changed() {
    let Some(server) = Redis::start() else { return };
    let store = open(&server.url()).await;
    let over = Some(now() - seconds(1));
    let listed = Put { index: vec![entry(true, 1)], ..put(2, None, 1) };
    committed(&store, "a", [pair(None, 1), vec![Change::Put(listed)]].concat()).await;
    committed(&store, "a", vec![Change::Put(Put { keep_until: over, ..put(3, None, 1) })]).await;
    server.command("CONFIG SET maxmemory 1").unwrap();
    let creation = Put { expendable: true, ..put(9, None, 1) };
    let creation = Changes::new([pair(Some(1), 2), vec![Change::Put(creation)]].concat()).unwrap();
    assert!(store.commit(&partition("a"), &creation, now()).await.is_err());
    assert_eq!(load(&store, "a", 0).await.map(|found| found.version), Some(version(1)));
    committed(&store, "a", pair(Some(1), 2)).await;
    conflicts(&store, "a", pair(Some(1), 3)).await;
    committed(&store, "a", vec![Change::Delete { key: key(0), expects: version(2) }]).await;
    assert_eq!(numbers(&store.list(&shop_index(), None, 10).await.unwrap()), [2]);
    assert_eq!(store.sweep(now(), 10).await.unwrap(), 1);
    server.command("CONFIG SET maxmemory 0").unwrap();
    committed(&store, "a", vec![Change::Put(put(9, None, 1))]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_may_end_something_waits_for_replicas() {
    let Some(primary) = Redis::start() else { return };
    let waiting = async |patience| -> RedisStore {
        let options = RedisOptions::new(primary.url()).timeout(seconds(10));
        options.wait_for_replicas(1, patience).connect().await.unwrap()
    };
    let patience = Duration::from_millis(200);
    let store = waiting(patience).await;
    let begun = Instant::now();
    let changes = Changes::new(vec![Change::Put(put(0, None, 1))]).unwrap();
    assert!(store.commit(&partition("a"), &changes, now()).await.is_err(), "there is no replica");
    assert!(begun.elapsed() >= patience);
    // The call failed, but it has taken effect.
    assert!(load(&store, "a", 0).await.is_some());
    let changes = Changes::new(vec![Change::Delete { key: key(0), expects: version(1) }]).unwrap();
    assert!(store.commit(&partition("a"), &changes, now()).await.is_err());
    // A change of attempt budgets alone does not wait for a replica.
    let checked = Change::Check { key: key(0), expects: None };
    committed(&store, "a", vec![Change::Put(Put { expendable: true, ..put(1, None, 1) }), checked]).await;

    let replica = Redis::start_with(&["--replicaof", "127.0.0.1", &primary.port().to_string()]);
    let Some(replica) = replica else { return };
    wait_until("a replica", || primary.command("INFO replication").unwrap().contains("state=online"));
    let store = waiting(seconds(5)).await;
    for number in 10..18 {
        committed(&store, "a", vec![Change::Put(put(number, None, 1))]).await;
        let held = replica.command("DBSIZE").unwrap();
        assert_eq!(held, primary.command("DBSIZE").unwrap());
    }
    drop(replica);
}
