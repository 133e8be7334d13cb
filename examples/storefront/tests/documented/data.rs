//! The files of this folder, as their README explains them.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Map, Value};

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documented")
}

/// A pair or an error. A key that is not known here is misspelt.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The file without its ending: the operation.
    #[serde(skip)]
    pub file: String,
    pub name: String,
    pub request: Option<Request>,
    pub response: Option<Response>,
    #[serde(default)]
    pub volatile: Vec<String>,
    #[serde(default)]
    pub volatile_request: Vec<String>,
    pub cause: Option<String>,
    message: Option<String>,
    pub category: Option<String>,
    status: Option<u16>,
    /// Of a REST error. No parameters are an empty list, or none at all.
    pub parameters: Option<Value>,
    pub errors: Option<Value>,
    code_status: Option<u16>,
    code_message: Option<String>,
    pub departure: Option<u8>,
    #[serde(default = "yes")]
    pub in_scope: bool,
    #[serde(default)]
    pub schema_error: bool,
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "evidence")]
    _evidence: String,
    #[serde(rename = "derived", default)]
    _derived: IgnoredAny,
    #[serde(rename = "documented_status", default)]
    _documented_status: IgnoredAny,
    #[serde(rename = "defect", default)]
    _defect: IgnoredAny,
    #[serde(rename = "unchecked", default)]
    _unchecked: IgnoredAny,
    #[serde(rename = "note", default)]
    _note: IgnoredAny,
    #[serde(rename = "response_source", default)]
    _response_source: IgnoredAny,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Map<String, Value>,
    pub query: Option<String>,
    pub body: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    pub status: u16,
    pub body: Value,
    #[serde(rename = "documented_status", default)]
    _documented_status: IgnoredAny,
}

const fn yes() -> bool {
    true
}

impl Entry {
    pub fn is_of(&self, file: &str, name: &str) -> bool {
        self.file == file && self.name == name
    }

    /// Where the documentation and 2.4.8 disagree, it is 2.4.8 that clients talk to.
    pub fn error_status(&self) -> u16 {
        self.code_status.or(self.status).unwrap()
    }

    pub fn error_message(&self) -> &str {
        self.code_message.as_ref().or(self.message.as_ref()).unwrap()
    }
}

/// All that is in scope, of all files.
pub fn entries() -> Vec<Entry> {
    let mut files: Vec<_> = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    let mut entries: Vec<Entry> = files.iter().flat_map(|file| read(file)).collect();
    entries.retain(|entry| entry.in_scope);
    entries
}

fn read(file: &Path) -> Vec<Entry> {
    let text = fs::read_to_string(file).unwrap();
    let mut entries: Vec<Entry> =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    for entry in &mut entries {
        entry.file = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let is_pair = entry.request.is_some() && entry.response.is_some();
        assert_ne!(is_pair, entry.cause.is_some(), "{}: a pair or an error", entry.name);
    }
    entries
}

/// Checks each of them, and tells of all that failed.
pub fn check_each(entries: &[Entry], check: impl Fn(&Entry) + Sync) {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(entry) = entries.get(next.fetch_add(1, Ordering::Relaxed)) {
            if catch_unwind(AssertUnwindSafe(|| check(entry))).is_err() {
                failed.lock().unwrap().push(format!("{}: {}", entry.file, entry.name));
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {}: {failed:#?}", failed.len(), entries.len());
}
