//! Rows that no release has written, and what the server refuses: an error of that call, which tells nothing.

use commerce_auth::{
    AccountStatus, AdminStore, AuditSink, CustomerRecord, CustomerStore, Digest, Email, KeyId, Origin,
    StoreError, Subject, UpsertError, Website,
    store::{FactorStore, GenerationId, TokenStore},
};

use crate::{
    Schema,
    fresh::{CAP, fresh},
    records::{HOUR, NOW, digest, enrolled, enrolment, grant, grant_of, recovery_code, said},
};

/// What no error may repeat.
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
    let (zero, then) = (Digest::from_bytes([0; 32]), time::OffsetDateTime::UNIX_EPOCH);
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
    assert_eq!(store.find(&digest("another"), NOW).await.unwrap(), None);
    assert!(store.customers().find_by_id(&2.into()).await.unwrap().is_none());
    assert!(store.grants(&Subject::Customer(1.into()), 100, NOW).await.unwrap().is_empty());
    // A purge goes on beside them.
    assert_eq!(store.purge_tokens(NOW + 2 * HOUR, 10).await.unwrap(), 3);
}

#[tokio::test]
async fn a_corrupt_factor_is_an_error_of_its_admin_user() {
    let Some(schema) = Schema::new() else { return };
    let store = schema.open().await;
    let whole = enrolled(&store, "whole", 7).await;
    let name = "decode(repeat('00', 32), 'hex')";
    for row in [
        "factors VALUES ('1', 'secret-marker', 1, 'x', 0, 0)",
        &format!("factors VALUES ('2', {name}, -1, 'secret-marker', 0, 0)"),
        &format!("factors VALUES ('3', {name}, 4294967296, 'secret-marker', 0, 0)"),
        &format!("factors VALUES ('4', {name}, 1, 'secret-marker', 0, -1)"),
        &format!("factors VALUES ('5', {name}, 1, 'secret-marker', 0, 0)"),
        "recovery_codes VALUES ('5', 'secret-marker')",
        &format!("factor_enrolments VALUES ('6', {name}, 1, 'secret-marker', 'short', 9)"),
    ] {
        schema.by_hand(&format!("INSERT INTO {{}}.{row}"));
    }
    let (zero, then) = (Digest::from_bytes([0; 32]), time::OffsetDateTime::UNIX_EPOCH);
    let mut errors = Vec::new();
    for admin in 1..=5 {
        errors.push(store.factor(&admin.into()).await.unwrap_err());
    }
    errors.push(store.enrolment(&zero, then).await.unwrap_err());
    errors.push(store.sealed_by_others(KeyId(2), 10).await.unwrap_err());
    // More than a column holds.
    errors.push(store.use_step(&whole.admin, &whole.token, u64::MAX).await.unwrap_err());
    errors.push(store.activate(&zero, u64::MAX, &[], then).await.unwrap_err());
    tells_nothing(&errors);
    assert!(!store.activate(&zero, 1, &[], then).await.unwrap(), "it does not name the factor there is");
    assert_eq!(store.purge_enrolments(NOW, 10).await.unwrap(), 1);
    assert!(store.use_step(&whole.admin, &whole.token, 2).await.unwrap());
    assert_eq!(store.factor(&whole.admin).await.unwrap().map(|factor| factor.last_step), Some(2));
    // A way out.
    for admin in 1..=5 {
        assert!(store.remove_factor(&admin.into()).await.unwrap());
    }
    assert_eq!(store.sealed_by_others(KeyId(2), 10).await.unwrap().len(), 1);
}

/// The server's own words hold the row that it refuses, and the statement.
#[tokio::test]
async fn what_the_server_refuses_is_not_repeated() {
    let Some(schema) = Schema::new() else { return };
    let store = schema.open().await;
    for (table, column) in [
        ("grants", "subject_id"),
        ("subjects", "id"),
        ("customers", "id"),
        ("audit_events", "subject_id"),
        ("factor_enrolments", "secret"),
        ("factors", "admin"),
    ] {
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
        panic!("it is no conflict");
    };
    let (mut sealed, mut marked_admin) = (enrolment("a", 1), enrolment("b", 2));
    sealed.secret.bytes = MARKER.into();
    marked_admin.admin = MARKER.parse().unwrap();
    store.begin_enrolment(&marked_admin, NOW).await.unwrap();
    let event = serde_json::from_str(
        r#"{"version": 1, "id": "b5d1fcbe-9d2f-4a2e-8a86-000000000001", "at": "2026-01-01T12:00:00Z",
            "action": "assistance_use", "outcome": "refused", "why": "no_consent", "website": "base",
            "subject": {"customer": "secret-marker"}}"#,
    );
    tells_nothing(&[
        store.insert(&grant, &Origin::default(), none, CAP, NOW).await.unwrap_err(),
        store.revoke_all(&subject, None, fresh(), NOW).await.unwrap_err(),
        upsert,
        store.begin_enrolment(&sealed, NOW).await.unwrap_err(),
        store.activate(&marked_admin.token, 1, &[recovery_code()], NOW).await.unwrap_err(),
        store.audit(None).record(&event.unwrap()).await.unwrap_err(),
    ]);
    assert_eq!(store.factor(&marked_admin.admin).await.unwrap(), None);
    works(&store).await;
}

/// Somebody has dropped a table.
#[tokio::test]
async fn a_table_that_is_gone_is_an_error_of_what_needs_it() {
    let Some(schema) = Schema::new() else { return };
    let store = schema.open().await;
    schema.by_hand("DROP TABLE {}.bars");
    tells_nothing(&[store.revoke(&digest("a"), NOW, NOW + HOUR).await.unwrap_err()]);
    store.generation(&Subject::Customer(1.into()), fresh()).await.unwrap();
    assert_eq!(store.find(&digest("a"), NOW).await.unwrap(), None);
}

/// Not to find a factor would let a password do.
#[tokio::test]
async fn a_factor_without_its_tables_is_an_error() {
    for table in ["factors", "recovery_codes", "factor_enrolments"] {
        let Some(schema) = Schema::new() else { return };
        let store = schema.open().await;
        let factor = enrolled(&store, "a", 7).await;
        schema.by_hand(&format!("DROP TABLE {{}}.{table}"));
        let mut errors = vec![store.remove_factor(&factor.admin).await.unwrap_err()];
        if table == "factor_enrolments" {
            errors.push(store.begin_enrolment(&enrolment("b", 7), NOW).await.unwrap_err());
            errors.push(store.enrolment(&digest("b"), NOW).await.unwrap_err());
            errors.push(store.activate(&digest("b"), 2, &[], NOW).await.unwrap_err());
            errors.push(store.purge_enrolments(NOW, 10).await.unwrap_err());
            assert_eq!(schema.by_hand("SELECT count(*) FROM {}.factors"), "1", "removed by halves");
        } else {
            let (admin, name) = (&factor.admin, &factor.token);
            errors.push(store.factor(admin).await.unwrap_err());
            errors.push(store.sealed_by_others(KeyId(2), 10).await.unwrap_err());
            errors.push(store.use_recovery_code(admin, name, &recovery_code()).await.unwrap_err());
            errors.push(store.replace_recovery_codes(admin, name, &[]).await.unwrap_err());
        }
        tells_nothing(&errors);
    }
}

/// A failure leaves the connection as it was.
async fn works(store: &commerce_auth::PostgresStore) {
    let grant = grant("works");
    let generation = store.generation(&grant.subject, fresh()).await.unwrap();
    let _ = store.insert(&grant, &Origin::default(), generation, CAP, NOW).await.unwrap();
    assert_eq!(store.find(&grant.digest, NOW).await.unwrap(), Some(grant));
}
