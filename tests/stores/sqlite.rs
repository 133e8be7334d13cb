//! The SQLite backend: the suite that every store must pass, and the promises of this backend
//! alone.
#![cfg(feature = "sqlite")]

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

use commerce_auth::{
    CustomerStore, Origin, StateStore, TokenStore, Website,
    conformance::Alternating,
    error::StoreError,
    store::{
        Change, CommitOutcome, IndexEntry, OpenError, Put,
        sqlite::{SqliteOptions, SqliteStore},
    },
    store_conformance,
    token::{Grant, GrantId, Obtained, Subject},
};
use futures_util::future::join_all;
use rusqlite::Connection;
use support::{
    documents,
    fresh::{CAP, fresh},
    records::NOW,
};
use tempfile::TempDir;
use time::OffsetDateTime;

use crate::{accounts, trail};

/// Returns the path of a new database, in one folder for all tests.
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

/// Runs statements on a separate connection to the file.
fn by_hand(path: &Path, statements: &str) {
    Connection::open(path).unwrap().execute_batch(statements).expect("the statements are right");
}

store_conformance! {
    mod one_node;
    runtime: |future| pollster::block_on(future);
    store: || async { patient(&new_path()) };
    broken: || async {
        let path = new_path();
        let store = open(&path);
        for table in ["documents", "shop_entries", "grants", "bars", "subjects", "epoch"] {
            by_hand(&path, &format!("DROP TABLE {table}"));
        }
        store
    };
}

store_conformance! {
    mod two_nodes;
    runtime: |future| pollster::block_on(future);
    store: || async {
        let path = new_path();
        Alternating::new([patient(&path), patient(&path)])
    };
}

/// Returns the entry of a document in an index of the whole shop.
fn shop_entry(rank: i64) -> IndexEntry {
    IndexEntry { shop_wide: true, ..documents::entry(rank) }
}

/// Reads documents, but none of the store's other tables.
#[tokio::test]
async fn documents_are_read_by_hand_and_a_corrupt_one_is_an_error_of_its_own() {
    let path = new_path();
    let store = open(&path);
    let [whole, corrupt] = ["whole", "corrupt"].map(documents::partition);
    for partition in [&whole, &corrupt] {
        let index = vec![documents::entry(1), shop_entry(1)];
        let put = Put { index, ..documents::put(documents::key(0), None, 1) };
        let made = documents::commit(&store, partition, vec![Change::Put(put)]).await.unwrap();
        assert_eq!(made, CommitOutcome::Committed);
    }
    let hand = Connection::open(&path).unwrap();
    let read = "SELECT CAST(bytes AS TEXT) FROM documents WHERE partition = ?1";
    let text: String = hand.query_row(read, [whole.as_bytes()], |row| row.get(0)).unwrap();
    assert_eq!(text, "1");
    let spoil = "UPDATE documents SET version = CAST('secret-marker' AS BLOB) WHERE partition = ?1";
    assert_eq!(hand.execute(spoil, [corrupt.as_bytes()]).unwrap(), 1);
    let again = || vec![Change::Put(documents::put(documents::key(0), Some(1), 2))];
    let errors = [
        store.load(&corrupt, &[documents::key(0)]).await.unwrap_err(),
        documents::commit(&store, &corrupt, again()).await.unwrap_err(),
        StateStore::list(&store, &documents::index(corrupt), None, 10).await.unwrap_err(),
    ];
    tells_nothing(&errors);
    assert_eq!(documents::commit(&store, &whole, again()).await.unwrap(), CommitOutcome::Committed);
    let left: i64 = hand.query_row("SELECT count(*) FROM shop_entries", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 1, "only the entry of the removed document is removed");
}

/// The index entries of swept documents are removed with them.
#[tokio::test]
async fn a_sweep_leaves_no_entry_behind() {
    let path = new_path();
    let store = open(&path);
    let partition = documents::partition("a");
    for number in 0..10 {
        let keep_until = Some(NOW + Duration::from_secs(u64::from(number)));
        let put = documents::put(documents::key(number), None, 1);
        let rank = i64::from(number);
        let put = Put { index: vec![documents::entry(rank), shop_entry(rank)], keep_until, ..put };
        let made = documents::commit(&store, &partition, vec![Change::Put(put)]).await.unwrap();
        assert_eq!(made, CommitOutcome::Committed);
    }
    assert_eq!(store.sweep(NOW + Duration::from_secs(6), 3).await.unwrap(), 3);
    assert_eq!(store.sweep(NOW + Duration::from_secs(6), 100).await.unwrap(), 4);
    let listed = StateStore::list(&store, &documents::index(partition), None, 100).await.unwrap();
    assert_eq!(listed.iter().map(|listed| listed.position.rank).collect::<Vec<_>>(), [7, 8, 9]);
    let hand = Connection::open(&path).unwrap();
    let left: i64 = hand.query_row("SELECT count(*) FROM shop_entries", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 3);
}

/// Ten thousand documents in one partition do not slow down a commit of two.
#[test]
fn each_statement_on_documents_is_a_search_by_an_index() {
    let path = new_path();
    drop(open(&path));
    let hand = Connection::open(&path).unwrap();
    let due = "FROM documents WHERE keep_until <= ?1 ORDER BY keep_until, arrival LIMIT ?2";
    for statement in [
        "SELECT version, bytes FROM documents WHERE partition = ?1 AND kind = ?2 AND id = ?3",
        &format!("DELETE FROM documents WHERE arrival IN (SELECT arrival {due})"),
        "DELETE FROM shop_entries WHERE (name, rank, partition, kind, id) IN \
         (SELECT key, value, ?1, ?2, ?3 FROM json_each(?4))",
        &format!(
            "DELETE FROM shop_entries WHERE (name, rank, partition, kind, id) IN (SELECT entry.key, entry.value, partition, \
             kind, due.id FROM (SELECT partition, kind, id, shop_ranks {due}) AS due CROSS JOIN json_each(shop_ranks) AS entry)"
        ),
        "SELECT rank, partition, kind, id, version, bytes FROM shop_entries CROSS JOIN documents USING (partition, kind, id) \
         WHERE ?1 IS NULL AND name = ?2 AND (rank, partition, kind, id) > (?3, ?4, ?5, ?6) \
         ORDER BY rank, partition, kind, id LIMIT ?7",
        "SELECT own_ranks ->> ?2 FROM documents WHERE partition = ?1",
    ] {
        let mut explain = hand.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
        let parameters = vec![rusqlite::types::Null; explain.parameter_count()];
        let rows = explain.query_map(rusqlite::params_from_iter(parameters), |row| row.get::<_, String>(3));
        let plan = rows.unwrap().collect::<Result<Vec<_>, _>>().unwrap().join("; ");
        let scans = plan.contains("SCAN documents") || plan.contains("SCAN shop_entries");
        assert!(!scans && !plan.contains("TEMP B-TREE"), "{statement}: {plan}");
    }
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
    trail::is_kept_once_and_in_order(&store.audit(None), async |newest| {
        store.audit(None).events(newest).await
    })
    .await;
}

#[tokio::test]
async fn what_lasts_is_there_after_it_was_closed() {
    let path = new_path();
    let subject = Subject::Customer(1.into());
    let store = open(&path);
    let moved = store.revoke_all(&subject, None, fresh(), OffsetDateTime::UNIX_EPOCH).await.unwrap();
    drop(store);
    assert!(!path.with_extension("db-wal").exists(), "it was closed: nothing is left in the log");
    let store = open(&path);
    assert_eq!(store.generation(&subject, fresh()).await.unwrap(), moved);
}

#[test]
fn ten_openers_at_once_make_one_database() {
    let path = new_path();
    let subject = |number: i32| Subject::Customer(number.into());
    let begin = |number| {
        let (store, now) = (open(&path), OffsetDateTime::UNIX_EPOCH);
        pollster::block_on(store.revoke_all(&subject(number), None, fresh(), now)).unwrap()
    };
    let moved: Vec<_> = thread::scope(|scope| {
        let openers: Vec<_> = (0..10).map(|number| scope.spawn(move || begin(number))).collect();
        openers.into_iter().map(|opener| opener.join().unwrap()).collect()
    });
    let store = open(&path);
    for (number, moved) in (0..).zip(moved) {
        assert_eq!(pollster::block_on(store.generation(&subject(number), fresh())).unwrap(), moved);
    }
}

#[test]
fn what_is_no_place_for_a_database_is_refused() {
    let folder = TempDir::new().unwrap();
    for path in [Path::new(""), Path::new(":memory:"), folder.path()] {
        assert!(matches!(SqliteStore::open(path), Err(OpenError::Invalid(_))), "{}", path.display());
    }
    let nowhere = folder.path().join("no folder/auth.db");
    assert!(matches!(SqliteStore::open(nowhere), Err(OpenError::Unavailable(_))));
}

/// If two programs shared one file, each would wait for the other's writes, and the migrations of
/// one would find the other's tables.
#[test]
fn another_programs_file_is_refused_and_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    for (number, statements) in [
        "CREATE TABLE orders (id INTEGER)",
        "PRAGMA journal_mode = WAL; CREATE TABLE _sqlx_migrations (version INTEGER)",
        "CREATE TABLE grants (digest BLOB)",
        "PRAGMA user_version = 1",
        "PRAGMA application_id = 252006674",
    ]
    .into_iter()
    .enumerate()
    {
        let others = folder.path().join(format!("others {number}.db"));
        by_hand(&others, statements);
        let before = fs::read(&others).unwrap();
        let refused = SqliteStore::open(&others).unwrap_err();
        assert!(matches!(refused, OpenError::Invalid(_)), "{statements}: {refused:?}");
        assert!(refused.to_string().contains("use a separate file"), "{refused}");
        assert_eq!(fs::read(&others).unwrap(), before, "{statements}");
    }
}

#[test]
fn a_newer_release_has_been_here() {
    let path = new_path();
    drop(open(&path));
    by_hand(&path, "PRAGMA user_version = 7");
    let refused = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(refused, OpenError::NewerSchema { found: 7, known: 1 }), "{refused}");
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

/// Returns everything that an error prints in any form.
fn said(error: &StoreError) -> String {
    let mut said = format!("{error:?}");
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = source {
        said.push_str(&format!(" {error} {error:?}"));
        source = error.source();
    }
    said
}

fn tells_nothing(errors: &[StoreError]) {
    for error in errors {
        let said = said(error);
        for told in ["marker", "SELECT", "INSERT", "UPDATE", "DELETE"] {
            assert!(!said.contains(told), "{said}");
        }
        assert!(std::error::Error::source(error).is_some());
    }
}

#[tokio::test]
async fn a_corrupt_row_is_an_error_that_tells_nothing_and_stays_alone() {
    let path = new_path();
    let store = open(&path);
    by_hand(
        &path,
        "INSERT INTO epoch VALUES (1, zeroblob(16));
         INSERT INTO grants VALUES (zeroblob(32), 'martian', 'secret-marker', NULL, 'password', NULL, NULL, NULL, 0, 9,
             zeroblob(16), NULL, NULL, NULL);
         INSERT INTO customers VALUES ('1', 'base', 'marker@example.com', 'secret-marker', NULL, 'martian', 1);
         INSERT INTO audit_events (id, at, action, outcome, event) VALUES ('x', 0, 'a', 'b', 'secret-marker')",
    );
    let (id, now) = (GrantId::from_bytes([0; 32]), OffsetDateTime::UNIX_EPOCH);
    let errors = [
        store.find(&id, now).await.unwrap_err(),
        store.customers().find_by_id(&1.into()).await.unwrap_err(),
        store.audit(None).events(10).await.unwrap_err(),
    ];
    tells_nothing(&errors);
    assert_eq!(store.find(&GrantId::from_bytes([1; 32]), now).await.unwrap(), None);
}

#[tokio::test]
async fn a_table_that_is_gone_is_an_error_of_what_needs_it() {
    let path = new_path();
    let store = open(&path);
    by_hand(&path, "DROP TABLE documents");
    let (owner, now) = (documents::partition("a"), OffsetDateTime::UNIX_EPOCH);
    let creation = vec![Change::Put(documents::put(documents::key(0), None, 1))];
    tells_nothing(&[
        store.load(&owner, &[documents::key(0)]).await.unwrap_err(),
        documents::commit(&store, &owner, creation).await.unwrap_err(),
        store.sweep(now, 1).await.unwrap_err(),
    ]);
    store.revoke_everything(fresh(), now).await.unwrap();
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
            // Longer than SQLite's work on its write-ahead log after a commit.
            thread::sleep(Duration::from_millis(3));
            says(ends, "COMMIT");
            if written.load(Ordering::Relaxed) {
                break;
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(look_up);
        let now = OffsetDateTime::UNIX_EPOCH;
        let first = pollster::block_on(store.generation(&Subject::Customer(1.into()), fresh())).unwrap();
        let grants: Vec<_> = (0..10_000_u32)
            .map(|number| {
                let (id, website) = (GrantId::of(&number.to_be_bytes()), Website::default());
                let end = now + Duration::from_secs(60);
                Grant::customer(id, number.into(), website, Obtained::Password, now, end)
            })
            .collect();
        let origin = Origin::default();
        let insert = |grant| store.insert(grant, &origin, first, CAP, now);
        let answers = pollster::block_on(join_all(grants.iter().map(insert)));
        written.store(true, Ordering::Relaxed);
        assert!(answers.iter().all(Result::is_ok));
    });
    let log = fs::metadata(path.with_extension("db-wal")).unwrap().len();
    assert!(log < 10 << 20, "{log} bytes");
}
