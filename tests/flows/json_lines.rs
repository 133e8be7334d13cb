//! The audit trail in a file: it contains every acknowledged event, each on a separate line.
#![cfg(feature = "json-lines")]

use std::{fs, io::Write, path::Path, sync::Arc, thread};

use commerce_auth::{
    audit::{Action, AuditEvent, AuditSink, EventId, JsonLinesAudit, MemoryAudit},
    store::memory::MemoryStore,
    token::Subject,
};
use support::{PASSWORD, Shop, WRONG, fast};
use tempfile::{TempDir, tempdir};

/// Returns some events as flows record them.
async fn events() -> Vec<AuditEvent> {
    let (trail, shop) = shop_with(Arc::new(MemoryAudit::new()));
    shop.assisting(&shop.admin_token().await, 0).await.unwrap();
    shop.sign_in(PASSWORD).await.unwrap();
    shop.sign_in(WRONG).await.unwrap_err();
    shop.auth.flush_audit().await;
    trail.events()
}

fn shop_with<S: AuditSink>(sink: Arc<S>) -> (Arc<S>, Shop) {
    (sink.clone(), Shop::open(MemoryStore::new(), fast(), |builder| builder.audit(sink)))
}

fn folder() -> TempDir {
    tempdir().expect("a folder can be made")
}

/// Returns the events of the complete lines.
fn read(path: &Path) -> Vec<AuditEvent> {
    let text = fs::read_to_string(path).expect("the file is there");
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[tokio::test]
async fn every_event_is_a_line() {
    let folder = folder();
    let path = folder.path().join("audit.jsonl");
    let (_, shop) = shop_with(Arc::new(JsonLinesAudit::open(&path).unwrap()));
    shop.assisting(&shop.admin_token().await, 1).await.unwrap();
    shop.sign_in(WRONG).await.unwrap_err();
    shop.auth.flush_audit().await;
    let told: Vec<_> = read(&path).iter().map(|event| event.action).collect();
    assert_eq!(
        told,
        [
            Action::AdminSignIn,
            Action::AdminSignIn,
            Action::CodeMint,
            Action::CodeMint,
            Action::CodeRedemption,
            Action::CodeRedemption,
            Action::SignIn
        ]
    );
    assert_eq!(shop.auth.audit_stats().failed, 0);
}

#[tokio::test]
async fn what_comes_at_once_is_kept_whole_and_in_the_file_once_acknowledged() {
    let folder = folder();
    let path = folder.path().join("audit.jsonl");
    let event = events().await.remove(0);
    let sinks = [JsonLinesAudit::open(&path).unwrap(), JsonLinesAudit::open(&path).unwrap()];
    thread::scope(|scope| {
        for number in 0..40_u128 {
            let (sink, path, event) = (&sinks[(number % 2) as usize], &path, &event);
            scope.spawn(move || {
                for round in 0..20 {
                    let id = EventId::from_bytes((number * 100 + round).to_be_bytes());
                    let mut event = event.clone();
                    event.id = id;
                    pollster::block_on(sink.record(&event)).unwrap();
                    let text = fs::read_to_string(path).unwrap();
                    assert!(text.contains(&id.to_string()), "an acknowledged event is not in the file");
                }
            });
        }
    });
    assert_eq!(read(&path).len(), 800, "each event is there once");
    let text = fs::read_to_string(&path).unwrap();
    // Where one writer saw a line that another writer had not finished, there is an empty line.
    assert_eq!(text.lines().filter(|line| !line.is_empty()).count(), 800, "lines were mixed up");
}

#[tokio::test]
async fn a_file_that_is_moved_away_is_begun_anew() {
    let folder = folder();
    let (path, moved) = (folder.path().join("audit.jsonl"), folder.path().join("audit.jsonl.1"));
    let events = events().await;
    let sink = JsonLinesAudit::open(&path).unwrap();
    sink.record(&events[0]).await.unwrap();
    fs::rename(&path, &moved).unwrap();
    sink.record(&events[1]).await.unwrap();
    assert_eq!((read(&moved), read(&path)), (events[..1].to_vec(), events[1..2].to_vec()));
}

#[tokio::test]
async fn half_a_line_does_not_spoil_the_next() {
    let folder = folder();
    let path = folder.path().join("audit.jsonl");
    let events = events().await;
    let sink = JsonLinesAudit::open(&path).unwrap();
    sink.record(&events[0]).await.unwrap();
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"{\"version\":1,\"id\":\"").unwrap();
    sink.record(&events[1]).await.unwrap();
    assert_eq!(read(&path), events[..2]);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);
}

#[tokio::test]
async fn what_cannot_be_written_is_an_error_and_nothing_is_issued() {
    let folder = folder();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let path = inner.join("audit.jsonl");
    let (sink, shop) = shop_with(Arc::new(JsonLinesAudit::open(&path).unwrap()));
    let admin = shop.admin_token().await;
    fs::remove_dir_all(&inner).unwrap();
    let refused = shop.assisting(&admin, 0).await.unwrap_err();
    assert_eq!(refused.kind(), commerce_auth::ErrorKind::Unavailable);
    fs::create_dir(&inner).unwrap();
    shop.assisting(&admin, 0).await.expect("the trail continues without a restart");
    drop(sink);
    assert!(JsonLinesAudit::open(folder.path()).is_err(), "a folder is not a file");
}

#[tokio::test]
async fn what_is_handed_on_cannot_be_taken_back() {
    let folder = folder();
    let path = folder.path().join("audit.jsonl");
    let sink = JsonLinesAudit::open(&path).unwrap();
    let events = events().await;
    sink.record(&events[0]).await.unwrap();
    let refused = sink.erase(&Subject::Customer(1.into())).await.unwrap_err();
    let why = std::error::Error::source(&refused).expect("the error gives the reason").to_string();
    assert!(why.starts_with("JsonLinesAudit cannot erase"), "{why}");
    assert_eq!(read(&path), events[..1]);
}

#[cfg(unix)]
#[test]
fn others_cannot_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let path = folder.path().join("audit.jsonl");
    let _sink = JsonLinesAudit::open(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}
