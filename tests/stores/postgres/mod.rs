//! The PostgreSQL backend: the suite every store must pass, and what only it promises.
#![cfg(feature = "postgres")]

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

use commerce_auth::{PostgresOptions, PostgresStore};
use commerce_auth_test_servers::Postgres;

/// The server of all tests but those that do something to theirs.
fn server() -> Option<&'static Postgres> {
    static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
    SERVER.get_or_init(Postgres::start).as_ref()
}

/// A name nobody has used.
fn new_name() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("shop_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A schema of its own on the server, for one test.
struct Schema {
    server: &'static Postgres,
    name: String,
}

impl Schema {
    /// None if there is no server.
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

    /// What another hand at the database is answered; `{}` stands for the schema.
    fn by_hand(&self, statement: &str) -> String {
        self.server.query(&statement.replace("{}", &self.name)).expect("the statement is right")
    }
}
