//! The whole suite on one node and on two, and the errors of a store whose server is gone.

use std::time::Duration;

use commerce_auth::{
    conformance::{self, Alternating},
    store::postgres::{PostgresOptions, PostgresStore},
    store_conformance,
};
use commerce_auth_test_servers::Postgres;
use support::size;
use tokio::runtime::Runtime;

use crate::postgres::{Schema, new_name, server};

fn tokio() -> Runtime {
    Runtime::new().expect("tokio starts")
}

fn schema() -> Schema {
    Schema::new().expect("there is a server: the test would have been skipped")
}

store_conformance! {
    mod one_node;
    skip_unless: server().is_some();
    runtime: { let tokio = tokio(); move |future| tokio.block_on(future) };
    store: || async { schema().patient().await };
}

store_conformance! {
    mod two_nodes;
    skip_unless: server().is_some();
    runtime: { let tokio = tokio(); move |future| tokio.block_on(future) };
    store: || async {
        let schema = schema();
        Alternating::new([schema.patient().await, schema.patient().await])
    };
}

/// Returns a store whose server stopped after the store connected.
async fn broken(server: &Postgres) -> PostgresStore {
    let options = PostgresOptions::new(server.url()).timeout(Duration::from_secs(1));
    let store = options.connect().await.expect("the server is there");
    server.stop();
    store
}

#[test]
fn every_error_has_a_source() {
    let Some(server) = Postgres::start() else { return };
    let tokio = tokio();
    conformance::tokens::run_broken(|future| tokio.block_on(future), || broken(&server)).unwrap();
    server.restart();
    conformance::state::run_broken(|future| tokio.block_on(future), || broken(&server)).unwrap();
}

/// The default settings of a database must not matter.
#[test]
fn races_end_well_whatever_the_isolation_by_default() {
    for isolation in ["serializable", "repeatable read"] {
        let setting = format!("default_transaction_isolation={isolation}");
        let Some(server) = Postgres::start_with(&[&setting]) else { return };
        let tokio = tokio();
        let open = || async {
            let options = PostgresOptions::new(server.url()).schema(new_name());
            options.timeout(Duration::from_secs(60)).connect().await.expect("the server is there")
        };
        let races = conformance::tokens::CASES.iter().filter(|case| case.starts_with("races::"));
        for race in races.step_by(size(3, 1)) {
            if let Err(failure) = conformance::tokens::run(|future| tokio.block_on(future), open, race) {
                panic!("{race}, {isolation}: {failure}");
            }
        }
        let races = ["races::no_update_is_lost", "races::a_check_holds_until_the_commit"];
        for race in races.into_iter().take(size(1, 2)) {
            if let Err(failure) = conformance::state::run(|future| tokio.block_on(future), open, race) {
                panic!("{race}, {isolation}: {failure}");
            }
        }
    }
}
