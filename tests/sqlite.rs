//! The SQLite backend: the suite every store must pass, and what only it promises.
#![cfg(feature = "sqlite")]

#[path = "support/alternating.rs"]
mod alternating;

#[path = "support/accounts.rs"]
mod accounts;
#[path = "support/trail.rs"]
mod trail;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use alternating::Alternating;
use commerce_auth::{
    CustomerStore, Digest, Grant, Obtained, Origin, SqliteOptions, SqliteStore, StoreError, Subject, Website,
    store::{Generation, OpenError, OtcStore, ThrottleKey, ThrottleStore, TokenStore},
    store_conformance,
};
use futures_util::future::join_all;
use rusqlite::Connection;
use tempfile::TempDir;
use time::OffsetDateTime;

/// Databases of the whole test.
fn new_path() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| TempDir::new().expect("a folder can be made"));
    folder.path().join(format!("{}.db", NEXT.fetch_add(1, Ordering::Relaxed)))
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path).expect("the file can be opened")
}

/// For races on a slow disk.
fn patient(path: &Path) -> SqliteStore {
    let options = SqliteOptions::new(path).timeout(Duration::from_secs(60));
    options.open().expect("the file can be opened")
}

/// Another hand at the file.
fn by_hand(path: &Path, statements: &str) {
    Connection::open(path).unwrap().execute_batch(statements).expect("the statements are right");
}

store_conformance! {
    mod one_node;
    runtime: |future| pollster::block_on(future);
    store: || async { patient(&new_path()) };
}

store_conformance! {
    mod two_nodes;
    runtime: |future| pollster::block_on(future);
    store: || async {
        let path = new_path();
        Alternating::new([patient(&path), patient(&path)])
    };
}

#[tokio::test]
async fn the_account_tables_keep_what_the_traits_ask_for() {
    let path = new_path();
    let (one, other) = (open(&path), open(&path));
    accounts::customers([one.customers(), other.customers()]).await;
    accounts::admins([one.admins(), other.admins()]).await;
}

#[tokio::test]
async fn the_audit_trail_is_kept_once_and_in_order() {
    let store = open(&new_path());
    trail::is_kept_once_and_in_order(&store.audit(None), async |newest| store.audit_events(newest).await)
        .await;
}

#[tokio::test]
async fn what_lasts_is_there_after_it_was_closed() {
    let path = new_path();
    let subject = Subject::Customer(1.into());
    let store = open(&path);
    store.revoke_all(&subject, None, OffsetDateTime::UNIX_EPOCH).await.unwrap();
    drop(store);
    assert!(!path.with_extension("db-wal").exists(), "it was closed: nothing is left in the log");
    assert_eq!(open(&path).generation(&subject).await.unwrap().subject, 1);
}

#[test]
fn ten_openers_at_once_make_one_database() {
    let path = new_path();
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                pollster::block_on(open(&path).revoke_everything(OffsetDateTime::UNIX_EPOCH)).unwrap();
            });
        }
    });
    let generation = pollster::block_on(open(&path).generation(&Subject::Customer(1.into()))).unwrap();
    assert_eq!(generation.everything, 10);
}

#[test]
fn what_is_no_place_for_a_database_is_refused() {
    let folder = TempDir::new().unwrap();
    for path in [Path::new(""), Path::new(":memory:"), folder.path()] {
        assert!(matches!(SqliteStore::open(path), Err(OpenError::Invalid(_))), "{}", path.display());
    }
    let nowhere = folder.path().join("no folder/auth.db");
    assert!(matches!(SqliteStore::open(nowhere), Err(OpenError::Unavailable(_))));
    let others = folder.path().join("others.db");
    by_hand(&others, "CREATE TABLE orders (id INTEGER)");
    assert!(matches!(SqliteStore::open(others), Err(OpenError::Invalid(_))));
}

#[test]
fn a_newer_release_has_been_here() {
    let path = new_path();
    drop(open(&path));
    by_hand(&path, "PRAGMA user_version = 7");
    let refused = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(refused, OpenError::NewerSchema { found: 7, known: 3 }), "{refused}");
}

#[cfg(unix)]
#[test]
fn others_cannot_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let path = new_path();
    let _store = open(&path);
    for file in [path.clone(), path.with_extension("db-wal")] {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o077, 0);
    }
}

/// Everything that is said of an error, to whoever prints it.
fn said(error: &StoreError) -> String {
    let mut said = format!("{error:?}");
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = source {
        said.push_str(&format!(" {error} {error:?}"));
        source = error.source();
    }
    said
}

#[tokio::test]
async fn a_corrupt_row_is_an_error_that_tells_nothing_and_stays_alone() {
    let path = new_path();
    let store = open(&path);
    by_hand(
        &path,
        "INSERT INTO grants VALUES (zeroblob(32), 'martian', 'secret-marker', NULL, 'password', NULL, NULL, NULL, 0, 9, 0, NULL, NULL, NULL);
         INSERT INTO attempts VALUES (zeroblob(32), 'secret-marker', 1);
         INSERT INTO customers VALUES ('1', 'base', 'marker@example.com', 'secret-marker', NULL, 'martian', 1);
         INSERT INTO audit_events (id, at, action, outcome, event) VALUES ('x', 0, 'a', 'b', 'secret-marker')",
    );
    let (digest, now) = (Digest::from_bytes([0; 32]), OffsetDateTime::UNIX_EPOCH);
    let errors = [
        store.find(&digest, now).await.unwrap_err(),
        store.clear(&ThrottleKey::from_bytes([0; 32])).await.unwrap_err(),
        store.customers().find_by_id(&1.into()).await.unwrap_err(),
        store.audit_events(10).await.unwrap_err(),
    ];
    for error in errors {
        let said = said(&error);
        assert!(!said.contains("marker") && !said.contains("SELECT"), "{said}");
        assert!(std::error::Error::source(&error).is_some());
    }
    assert_eq!(store.find(&Digest::from_bytes([1; 32]), now).await.unwrap(), None);
    assert_eq!(store.purge_codes(now, 10).await.unwrap(), 0);
}

#[test]
fn the_log_stays_small_though_somebody_always_looks_up() {
    let path = new_path();
    let store = patient(&path);
    let written = AtomicBool::new(false);
    let says = |connection: &Connection, statements| connection.execute_batch(statements).unwrap();
    let look_up = || {
        let [one, other] = [(); 2].map(|()| Connection::open(&path).unwrap());
        says(&one, "BEGIN; SELECT * FROM epoch");
        for (ends, begins) in [(&one, &other), (&other, &one)].into_iter().cycle() {
            says(begins, "BEGIN; SELECT * FROM epoch");
            // Longer than the moment between a commit and what SQLite does about its log.
            thread::sleep(Duration::from_millis(3));
            says(ends, "COMMIT");
            if written.load(Ordering::Relaxed) {
                break;
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(look_up);
        let (first, now) = (Generation { subject: 0, everything: 0 }, OffsetDateTime::UNIX_EPOCH);
        let grants: Vec<_> = (0..10_000_u32)
            .map(|number| {
                let (digest, website) = (Digest::of(&number.to_be_bytes()), Website::default());
                let end = now + Duration::from_secs(60);
                Grant::customer(digest, number.into(), website, Obtained::Password, now, end)
            })
            .collect();
        let origin = Origin::default();
        let insert = |grant| store.insert(grant, &origin, first, now);
        let answers = pollster::block_on(join_all(grants.iter().map(insert)));
        written.store(true, Ordering::Relaxed);
        assert!(answers.iter().all(Result::is_ok));
    });
    let log = fs::metadata(path.with_extension("db-wal")).unwrap().len();
    assert!(log < 10 << 20, "{log} bytes");
}
