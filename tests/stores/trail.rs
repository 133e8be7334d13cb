//! The promises of an audit trail in a database.

use commerce_auth::{
    audit::{AuditEvent, AuditSink},
    error::StoreError,
};

pub fn event(number: u8) -> AuditEvent {
    let line = format!(
        r#"{{"version": 1, "id": "b5d1fcbe-9d2f-4a2e-8a86-0000000000{number:02x}", "at": "2026-01-01T12:00:00.000001Z",
            "action": "assistance_use", "outcome": "refused", "why": "no_consent", "website": "base",
            "subject": {{"customer": "1"}}, "actor": "7", "source": "192.0.2.1", "user_agent": "it's \"me\" 🦀"}}"#
    );
    serde_json::from_str(&line).expect("an event")
}

/// Each event is stored once, even if several callers record it several times. The newest comes
/// last.
pub async fn is_kept_once_and_in_order(
    store: &(impl AuditSink + Clone),
    newest: impl AsyncFn(usize) -> Result<Vec<AuditEvent>, StoreError>,
) {
    assert!(newest(10).await.unwrap().is_empty());
    for number in [1, 2, 2, 3, 1] {
        store.record(&event(number)).await.unwrap();
    }
    assert_eq!(newest(10).await.unwrap(), [event(1), event(2), event(3)]);
    assert_eq!(newest(2).await.unwrap(), [event(2), event(3)]);
    assert!(newest(0).await.unwrap().is_empty());
    // Records from a thread outside any runtime, as the audit queue does.
    let sink = store.clone();
    std::thread::spawn(move || pollster::block_on(sink.record(&event(4))).unwrap()).join().unwrap();
    assert_eq!(newest(1).await.unwrap(), [event(4)]);
}
