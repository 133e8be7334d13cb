//! The PostgreSQL backend: the suite that every store must pass, and the promises of this backend
//! alone.
#![cfg(feature = "postgres")]

mod guides;
mod opening;
mod poolers;
mod processes;
mod rows;
mod runtimes;
mod setup;
mod state;
mod suite;
mod tables;
mod tls;
mod trips;

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use commerce_auth::store::postgres::{PostgresOptions, PostgresStore};
use commerce_auth_test_servers::Postgres;

/// The server of all tests, except those that stop or change their server.
fn server() -> Option<&'static Postgres> {
    static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
    SERVER.get_or_init(Postgres::start).as_ref()
}

/// Returns an unused name.
fn new_name() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("shop_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The separate schema of one test.
struct Schema {
    server: &'static Postgres,
    name: String,
}

impl Schema {
    /// Returns none if there is no server.
    fn new() -> Option<Self> {
        Some(Self { server: server()?, name: new_name() })
    }

    fn options(&self) -> PostgresOptions {
        PostgresOptions::new(self.server.url()).schema(&self.name)
    }

    async fn open(&self) -> PostgresStore {
        self.options().connect().await.expect("the server is there")
    }

    /// For races on a slow machine.
    async fn patient(&self) -> PostgresStore {
        let options = self.options().timeout(Duration::from_secs(60));
        options.connect().await.expect("the server is there")
    }

    /// Runs a statement on a separate connection and returns its output. `{}` stands for the
    /// schema.
    fn by_hand(&self, statement: &str) -> String {
        self.server.query(&statement.replace("{}", &self.name)).expect("the statement is right")
    }
}
