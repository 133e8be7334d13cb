//! A database of the first version of the tables.

use std::fmt::Write;

use commerce_auth::{AuditEvent, audit::Verifier};

use crate::{
    database::Database,
    events::{customer, event, record},
    keyring, on_both,
};

const SQLITE: &str = include_str!("sqlite_v1.sql");
const POSTGRES: &str = include_str!("postgres_v1.sql");

/// The step to the first version, which nobody may change any more.
#[test]
fn the_first_version_is_as_it_was() {
    assert_eq!(SQLITE, include_str!("../../src/store/sqlite/schema.sql"));
    assert_eq!(POSTGRES, include_str!("../../src/store/postgres/schema.sql"));
}

/// Makes it, with events as the first release kept them, some of which were pruned.
fn make(database: &Database, events: &[AuditEvent]) {
    let mut rows = String::new();
    for event in events {
        let fields = serde_json::to_value(event).unwrap();
        let text = |name: &str| match fields.get(name).and_then(|word| word.as_str()) {
            Some(word) => format!("'{word}'"),
            None => "NULL".into(),
        };
        let (kind, id) = match &event.subject {
            Some(commerce_auth::Subject::Customer(id)) => ("'customer'".into(), format!("'{id}'")),
            Some(commerce_auth::Subject::Admin(id)) => ("'admin'".into(), format!("'{id}'")),
            _ => ("NULL".to_owned(), "NULL".to_owned()),
        };
        let at = event.at.unix_timestamp() * 1_000_000 + i64::from(event.at.microsecond());
        writeln!(
            rows,
            "INSERT INTO {{schema}}.audit_events (id, at, action, outcome, why, subject_kind, subject_id, actor, event) VALUES \
             ({}, {at}, {}, {}, {}, {kind}, {id}, {}, '{}');",
            text("id"),
            text("action"),
            text("outcome"),
            text("why"),
            text("actor"),
            fields.to_string().replace('\'', "''"),
        )
        .unwrap();
    }
    rows.push_str("DELETE FROM {schema}.audit_events WHERE arrival IN (1, 9)");
    match database {
        Database::Sqlite { .. } => {
            database.by_hand(SQLITE);
            database.by_hand("PRAGMA application_id = 211883796; PRAGMA user_version = 1");
        }
        Database::Postgres { schema, .. } => {
            database.by_hand(&format!(
                "CREATE SCHEMA {schema}; CREATE TABLE {schema}.schema_version (version integer NOT NULL); \
                 INSERT INTO {schema}.schema_version VALUES (1)"
            ));
            database.by_hand(POSTGRES);
        }
    }
    database.by_hand(&rows);
}

async fn a_database_of_version_1_is_brought_up_to_date_and_verifies(database: &Database) {
    let old: Vec<_> = (0..20).map(event).collect();
    make(database, &old);
    let kept: Vec<_> = old
        .iter()
        .enumerate()
        .filter(|(at, _)| ![0, 8].contains(at))
        .map(|(_, event)| event.clone())
        .collect();
    let keyring = keyring();
    let trail = database.node(Some(&keyring)).await;
    assert_eq!(trail.events().await, kept);
    assert_eq!(
        trail.records().await.iter().map(|record| record.position).collect::<Vec<_>>(),
        (1..=18).collect::<Vec<_>>()
    );
    record(&*trail, 19..30).await;
    let report = trail.verify(Verifier::new(&keyring, &[])).await;
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!((report.records, report.signed), (28, 10), "event 19 was there already");
    // What was kept before is erased, too.
    let told =
        |events: &[AuditEvent]| events.iter().filter(|event| event.subject == Some(customer(1))).count();
    assert_eq!(told(&trail.events().await), 3);
    assert_eq!(trail.erase(&customer(1)).await.unwrap(), 4, "one names only the account");
    let left = trail.events().await;
    assert_eq!(told(&left), 0);
    let accounts = left.iter().filter(|event| {
        event.account.is_some_and(|account| account.to_string() == crate::events::account(1))
    });
    assert_eq!(accounts.count(), 0);
    let report = trail.verify(Verifier::new(&keyring, &[])).await;
    assert!(report.is_clean() && report.records == 28, "{:?}", report.findings);
}

on_both! {
    a_database_of_version_1_is_brought_up_to_date_and_verifies,
}
