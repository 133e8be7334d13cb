//! A database that is set up otherwise: the shop's own pool keeps the promises that the crate's store keeps.

use std::thread;

use commerce_auth_test_servers::Postgres;
use serde_json::json;

use crate::support::{BOB, BOBS_PASSWORD, Place, Server};

const UPDATE: &str =
    "mutation($input: CustomerUpdateInput!) { updateCustomerV2(input: $input) { customer { email } } }";

/// So many at once, more than the pool has connections.
const CROWD: usize = 24;

fn update_at_once(server: &Server, input: impl Fn(usize) -> serde_json::Value + Sync) {
    let token = server.customer_token(BOB, BOBS_PASSWORD);
    let (token, input) = (token.as_str(), &input);
    thread::scope(|scope| {
        let update = |number| server.graphql(Some(token), UPDATE, json!({ "input": input(number) }));
        let asked: Vec<_> = (0..CROWD).map(|number| scope.spawn(move || update(number))).collect();
        let answers: Vec<_> = asked.into_iter().map(|asked| asked.join().unwrap()).collect();
        let failed: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
        assert!(failed.is_empty(), "{} of {CROWD}: {:?}", failed.len(), failed.first());
        for answer in answers {
            assert_eq!(answer.data("/updateCustomerV2/customer/email"), BOB);
        }
    });
}

#[test]
fn many_changes_of_one_customer_at_once_are_all_made() {
    let Some(postgres) = Postgres::start() else { return };
    for setting in ["default_transaction_isolation = 'serializable'", "search_path = evil, pg_catalog"] {
        postgres.query(&format!("ALTER DATABASE postgres SET {setting}")).expect("a setting");
    }
    let server = Place::new().start_with(&["--demo", "--database", &postgres.url()]);
    update_at_once(&server, |number| json!({ "firstname": format!("Bob {number}") }));
    update_at_once(&server, |number| json!({ "allow_remote_shopping_assistance": number % 2 == 0 }));
}

/// As a server does that detects a conflict: two changes of three fail once.
#[test]
fn a_change_that_the_database_undoes_is_made_again() {
    let Some(postgres) = Postgres::start() else { return };
    let server = Place::new().start_with(&["--demo", "--database", &postgres.url()]);
    postgres
        .query(
            "CREATE SEQUENCE storefront.tries; \
             CREATE FUNCTION storefront.fail() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE v_try bigint := \
             nextval('storefront.tries'); BEGIN \
             IF v_try % 3 = 0 THEN RAISE EXCEPTION 'as a test' USING ERRCODE = '40001'; END IF; \
             IF v_try % 3 = 1 THEN RAISE EXCEPTION 'as a test' USING ERRCODE = '40P01'; END IF; \
             RETURN new; END $$; \
             CREATE TRIGGER fail BEFORE UPDATE ON storefront.profiles FOR EACH ROW EXECUTE FUNCTION storefront.fail()",
        )
        .expect("the trigger can be made");
    let token = server.customer_token(BOB, BOBS_PASSWORD);
    for number in 0..5 {
        let input = json!({ "input": { "firstname": format!("Bob {number}") } });
        server.graphql(Some(&token), UPDATE, input).data("/updateCustomerV2");
    }
    assert_eq!(postgres.query("SELECT last_value FROM storefront.tries").as_deref(), Some("14"));
    // The bound: a database that undoes everything is one that fails.
    postgres.query("ALTER SEQUENCE storefront.tries RESTART MINVALUE 0 MAXVALUE 1 START 0 CYCLE").unwrap();
    let input = json!({ "input": { "firstname": "Bob" } });
    assert_eq!(server.graphql(Some(&token), UPDATE, input).status, 503);
}

#[test]
fn a_user_who_may_only_use_the_tables_is_enough() {
    let Some(postgres) = Postgres::start() else { return };
    let place = Place::new();
    drop(place.start_with(&["--demo", "--database", &postgres.url()]));
    postgres
        .query(
            "CREATE ROLE clerk LOGIN; GRANT USAGE ON SCHEMA commerce_auth, storefront TO clerk; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA commerce_auth, storefront TO clerk",
        )
        .expect("rights can be granted");
    let url = postgres.url().replace("postgres@", "clerk@");
    let server = place.start_with(&["--database", &url]);
    update_at_once(&server, |number| json!({ "firstname": format!("Bob {number}") }));
    let create = "mutation { createCustomerV2(input: { email: \"new@example.com\", firstname: \"N\", \
                  lastname: \"W\", password: \"N3w-password\" }) { customer { email } } }";
    server.graphql(None, create, json!({})).data("/createCustomerV2");
}
