//! The SQL of the guides runs, and does what the guides say.

use std::net::IpAddr;

use commerce_auth::{
    Auth, SignIn,
    account::CustomerRecord,
    keyring::{KeyId, Keyring},
    store::{
        OpenError,
        postgres::{PostgresOptions, PostgresStore},
    },
};
use commerce_auth_test_servers::Postgres;

use super::opening::every_verb;

/// Returns the SQL blocks of a guide.
fn sql(guide: &str) -> Vec<&str> {
    guide.split("```sql\n").skip(1).filter_map(|block| block.split("```").next()).collect()
}

fn options(server: &Postgres, role: &str) -> PostgresOptions {
    PostgresOptions::new(server.url().replace("postgres@", &format!("{role}@")))
}

#[tokio::test]
async fn the_rights_before_going_live_are_enough_and_no_more() {
    let Some(server) = Postgres::start() else { return };
    let [roles] = *sql(include_str!("../../../docs/go-live.md")) else { panic!("one block") };
    server.query(roles).unwrap();
    let refused = options(&server, "shop").migrate(false).connect().await.unwrap_err();
    assert!(matches!(refused, OpenError::NotMigrated { .. }), "{refused:?}");
    let refused = options(&server, "shop").connect().await.unwrap_err();
    assert!(matches!(refused, OpenError::NotPermitted { .. }), "{refused:?}");
    drop(options(&server, "shop_owner").connect().await.unwrap());
    every_verb(&options(&server, "shop").migrate(false).connect().await.unwrap()).await;
    let as_shop = |sql: &str| server.query(&format!("SET ROLE shop; {sql}"));
    assert!(as_shop("SELECT count(*) FROM commerce_auth.grants").is_some());
    assert!(as_shop("DROP TABLE commerce_auth.grants").is_none());
    assert!(as_shop("TRUNCATE commerce_auth.audit_events").is_none());
}

#[tokio::test]
async fn the_rights_of_an_existing_schema_are_enough() {
    let Some(server) = Postgres::start() else { return };
    let [rights] = *sql(include_str!("../../../docs/postgresql.md")) else { panic!("one block") };
    server.query("CREATE ROLE shop LOGIN").unwrap();
    drop(options(&server, "postgres").connect().await.unwrap());
    server.query(rights).unwrap();
    every_verb(&options(&server, "shop").migrate(false).connect().await.unwrap()).await;
}

async fn auth(store: &PostgresStore) -> Auth {
    let keyring = Keyring::new(KeyId(1), [7; 32]).unwrap();
    let auth = Auth::builder(store.clone())
        .customers(store.customers())
        .audit(store.audit(Some(&keyring)))
        .keyring(keyring)
        .without_notifier()
        .build()
        .unwrap();
    let customer = CustomerRecord::new(1, "bobloblaw@example.com")
        .with_password(auth.hash_new_password("bobloblaw@example.com", "b0bl0bl@w").await.unwrap());
    store.customers().upsert(customer).await.unwrap();
    auth
}

#[tokio::test]
async fn the_sql_of_an_operator_does_what_the_guide_says() {
    let Some(server) = Postgres::start() else { return };
    let [sign_everyone_out, refusals] = *sql(include_str!("../../../docs/operations.md")) else {
        panic!("two blocks")
    };
    let auth = auth(&PostgresStore::connect(&server.url()).await.unwrap()).await;
    let sign_in = |password: &str, source: [u8; 4]| {
        let sign_in = SignIn::new("bobloblaw@example.com", password).origin(IpAddr::from(source));
        auth.generate_customer_token(sign_in)
    };
    for _ in 0..8 {
        sign_in("wr0ng-password", [192, 0, 2, 1]).await.unwrap_err();
    }
    let signed_in = sign_in("b0bl0bl@w", [192, 0, 2, 2]).await.unwrap();
    auth.flush_audit().await;
    let lines = server.query(refusals).unwrap();
    let expected = ["192.0.2.1|sign_in|wrong_credential|6", "192.0.2.1|sign_in|budget_spent|2"];
    assert_eq!(lines.lines().collect::<Vec<_>>(), expected);

    auth.verify_customer(signed_in.token()).await.unwrap();
    server.query(sign_everyone_out).unwrap();
    auth.verify_customer(signed_in.token()).await.unwrap_err();
    let signed_in = sign_in("b0bl0bl@w", [192, 0, 2, 2]).await.unwrap();
    auth.verify_customer(signed_in.token()).await.unwrap();
}
