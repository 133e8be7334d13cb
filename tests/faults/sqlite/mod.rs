//! The SQLite backend when the process, the disk or another process on the machine fails.
#![cfg(all(feature = "sqlite", unix))]

mod child;
mod state;

use std::{
    env, fs,
    future::Future,
    os::unix::{fs::MetadataExt, fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    pin::pin,
    process::{Command, Stdio},
    task::{Context, Waker},
    thread,
    time::{Duration, Instant},
};

use child::Talking;
use commerce_auth::{
    Origin, StateStore, TokenStore,
    store::{
        Generation, GenerationId, Insert, OpenError, Partition,
        sqlite::{SqliteOptions, SqliteStore},
    },
    token::{Grant, GrantId, Obtained, Subject},
};
use futures_util::future::join_all;
use pollster::block_on;
use rusqlite::Connection;
use support::{
    documents,
    fresh::{CAP, fresh},
};
use tempfile::TempDir;
use time::{OffsetDateTime, macros::datetime};

const NOW: OffsetDateTime = datetime!(2026-01-01 00:00 UTC);
const END: OffsetDateTime = datetime!(2026-01-02 00:00 UTC);
const FIRST: Generation = Generation { shop: GenerationId::from_bytes([7; 16]), subject: None };
/// For operations that a slow machine finishes in the end.
const PATIENCE: Duration = Duration::from_secs(60);
/// For operations that must not be waited for.
const SHORT: Duration = Duration::from_millis(200);

fn open(path: &Path, timeout: Duration) -> SqliteStore {
    SqliteOptions::new(path).timeout(timeout).open().expect("the file can be opened")
}

fn grant(name: &str) -> Grant {
    let website = "base".parse().unwrap();
    Grant::customer(GrantId::of(name.as_bytes()), 1.into(), website, Obtained::Password, NOW, END)
}

fn insert(store: &SqliteStore, name: &str) -> Result<Insert, commerce_auth::error::StoreError> {
    let grant = grant(name);
    assert_eq!(block_on(store.generation(&grant.subject, FIRST.shop))?, FIRST);
    block_on(store.insert(&grant, &Origin::default(), FIRST, CAP, NOW))
}

fn is_found(store: &SqliteStore, name: &str) -> bool {
    block_on(store.find(&GrantId::of(name.as_bytes()), NOW)).expect("look-ups continue").is_some()
}

/// Opens another connection, which locks the file against writes.
fn lock(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(PATIENCE).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

/// True if the condition becomes true within a short time.
fn soon(mut condition: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if condition() {
            return true;
        }
        thread::yield_now();
    }
    false
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Does nothing except in a child process.
#[test]
fn in_another_process() {
    let Some((part, path)) = child::part() else { return };
    match part.as_str() {
        "load" => load(&path),
        "one by one" => one_by_one(&path),
        "full disk" => on_a_full_disk(&path),
        "a name" => assert_eq!(insert(&open(&path, PATIENCE), "kept").unwrap(), Insert::Stored),
        "forbidden" => what_is_forbidden(&path),
        "commits" => state::commits(&path),
        "commits race" => state::race_in_a_child(&path),
        part => panic!("no such part: {part}"),
    }
}

const CHILD: &str = "sqlite::in_another_process";

/// Writes until it is killed, and reports each acknowledged write.
fn load(path: &Path) {
    let store = open(path, PATIENCE);
    let round = std::process::id();
    thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for count in 0.. {
                    let name = format!("{round}-{thread}-{count}");
                    match count % 2 {
                        0 => {
                            assert_eq!(insert(store, &name).unwrap(), Insert::Stored);
                            child::say(&format!("kept {name}"));
                        }
                        _ => {
                            assert_eq!(insert(store, &name).unwrap(), Insert::Stored);
                            assert!(block_on(store.revoke(&GrantId::of(name.as_bytes()), NOW, END)).unwrap());
                            child::say(&format!("revoked {name}"));
                        }
                    }
                }
            });
        }
    });
}

#[test]
fn what_was_acknowledged_outlives_a_kill() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("auth.db");
    let mut said = Vec::new();
    for round in 0..5 {
        let mut child = Talking::start(CHILD, "load", &path);
        for _ in 0..50 + 37 * round {
            said.push(child.next().expect("the child writes until it is killed"));
        }
        said.extend(child.kill());
        // The line that the kill cut off is not complete.
        let store = open(&path, PATIENCE);
        for line in &said {
            let (what, name) = line.split_once(' ').expect("two words");
            match what {
                "kept" => assert!(is_found(&store, name), "round {round}: {line}"),
                "revoked" => {
                    assert!(!is_found(&store, name), "round {round}: {line}");
                    assert_eq!(insert(&store, name).unwrap(), Insert::Barred, "round {round}: {line}");
                }
                _ => panic!("round {round}: {line}"),
            }
        }
        drop(store);
        let check = Connection::open(&path).unwrap();
        let check: String = check.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
    }
}

fn one_by_one(path: &Path) {
    let store = open(path, PATIENCE);
    for count in 0..20 {
        assert_eq!(insert(&store, &format!("{count}")).unwrap(), Insert::Stored);
        child::say("acknowledged");
    }
}

/// A kill alone does not prove durability: writes in the kernel's buffers survive the process.
#[test]
fn a_write_is_on_the_disk_before_it_is_acknowledged() {
    let folder = TempDir::new().unwrap();
    let calls = folder.path().join("calls");
    let traced = child::cast("strace", "one by one", &folder.path().join("auth.db"))
        .args(["-f", "-y", "-qq", "-s", "64", "-e", "trace=fsync,fdatasync,write", "-o"])
        .arg(&calls)
        .arg(child::this_binary())
        .args(child::arguments(CHILD))
        .stdout(Stdio::null())
        .status();
    match traced {
        Ok(status) if status.success() => {}
        Err(_) if env::var("COMMERCE_AUTH_REQUIRE_SERVERS").is_ok_and(|value| value == "1") => {
            panic!("strace is not installed");
        }
        other => return eprintln!("SKIPPED: strace is not there, or may not trace: {other:?}"),
    }
    let (mut is_synced, mut syncing, mut acknowledged) = (false, None, 0);
    let calls = fs::read_to_string(calls).unwrap();
    for line in calls.lines() {
        let thread = line.split_whitespace().next();
        if line.contains("sync(") && line.contains("auth.db-wal") {
            syncing = thread;
        }
        if line.contains("sync") && line.ends_with("= 0") && syncing.is_some() && syncing == thread {
            (is_synced, syncing) = (true, None);
        }
        if line.contains("write(") && line.contains("> acknowledged") {
            assert!(is_synced, "a write was acknowledged before it was synced:\n{calls}");
            (is_synced, acknowledged) = (false, acknowledged + 1);
        }
    }
    assert_eq!(acknowledged, 20, "{calls}");
}

/// Fills the disk, continues to read, and writes again once there is room.
fn on_a_full_disk(path: &Path) {
    let ballast = path.with_file_name("ballast");
    let has_ballast = fs::write(&ballast, [0; 1 << 20]).is_ok();
    let store = open(path, PATIENCE);
    let mut stored = 0;
    let error = loop {
        match insert(&store, &stored.to_string()) {
            Ok(inserted) => assert_eq!(inserted, Insert::Stored),
            Err(error) => break error,
        }
        stored += 1;
        assert!(stored < 100_000, "the disk is not full");
    };
    assert!(std::error::Error::source(&error).is_some());
    assert!(insert(&store, "more").is_err(), "the disk is still full");
    assert!(stored > 0 && (0..stored).all(|count| is_found(&store, &count.to_string())));
    if has_ballast {
        fs::remove_file(ballast).unwrap();
    } else {
        let process = std::process::id().to_string();
        let lifted = Command::new("prlimit").args(["--fsize=unlimited:", "--pid", &process]).status();
        assert!(lifted.is_ok_and(|status| status.success()), "the limit can be lifted");
    }
    assert_eq!(insert(&store, "room").unwrap(), Insert::Stored);
    drop(store);
    let store = open(path, PATIENCE);
    assert!(is_found(&store, "room") && (0..stored).all(|count| is_found(&store, &count.to_string())));
    child::say("through");
}

/// On a small disk that only the child uses, where one may be mounted.
#[test]
fn a_full_disk_loses_nothing_and_holds_up_nobody_for_good() {
    let folder = TempDir::new().unwrap();
    let disk = "mount -t tmpfs -o size=2m tmpfs \"$FOLDER\" && exec \"$0\" \"$@\"";
    let mut on_a_disk = child::cast("unshare", "full disk", &folder.path().join("auth.db"));
    on_a_disk.args(["--user", "--map-root-user", "--mount", "sh", "-c", disk]);
    fill(on_a_disk, folder.path(), "no file system could be mounted");
}

/// With a limit on the size of a file, which needs no rights.
#[test]
fn a_file_that_may_not_grow_loses_nothing_and_holds_up_nobody_for_good() {
    let folder = TempDir::new().unwrap();
    let limit = "trap '' XFSZ && ulimit -S -f 1024 && exec \"$0\" \"$@\"";
    let mut limited = child::cast("sh", "full disk", &folder.path().join("auth.db"));
    limited.args(["-c", limit]);
    fill(limited, folder.path(), "no limit could be set");
}

fn fill(mut command: Command, folder: &Path, skipped: &str) {
    command.env("FOLDER", folder).arg(child::this_binary()).args(child::arguments(CHILD));
    let output = command.output().expect("there is a shell");
    let said = String::from_utf8_lossy(&output.stdout);
    if !said.contains("running 1 test") {
        return eprintln!("SKIPPED: {skipped}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(output.status.success() && said.contains("> through"), "{said}");
}

/// The processes find the file empty, or while another one is creating the tables.
#[test]
fn many_openers_of_a_new_file_wait_for_each_other() {
    let folder = TempDir::new().unwrap();
    for round in 0..50 {
        let path = folder.path().join(format!("{round}.db"));
        thread::scope(|scope| {
            for _ in 0..10 {
                scope.spawn(|| open(&path, PATIENCE));
            }
        });
    }
}

/// A document has an unreadable version, or the shop's generation is missing, after an
/// administrator's edit by hand.
#[test]
fn a_corrupt_row_is_in_nobody_elses_way_and_a_missing_one_revives_nothing() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("auth.db");
    let store = open(&path, PATIENCE);
    let hand = Connection::open(&path).unwrap();
    hand.execute_batch(
        "INSERT INTO documents (partition, kind, id, version, keep_until, bytes) VALUES
             (zeroblob(32), 'document', zeroblob(32), x'00', 1, x''),
             (randomblob(32), 'document', zeroblob(32), zeroblob(16), 2, x'')",
    )
    .unwrap();
    let corrupt = Partition::from_bytes([0; 32]);
    assert!(block_on(store.load(&corrupt, &[documents::key(0)])).is_err());
    assert_eq!(block_on(store.sweep(NOW, 10)).unwrap(), 2);
    assert_eq!(insert(&store, "earlier").unwrap(), Insert::Stored);
    hand.execute_batch("DELETE FROM epoch").unwrap();
    assert!(!is_found(&store, "earlier"));
    block_on(store.generation(&Subject::Customer(1.into()), fresh())).unwrap();
    assert!(!is_found(&store, "earlier"), "a new generation is different");
}

#[test]
fn ended_bars_are_purged_within_the_limit_and_counted() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder.path().join("auth.db"), PATIENCE);
    for count in 0..5 {
        assert_eq!(insert(&store, &format!("expires {count}")).unwrap(), Insert::Stored);
        block_on(store.revoke(&GrantId::of(format!("{count}").as_bytes()), NOW, END)).unwrap();
    }
    let removed = [(); 5].map(|()| block_on(store.purge_tokens(END, 3)).unwrap());
    assert_eq!(removed, [3, 3, 3, 1, 0]);
}

/// SQLite's own limit is shorter than the longest `Duration`.
#[test]
fn no_timeout_is_too_long() {
    let folder = TempDir::new().unwrap();
    open(&folder.path().join("auth.db"), Duration::MAX);
}

/// SQLite would read this name as a URI, whose parameters could change how the file is opened.
const NAME: &str = "file:auth.db?mode=memory";

#[test]
fn a_name_is_a_name() {
    let folder = TempDir::new().unwrap();
    let mut named = child::cast(child::this_binary(), "a name", Path::new(NAME));
    named.args(child::arguments(CHILD)).current_dir(folder.path());
    let output = named.output().expect("the test's binary can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(is_found(&open(&folder.path().join(NAME), PATIENCE), "kept"));
}

#[test]
fn while_another_holds_the_file_writes_end_and_look_ups_go_on() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("auth.db");
    let store = open(&path, SHORT);
    assert_eq!(insert(&store, "before").unwrap(), Insert::Stored);
    let lock = lock(&path);
    let start = Instant::now();
    thread::scope(|scope| {
        let write = scope.spawn(|| insert(&store, "meanwhile"));
        assert!(is_found(&store, "before"));
        let error = write.join().unwrap().expect_err("it is locked");
        assert!(std::error::Error::source(&error).is_some());
    });
    assert!(start.elapsed() < PATIENCE);
    lock.execute_batch("COMMIT").unwrap();
    let patient = open(&path, PATIENCE);
    assert!(!is_found(&patient, "meanwhile"));
    assert_eq!(insert(&store, "after").unwrap(), Insert::Stored);
}

#[test]
fn a_full_queue_is_refused_in_time_and_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("auth.db");
    let store = open(&path, SHORT);
    let lock = lock(&path);
    let start = Instant::now();
    // More than fit in the queue and in one transaction.
    let ids: Vec<_> = (0..2000_u32).map(|number| GrantId::of(&number.to_be_bytes())).collect();
    let answers = block_on(join_all(ids.iter().map(|id| store.revoke(id, NOW, END))));
    assert!(answers.iter().all(Result::is_err));
    assert!(start.elapsed() < PATIENCE);
    lock.execute_batch("COMMIT").unwrap();
    assert!(soon(|| block_on(store.revoke_everything(fresh(), NOW)).is_ok()), "service resumes");
    // A caller that was told that the file is busy may have been served, but only if its turn had
    // come.
    let count = "SELECT count(*) FROM bars";
    let barred: i64 = Connection::open(&path).unwrap().query_row(count, [], |row| row.get(0)).unwrap();
    assert!((0..=256).contains(&barred), "{barred}");
}

#[test]
fn a_caller_that_goes_away_before_its_turn_has_asked_for_nothing() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("auth.db");
    let store = open(&path, PATIENCE);
    // Often enough that the writer is found while it waits for the lock.
    for count in 0..20 {
        let lock = lock(&path);
        {
            let mut gone = pin!(store.revoke_everything(fresh(), NOW));
            assert!(gone.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            assert!(
                soon(|| format!("{store:?}").contains("queued: Some(0)")),
                "the writer has it: {store:?}"
            );
        }
        lock.execute_batch("COMMIT").unwrap();
        assert_eq!(insert(&store, &count.to_string()).unwrap(), Insert::Stored, "and not Revoked");
    }
}

#[test]
fn where_all_readers_are_busy_look_ups_end_and_resume() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("auth.db");
    let timeout = Duration::from_millis(1);
    let store = SqliteOptions::new(&path).readers(1).timeout(PATIENCE).open().unwrap();
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count LIMIT 50000)
             INSERT INTO grants SELECT randomblob(32), 'customer', '1', 'base', 'password', NULL, NULL, NULL,
                 n, 9000000000000000, zeroblob(16), NULL, NULL, NULL FROM count;
             INSERT INTO epoch VALUES (1, zeroblob(16))",
        )
        .unwrap();
    drop(store);
    let store = SqliteOptions::new(&path).readers(1).timeout(timeout).open().unwrap();
    let (subject, id) = (Subject::Customer(1.into()), GrantId::of(b"token"));
    thread::scope(|scope| {
        let was_refused = scope.spawn(|| soon(|| block_on(store.find(&id, NOW)).is_err()));
        while !was_refused.is_finished() {
            // This call may be refused as well.
            let _ = block_on(store.grants(&subject, 100_000, NOW));
        }
        assert!(was_refused.join().unwrap());
    });
    assert_eq!(block_on(store.find(&id, NOW)).unwrap(), None);
    assert_eq!(block_on(store.grants(&subject, 100_000, NOW)).unwrap().len(), 50_000);
}

fn what_is_forbidden(folder: &Path) {
    for file in ["read only/auth.db", "read only/new.db", "auth.db"] {
        let refused = SqliteStore::open(folder.join(file)).expect_err(file);
        assert!(matches!(refused, OpenError::NotPermitted { .. }), "{file}: {refused:?}");
    }
    let refused = SqliteStore::open(folder.join("auth.db/auth.db")).expect_err("a file is not a folder");
    assert!(matches!(refused, OpenError::Unavailable(_)), "{refused:?}");
}

#[test]
fn what_may_not_be_written_is_refused() {
    let folder = TempDir::new().unwrap();
    let set_mode = |path: &Path, mode| fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    let (file, sealed) = (folder.path().join("auth.db"), folder.path().join("read only"));
    fs::create_dir(&sealed).unwrap();
    for path in [file.clone(), sealed.join("auth.db")] {
        drop(open(&path, PATIENCE));
        set_mode(&path, 0o644);
    }
    set_mode(&file, 0o444);
    set_mode(&sealed, 0o555);
    set_mode(folder.path(), 0o755);
    // Permissions do not restrict root, and other users may have no access to root's folders.
    let binary = folder.path().join("test");
    fs::copy(child::this_binary(), &binary).unwrap();
    set_mode(&binary, 0o755);
    let mut command = child::cast(binary, "forbidden", folder.path());
    command.args(child::arguments(CHILD)).current_dir("/");
    if is_root() {
        command.uid(65534);
    }
    let output = command.output().expect("it can be started");
    set_mode(&sealed, 0o755);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Calls every verb that reads or writes the tables. Returns the number of verbs that failed.
fn errors(store: &SqliteStore) -> usize {
    let (id, subject) = (GrantId::of(b"token"), Subject::Customer(1.into()));
    [
        block_on(store.find(&id, NOW)).is_err(),
        block_on(store.grants(&subject, 100, NOW)).is_err(),
        block_on(store.generation(&subject, fresh())).is_err(),
        insert(store, "another").is_err(),
        block_on(store.revoke(&id, NOW, END)).is_err(),
        block_on(store.revoke_all(&subject, None, fresh(), NOW)).is_err(),
        block_on(store.revoke_everything(fresh(), NOW)).is_err(),
        block_on(store.load(&documents::partition("another"), &[documents::key(0)])).is_err(),
        block_on(documents::add_to_both(store, &documents::partition("another"), 1, 1)).is_err(),
        block_on(store.sweep(END, 10)).is_err(),
        block_on(store.audit(None).events(10)).is_err(),
        block_on(store.purge_tokens(END, 10)).is_err(),
    ]
    .into_iter()
    .map(usize::from)
    .sum()
}

#[test]
fn a_damaged_file_is_an_error() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("auth.db");
    drop(open(&path, PATIENCE));
    let whole = fs::read(&path).unwrap();
    let page = 4096;
    let damaged = |from: usize, to: usize| -> PathBuf {
        let mut bytes = whole.clone();
        bytes[from..to].fill(0xa5);
        let path = folder.path().join(format!("{from}-{to}.db"));
        fs::write(&path, bytes).unwrap();
        path
    };
    for (from, to) in [(0, whole.len()), (0, 16), (100, page)] {
        let refused = SqliteStore::open(damaged(from, to)).expect_err("its first page is damaged");
        assert!(matches!(refused, OpenError::Unavailable(_)), "{from}-{to}: {refused:?}");
    }
    let truncated = folder.path().join("truncated.db");
    fs::write(&truncated, &whole[..page]).unwrap();
    let tables = damaged(page, whole.len());
    for path in [tables, truncated] {
        match SqliteStore::open(&path) {
            Ok(store) => assert!(errors(&store) > 0, "{}", path.display()),
            Err(refused) => assert!(matches!(refused, OpenError::Unavailable(_)), "{refused:?}"),
        }
    }
    // The file is damaged while it is open. Cached data may still be returned, and nothing panics.
    let store = open(&path, PATIENCE);
    fs::write(&path, vec![0xa5; whole.len()]).unwrap();
    errors(&store);
}
