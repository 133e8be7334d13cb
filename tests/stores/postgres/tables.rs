//! The ready-made tables, the audit trail, and several shops in one database.

use commerce_auth::{
    CustomerStore, Origin, StateStore, TokenStore,
    account::CustomerRecord,
    store::{Change, CommitOutcome, Insert, Put},
};
use support::{
    documents::{self, commit, document, key, partition, put, version},
    fresh::{CAP, fresh},
    records::{HOUR, NOW, grant, subject},
};

use crate::{accounts, postgres::Schema, trail};

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
    trail::is_kept_once_and_in_order(&store.audit(None), async |newest| {
        store.audit(None).events(newest).await
    })
    .await;
    // A query as a support desk runs it.
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
    let grant = grant("a");
    let generation = one.generation(&subject(), fresh()).await.unwrap();
    assert_eq!(one.insert(&grant, &Origin::default(), generation, CAP, NOW).await.unwrap(), Insert::Stored);
    let (partition, index) = (partition("a"), documents::index(partition("a")));
    let put = |number, rank| {
        let index = vec![documents::entry(rank)];
        vec![Change::Put(Put { keep_until: Some(NOW + 5 * HOUR), index, ..put(key(0), None, number) })]
    };
    assert_eq!(commit(&one, &partition, put(1, 1)).await.unwrap(), CommitOutcome::Committed);
    let row = CustomerRecord {
        id: 1.into(),
        website: commerce_auth::Website::default(),
        email: "bob@example.com".into(),
        password_hash: None,
        status: commerce_auth::account::AccountStatus::Active,
        allows_assistance: false,
    };
    one.customers().upsert(row).await.unwrap();

    assert_eq!(other.find(&grant.id, NOW).await.unwrap(), None);
    assert_eq!(other.load(&partition, &[key(0)]).await.unwrap(), [None]);
    assert_eq!(StateStore::list(&other, &index, None, 10).await.unwrap(), []);
    assert_eq!(commit(&other, &partition, put(2, 2)).await.unwrap(), CommitOutcome::Committed);
    assert!(other.customers().find_by_id(&1.into()).await.unwrap().is_none());

    other.revoke_all(&subject(), None, fresh(), NOW).await.unwrap();
    other.revoke_everything(fresh(), NOW).await.unwrap();
    other.revoke(&grant.id, NOW, NOW + HOUR).await.unwrap();
    let removal = vec![Change::Delete { key: key(0), expects: version(2) }];
    assert_eq!(commit(&other, &partition, removal).await.unwrap(), CommitOutcome::Committed);
    other.purge_tokens(NOW + 3 * HOUR, 100).await.unwrap();
    assert_eq!(other.sweep(NOW + 6 * HOUR, 100).await.unwrap(), 0);

    assert_eq!(one.find(&grant.id, NOW).await.unwrap(), Some(grant));
    assert_eq!(one.load(&partition, &[key(0)]).await.unwrap(), [Some(document(1))]);
    let listed = one.list(&index, None, 10).await.unwrap();
    assert_eq!(listed.iter().map(|listed| listed.position.rank).collect::<Vec<_>>(), [1]);
    assert_eq!(one.generation(&subject(), fresh()).await.unwrap(), generation);
}
