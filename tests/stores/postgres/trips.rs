//! The number of round trips of each verb to the server.

use commerce_auth::{
    CustomerStore, Origin, StateStore, TokenStore,
    audit::AuditSink,
    error::StoreError,
    keyring::KeyId,
    store::{Change, Changes, postgres::PostgresOptions},
};
use commerce_auth_test_servers::Proxy;
use support::{
    documents,
    fresh::{CAP, fresh},
    records::{HOUR, MINUTE, NOW, grant, subject},
};

use crate::{postgres::Schema, trips::waits_of_a_sign_in};

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_waits_for_three_round_trips() {
    let Some(schema) = Schema::new() else { return };
    let proxy = Proxy::to(schema.server.port());
    let options = PostgresOptions::new(schema.server.url_through(proxy.port())).schema(&schema.name);
    let store = options.pipelined_connections(1).locking_connections(2).connect().await.unwrap();
    assert_eq!(waits_of_a_sign_in(store, &proxy).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_verb_is_one_round_trip() -> Result<(), StoreError> {
    let Some(schema) = Schema::new() else { return Ok(()) };
    let proxy = Proxy::to(schema.server.port());
    let options = PostgresOptions::new(schema.server.url_through(proxy.port())).schema(&schema.name);
    let store = options.pipelined_connections(1).locking_connections(1).connect().await.unwrap();
    let trail = store.audit(Some(&commerce_auth::keyring::Keyring::new(KeyId(1), [7; 32]).unwrap()));
    // The first round also does the work that is needed once for each connection.
    for round in 0..2 {
        let grant = grant(&format!("{round}"));

        let generation = store.generation(&subject(), fresh()).await?;
        let event = serde_json::from_str(
            &r#"{"version": 1, "id": "b5d1fcbe-9d2f-4a2e-8a86-00000000000N", "at": "2026-01-01T12:00:00Z",
                "action": "assistance_use", "outcome": "refused", "why": "no_consent", "website": "base",
                "subject": {"customer": "1"}}"#
                .replace('N', &format!("{round}")),
        )
        .unwrap();
        let partition = documents::partition(&format!("{round}"));
        let keys = [documents::key(0), documents::key(1)];
        let creation = keys.clone().map(|key| Change::Put(documents::put(key, None, 1)));
        let creation = Changes::new(creation.to_vec()).unwrap();
        macro_rules! is_one_round_trip {
            ($($call:expr;)*) => {$(
                let before = proxy.turns();
                let _ = $call.await?;
                let turns = proxy.turns() - before;
                assert!(round == 0 || turns == 1, "{} took {turns} round trips", stringify!($call));
            )*};
        }
        is_one_round_trip! {
            store.generation(&subject(), fresh());
            store.insert(&grant, &Origin::default(), generation, CAP, NOW);
            store.find(&grant.id, NOW);
            store.grants(&subject(), 100, NOW);
            store.revoke(&grant.id, NOW, NOW + HOUR);
            store.revoke_all(&subject(), None, fresh(), NOW);
            store.revoke_everything(fresh(), NOW);
            store.purge_tokens(NOW + MINUTE, 10);
            store.load(&partition, &keys);
            store.commit(&partition, &creation, NOW);
            store.commit(&partition, &creation, NOW);
            StateStore::list(&store, &documents::index(partition), None, 10);
            store.sweep(NOW, 10);
            store.customers().find_by_id(&1.into());
            trail.record(&event);
            trail.events(10);
        }
    }
    Ok(())
}
