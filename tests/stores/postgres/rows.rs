//! Rows that no release has written, and statements that the server refuses. Each is an error of
//! that call, and the error reveals no data.

use commerce_auth::{
    AdminStore, CustomerStore, Email, Origin, TokenStore, Website,
    account::{AccountStatus, CustomerRecord, UpsertError},
    audit::AuditSink,
    error::StoreError,
    store::GenerationId,
    token::{GrantId, Subject},
};
use support::{
    fresh::{CAP, fresh},
    records::{HOUR, NOW, grant, grant_id, grant_of, said},
};

use crate::postgres::Schema;

/// A text that no error may repeat.
const MARKER: &str = "secret-marker";

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
    let Some(schema) = Schema::new() else { return };
    let store = schema.open().await;
    let (zeros, shop) = ("decode(repeat('00', 32), 'hex')", "decode(repeat('00', 16), 'hex')");
    store.generation(&Subject::Customer(1.into()), GenerationId::from_bytes([0; 16])).await.unwrap();
    let columns =
        "digest, subject_kind, subject_id, obtained, issued_at, expires_at, shop_generation, source";
    for row in [
        &format!("grants ({columns}) VALUES ({zeros}, 'martian', '{MARKER}', 'password', 0, 9, {shop}, NULL)"),
        &format!("grants ({columns}) VALUES ('short', 'customer', '2', 'password', 0, 9, {shop}, '{MARKER}')"),
        &format!(
            "grants (digest, subject_kind, subject_id, obtained, actor, issued_at, expires_at, shop_generation)
             VALUES ('shorter', 'customer', '3', 'password', '{MARKER}', 0, 9, {shop})"
        ),
        "customers VALUES ('1', 'base', 'marker@example.com', 'secret-marker', NULL, 'martian', true)",
        "admins VALUES ('7', 'marker', 'secret-marker', NULL, 'active', 'login secret-marker')",
        "audit_events (position, id, at, action, outcome, event)
         VALUES (1, gen_random_uuid(), 0, 'a', 'b', '\"secret-marker\"')",
    ] {
        schema.by_hand(&format!("INSERT INTO {{}}.{row}"));
    }
    let (zero, then) = (GrantId::from_bytes([0; 32]), time::OffsetDateTime::UNIX_EPOCH);
    let email: Email = "marker@example.com".parse().unwrap();
    let list =
        async |customer: i32| store.grants(&Subject::Customer(customer.into()), 100, then).await.unwrap_err();
    let errors = [
        store.find(&zero, then).await.unwrap_err(),
        list(2).await,
        list(3).await,
        store.customers().find_by_id(&1.into()).await.unwrap_err(),
        store.customers().find_by_email(&Website::default(), &email).await.unwrap_err(),
        store.admins().find_by_id(&7.into()).await.unwrap_err(),
        store.admins().find_by_username(&"marker".parse().unwrap()).await.unwrap_err(),
        store.audit(None).events(10).await.unwrap_err(),
    ];
    tells_nothing(&errors);
    assert_eq!(store.find(&grant_id("another"), NOW).await.unwrap(), None);
    assert!(store.customers().find_by_id(&2.into()).await.unwrap().is_none());
    assert!(store.grants(&Subject::Customer(1.into()), 100, NOW).await.unwrap().is_empty());
    // A purge continues beside them.
    assert_eq!(store.purge_tokens(NOW + 2 * HOUR, 10).await.unwrap(), 3);
}

/// The server's own message contains the refused row and the statement.
#[tokio::test]
async fn what_the_server_refuses_is_not_repeated() {
    let Some(schema) = Schema::new() else { return };
    let store = schema.open().await;
    for (table, column) in
        [("grants", "subject_id"), ("subjects", "id"), ("customers", "id"), ("audit_events", "subject_id")]
    {
        schema.by_hand(&format!("ALTER TABLE {{}}.{table} ADD CHECK ({column} <> '{MARKER}')"));
    }
    let marked: commerce_auth::CustomerId = MARKER.parse().unwrap();
    let (grant, subject) = (grant_of(marked.clone(), "a"), Subject::Customer(marked.clone()));
    let none = store.generation(&subject, fresh()).await.unwrap();
    let row = CustomerRecord {
        id: marked.clone(),
        website: Website::default(),
        email: "marker@example.com".into(),
        password_hash: Some("secret-marker".into()),
        status: AccountStatus::Active,
        allows_assistance: true,
    };
    let UpsertError::Unavailable(upsert) = store.customers().upsert(row).await.unwrap_err() else {
        panic!("the error is not a conflict");
    };
    let event = serde_json::from_str(
        r#"{"version": 1, "id": "b5d1fcbe-9d2f-4a2e-8a86-000000000001", "at": "2026-01-01T12:00:00Z",
            "action": "assistance_use", "outcome": "refused", "why": "no_consent", "website": "base",
            "subject": {"customer": "secret-marker"}}"#,
    );
    tells_nothing(&[
        store.insert(&grant, &Origin::default(), none, CAP, NOW).await.unwrap_err(),
        store.revoke_all(&subject, None, fresh(), NOW).await.unwrap_err(),
        upsert,
        store.audit(None).record(&event.unwrap()).await.unwrap_err(),
    ]);
    works(&store).await;
}

/// An administrator has dropped a table.
#[tokio::test]
async fn a_table_that_is_gone_is_an_error_of_what_needs_it() {
    let Some(schema) = Schema::new() else { return };
    let store = schema.open().await;
    schema.by_hand("DROP TABLE {}.bars");
    tells_nothing(&[store.revoke(&grant_id("a"), NOW, NOW + HOUR).await.unwrap_err()]);
    store.generation(&Subject::Customer(1.into()), fresh()).await.unwrap();
    assert_eq!(store.find(&grant_id("a"), NOW).await.unwrap(), None);
}

/// A failure leaves the connection usable.
async fn works(store: &commerce_auth::store::postgres::PostgresStore) {
    let grant = grant("works");
    let generation = store.generation(&grant.subject, fresh()).await.unwrap();
    let _ = store.insert(&grant, &Origin::default(), generation, CAP, NOW).await.unwrap();
    assert_eq!(store.find(&grant.id, NOW).await.unwrap(), Some(grant));
}
