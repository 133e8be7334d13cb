//! Commits of documents: a kill in the middle, several processes, and a file that another process
//! has locked.

use std::{path::Path, thread, time::Instant};

use commerce_auth::{
    StateStore,
    store::{Change, CommitOutcome, sqlite::SqliteStore},
};
use pollster::block_on;
use support::documents::{add_to_both, commit, document, key, number, partition, put};
use tempfile::TempDir;

use crate::sqlite::{
    CHILD, PATIENCE, SHORT,
    child::{self, Talking},
    lock, open, soon,
};

/// Returns the numbers in document 0 and in the caller's own document.
fn numbers(store: &SqliteStore, own: u8) -> [u128; 2] {
    let found = block_on(store.load(&partition("a"), &[key(0), key(own)])).unwrap();
    [0, 1].map(|place| found[place].as_ref().map_or(0, number))
}

/// Adds one to two documents at a time until it is killed, and reports each acknowledged commit.
pub(crate) fn commits(path: &Path) {
    let store = open(path, PATIENCE);
    let round = u128::from(std::process::id()) << 64;
    for count in 0.. {
        if block_on(add_to_both(&store, &partition("a"), 1, round | count)).unwrap() {
            child::say(&format!("made {}", numbers(&store, 1)[0]));
        }
    }
}

#[test]
fn a_kill_leaves_each_commit_whole_or_unmade() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("auth.db");
    for round in 0..5 {
        let mut child = Talking::start(CHILD, "commits", &path);
        let mut said: Vec<_> = (0..20 + 7 * round).map(|_| child.next().expect("it commits")).collect();
        said.extend(child.kill());
        let made = said.iter().filter_map(|line| line.strip_prefix("made ")?.parse::<u128>().ok()).max();
        let [shared, own] = numbers(&open(&path, PATIENCE), 1);
        assert_eq!(shared, own, "a commit was made in part");
        assert!(
            made.is_some_and(|made| made == shared || made + 1 == shared),
            "{made:?}, and {shared} found"
        );
    }
}

const COMMITS: u128 = 100;

/// Tries to add one to a shared number and to the caller's own, many times. Returns the number of
/// commits.
fn race(store: &SqliteStore, own: u8) -> u128 {
    let unique = |count| u128::from(own) << 64 | count;
    let add = |count| block_on(add_to_both(store, &partition("a"), own, unique(count))).unwrap();
    (0..COMMITS).map(|count| u128::from(add(count))).sum()
}

pub(crate) fn race_in_a_child(path: &Path) {
    let store = open(path, PATIENCE);
    child::say("ready");
    child::wait();
    // The test itself uses the first two.
    let own = u8::try_from(3 + std::process::id() % 200).unwrap();
    child::say(&format!("{}", race(&store, own)));
}

#[test]
fn handles_and_processes_on_one_file_lose_no_update() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("auth.db");
    let handles = [open(&path, PATIENCE), open(&path, PATIENCE)];
    let mut children = [(); 2].map(|()| Talking::start(CHILD, "commits race", &path));
    for child in &mut children {
        assert_eq!(child.next().as_deref(), Some("ready"));
    }
    children.iter_mut().for_each(Talking::go);
    let mut made: u128 = thread::scope(|scope| {
        let callers = [1, 2].map(|own| {
            let store = &handles[usize::from(own) - 1];
            scope.spawn(move || race(store, own))
        });
        callers.into_iter().map(|caller| caller.join().unwrap()).sum()
    });
    for child in &mut children {
        made += child.next().expect("its count").parse::<u128>().unwrap();
    }
    assert_eq!(numbers(&handles[0], 1)[0], made);
    assert!(made > COMMITS, "{made} commits of {} were made", 4 * COMMITS);
}

/// If the caller is told that a commit failed, the commit must not be made once the file is free.
#[test]
fn a_commit_beside_a_lock_ends_in_time_and_is_not_made_later() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("auth.db");
    let (store, partition) = (open(&path, SHORT), partition("a"));
    let creation = |place| vec![Change::Put(put(key(place), None, 1))];
    assert_eq!(block_on(commit(&store, &partition, creation(0))).unwrap(), CommitOutcome::Committed);
    let lock = lock(&path);
    let begun = Instant::now();
    assert!(block_on(commit(&store, &partition, creation(1))).is_err());
    assert!(block_on(store.sweep(crate::sqlite::END, 10)).is_err());
    assert!(begun.elapsed() < PATIENCE);
    let found = || block_on(store.load(&partition, &[key(0), key(1)])).unwrap();
    assert_eq!(found(), [Some(document(1)), None]);
    lock.execute_batch("COMMIT").unwrap();
    let committed = || block_on(commit(&store, &partition, creation(2)));
    assert!(soon(|| committed().is_ok_and(|outcome| outcome == CommitOutcome::Committed)), "service resumes");
    assert_eq!(found(), [Some(document(1)), None], "the commit was made after it had failed");
}
