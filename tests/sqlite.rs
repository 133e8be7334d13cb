//! The SQLite backend: the suite every store must pass, and what only it promises.
#![cfg(feature = "sqlite")]

#[path = "support/alternating.rs"]
mod alternating;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use alternating::Alternating;
use commerce_auth::{SqliteOptions, SqliteStore, store_conformance};
use tempfile::TempDir;

/// Databases of the whole test; the folder goes with it.
fn new_path() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    static FOLDER: std::sync::OnceLock<TempDir> = std::sync::OnceLock::new();
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
