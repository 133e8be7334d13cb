//! The ready-made tables, the audit trail, and several shops in one database.

#[path = "../support/trail.rs"]
pub(crate) mod trail;

use commerce_auth::{
    CustomerRecord, CustomerStore, Origin,
    store::{Insert, OtcStore, Reserve, ThrottleStore, TokenStore},
};

use crate::{
    Schema, accounts,
    records::{HOUR, NOW, attempt, code, grant, presented, subject},
};

#[tokio::test]
async fn the_account_tables_keep_what_the_traits_ask_for() {
    let Some(schema) = Schema::new() else { return };
    let (one, other) = (schema.open().await, schema.open().await);
    accounts::customers([one.customers(), other.customers()]).await;
    accounts::admins([one.admins(), other.admins()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_trail_is_kept_once_and_in_order() {
    let Some(schema) = Schema::new() else { return };
    let store = schema.open().await;
    trail::is_kept_once_and_in_order(&store.audit(None), async |newest| store.audit_events(newest).await)
        .await;
    // What a support desk searches for.
    let found = schema.by_hand(
        "SELECT count(*) FROM {}.audit_events WHERE action = 'assistance_use' AND outcome = 'refused' \
         AND subject_kind = 'customer' AND subject_id = '1' AND actor = '7' AND at = 1767268800000001 \
         AND event ->> 'website' = 'base' AND personal ->> 'source' = '192.0.2.1'",
    );
    assert_eq!(found, "4");
}

#[tokio::test]
async fn shops_in_one_database_do_not_see_each_other() {
    let (Some(one), Some(other)) = (Schema::new(), Schema::new()) else { return };
    let (one, other) = (one.open().await, other.open().await);
    let (grant, code) = (grant("a"), code("a"));
    let generation = one.generation(&subject()).await.unwrap();
    assert_eq!(one.insert(&grant, &Origin::default(), generation, NOW).await.unwrap(), Insert::Stored);
    assert!(one.put(&code, 3, NOW).await.unwrap());
    for number in 0..6 {
        assert_eq!(one.reserve(&attempt(number, "a"), NOW).await.unwrap(), Reserve::Reserved);
    }
    let row = CustomerRecord {
        id: 1.into(),
        website: code.website.clone(),
        email: "bob@example.com".into(),
        password_hash: None,
        status: commerce_auth::AccountStatus::Active,
        allows_assistance: false,
    };
    one.customers().upsert(row).await.unwrap();

    assert_eq!(other.find(&grant.digest, NOW).await.unwrap(), None);
    assert_eq!(other.peek(&presented(&code), NOW).await.unwrap(), None);
    assert_eq!(other.reserve(&attempt(9, "a"), NOW).await.unwrap(), Reserve::Reserved);
    assert!(other.customers().find_by_id(&1.into()).await.unwrap().is_none());
    other.revoke_all(&subject(), None, NOW).await.unwrap();
    other.revoke_everything(NOW).await.unwrap();
    other.revoke(&grant.digest, NOW, NOW + HOUR).await.unwrap();
    other.discard(&code.customer).await.unwrap();
    other.clear(&attempt(9, "a").account).await.unwrap();
    other.purge_tokens(NOW + 3 * HOUR, 100).await.unwrap();
    other.purge_codes(NOW + 3 * HOUR, 100).await.unwrap();
    other.purge_attempts(NOW + 3 * HOUR, 100).await.unwrap();

    assert_eq!(one.find(&grant.digest, NOW).await.unwrap(), Some(grant));
    assert_eq!(one.peek(&presented(&code), NOW).await.unwrap(), Some(code));
    assert_eq!(one.reserve(&attempt(9, "a"), NOW).await.unwrap(), Reserve::Busy);
    assert_eq!(one.generation(&subject()).await.unwrap(), generation);
}
