//! A person is erased from a trail, and the trail still verifies.

use commerce_auth::{
    AdminId,
    audit::{AuditEvent, AuditRecord, FindingKind, Verifier},
    token::Subject,
};
use serde_json::json;

use crate::audit_chain::{
    database::{Database, Trail, verified},
    events::{customer, record},
    keyring, on_both,
};

/// Contained in every field about the person.
const MARKER: &str = "secret-marker";
const ACCOUNT: &str = "6d61726b6d61726b6d61726b6d61726b6d61726b6d61726b6d61726b6d61726b";
const ADDRESS: &str = "203.0.113.77";

fn person() -> Subject {
    Subject::Customer(MARKER.parse().unwrap())
}

fn telling(number: u8, more: &serde_json::Value) -> AuditEvent {
    let mut event = json!({
        "version": 1, "id": format!("a5d1fcbe-9d2f-4a2e-8a86-0000000000{number:02x}"), "at": "2026-01-01T12:00:00Z",
        "action": "sign_in", "outcome": "failed", "source": ADDRESS, "user_agent": MARKER, "correlation_id": MARKER,
    });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(event).expect("an event")
}

/// Three events are about the person. One of them names only the account.
fn about_the_person() -> [AuditEvent; 3] {
    [
        telling(1, &json!({"subject": {"customer": MARKER}, "account": ACCOUNT})),
        telling(2, &json!({"subject": {"customer": MARKER}, "actor": "7", "reason": MARKER})),
        telling(3, &json!({"account": ACCOUNT})),
    ]
}

async fn recorded(trail: &dyn Trail) -> Vec<AuditRecord> {
    record(trail, 0..20).await;
    for event in about_the_person() {
        trail.record(&event).await.unwrap();
    }
    record(trail, 20..40).await;
    trail.records().await
}

/// Returns all readable content of the database.
async fn remains(database: &Database) -> String {
    match database {
        Database::Sqlite { path, .. } => {
            database.by_hand("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
            let files = [path.clone(), path.with_extension("db-wal")];
            files
                .map(|file| String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned())
                .concat()
        }
        Database::Postgres { server, schema } => {
            server.query(&format!("SELECT record FROM {schema}.audit_events AS record")).unwrap()
        }
    }
}

async fn a_person_is_forgotten_and_the_chain_is_whole(database: &Database) {
    let keyring = keyring();
    let trail = database.node(Some(&keyring)).await;
    let before = recorded(&*trail).await;
    let head = trail.checkpoint().await.unwrap();
    for told in [MARKER, ACCOUNT, ADDRESS] {
        assert!(remains(database).await.contains(told), "the test looks at the wrong place for {told}");
    }

    assert_eq!(trail.erase(&person()).await.unwrap(), 3);
    let remains = remains(database).await;
    for told in [MARKER, ACCOUNT, ADDRESS] {
        assert!(!remains.contains(told), "{told} was not erased");
    }
    let report = trail.verify(Verifier::new(&keyring, &[head])).await;
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!((report.records, report.erased, report.head), (43, 3, Some(head)));
    // The rest of the erased records is readable. The other records are unchanged.
    let after = trail.records().await;
    for (before, after) in before.iter().zip(&after) {
        if before.position <= 20 || before.position > 23 {
            assert_eq!(before, after);
        } else {
            assert_eq!((&before.event, before.link), (&after.event, after.link));
        }
    }
    let left: Vec<_> = trail.events().await[20..23].to_vec();
    for (left, whole) in left.iter().zip(about_the_person()) {
        assert_eq!(
            (left.id, left.at, left.action, left.outcome),
            (whole.id, whole.at, whole.action, whole.outcome)
        );
        assert_eq!(left.actor, whole.actor);
        assert_eq!(
            (&left.subject, left.account, &left.reason, left.origin.source),
            (&None, None, &None, None)
        );
    }
    assert_eq!(trail.erase(&person()).await.unwrap(), 0, "there is nothing left to erase");

    // Someone who kept a copy cannot restore the personal part while the erasure mark is there.
    let mut restored = after.clone();
    restored[20].personal.clone_from(&before[20].personal);
    let report = verified(Verifier::new(&keyring, &[head]), &restored);
    assert_eq!(report.findings[0].kind, FindingKind::Changed);
    // The erasure mark of one record does not fit another record.
    let mut moved = after;
    (moved[23].personal, moved[23].erased) = (None, moved[20].erased);
    moved[23].columns.account = None;
    let report = verified(Verifier::new(&keyring, &[head]), &moved);
    assert_eq!(report.findings[0].kind, FindingKind::ErasedWithoutRight);
}

async fn whoever_has_no_key_cannot_erase_what_is_signed(database: &Database) {
    let keyring = keyring();
    let trail = database.node(Some(&keyring)).await;
    let before = recorded(&*trail).await;
    database.node(None).await.erase(&person()).await.unwrap_err();
    assert_eq!(trail.records().await, before);
}

async fn what_is_not_signed_is_erased_as_well(database: &Database) {
    let trail = database.node(None).await;
    recorded(&*trail).await;
    assert_eq!(trail.erase(&person()).await.unwrap(), 3);
    assert!(!remains(database).await.contains(MARKER));
    let report = trail.verify(Verifier::new(&keyring(), &[])).await;
    assert_eq!((report.is_clean(), report.records, report.signed), (true, 43, 0));
}

async fn an_admin_user_stays_with_what_was_done(database: &Database) {
    let keyring = keyring();
    let trail = database.node(Some(&keyring)).await;
    let admin = Subject::Admin(AdminId::from(7));
    trail.record(&telling(1, &json!({"action": "admin_sign_in", "subject": {"admin": "7"}}))).await.unwrap();
    let assistance = telling(2, &json!({"subject": {"customer": "1"}, "actor": "7", "reason": "ticket 1"}));
    trail.record(&assistance).await.unwrap();
    assert_eq!(trail.erase(&admin).await.unwrap(), 1);
    let events = trail.events().await;
    assert_eq!((&events[0].subject, events[0].origin.source), (&Some(admin.clone()), None));
    assert_eq!(events[1], assistance, "the event is the customer's, too");
    assert_eq!(trail.erase(&admin).await.unwrap(), 0);
    let report = trail.verify(Verifier::new(&keyring, &[])).await;
    assert!(report.is_clean() && report.erased == 1, "{report:?}");
}

/// The many events of one customer are erased in pages. Each page is final, even if a later one
/// fails.
async fn a_customer_of_many_events_is_forgotten_page_by_page(database: &Database) {
    const RECORDS: u64 = 1600;
    let keyring = keyring();
    let trail = database.node(Some(&keyring)).await;
    // These events are found by the customer's number alone. There are few events with the account
    // name.
    record(&*trail, (0..RECORDS).map(|number| number * 30 + 5)).await;
    let stop = match database {
        Database::Sqlite { .. } => {
            "CREATE TRIGGER stop BEFORE UPDATE ON audit_events WHEN old.position = 1250 \
             BEGIN SELECT RAISE(ABORT, 'stop'); END"
        }
        Database::Postgres { .. } => {
            "ALTER TABLE {schema}.audit_events ADD CONSTRAINT stop CHECK (position <> 1250 OR erased IS NULL)"
        }
    };
    database.by_hand(stop);
    trail.erase(&customer(0)).await.unwrap_err();
    let erased = || async { trail.records().await.iter().filter(|record| record.erased.is_some()).count() };
    assert_eq!(erased().await, 1000, "two whole pages");
    database.by_hand(match database {
        Database::Sqlite { .. } => "DROP TRIGGER stop",
        Database::Postgres { .. } => "ALTER TABLE {schema}.audit_events DROP CONSTRAINT stop",
    });
    assert_eq!(trail.erase(&customer(0)).await.unwrap(), 600);
    let report = trail.verify(Verifier::new(&keyring, &[])).await;
    assert!(report.is_clean() && report.erased == RECORDS, "{report:?}");
}

on_both! {
    a_customer_of_many_events_is_forgotten_page_by_page,
    a_person_is_forgotten_and_the_chain_is_whole,
    whoever_has_no_key_cannot_erase_what_is_signed,
    what_is_not_signed_is_erased_as_well,
    an_admin_user_stays_with_what_was_done,
}
