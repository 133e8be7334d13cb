//! A database can have many other settings. Each is overruled, refused when a node connects, or
//! harmless.

use commerce_auth::{
    Origin, StateStore, TokenStore,
    store::{
        OpenError,
        postgres::{PostgresOptions, PostgresStore},
    },
};
use commerce_auth_test_servers::Postgres;
use support::{
    fresh::{CAP, fresh},
    records::{NOW, grant, said, subject},
};

use crate::postgres::{Schema, new_name, opening::every_verb, server};

/// A separate database on the server of all tests.
pub(crate) struct Database {
    pub(crate) server: &'static Postgres,
    pub(crate) name: String,
}

impl Database {
    /// Returns none if there is no server.
    pub(crate) fn new(options: &str) -> Option<Self> {
        let database = Self { server: server()?, name: new_name() };
        let make = format!("CREATE DATABASE {} {options}", database.name);
        database.server.query(&make).expect("the database can be made");
        Some(database)
    }

    /// Gives the database other settings than the server's.
    pub(crate) fn set(&self, settings: &[&str]) {
        for setting in settings {
            let set = format!("ALTER DATABASE {} SET {setting}", self.name);
            self.server.query(&set).unwrap_or_else(|| panic!("not a setting: {setting}"));
        }
    }

    pub(crate) fn by_hand(&self, sql: &str) -> String {
        self.server.query_in(&self.name, sql).expect("the statement is right")
    }

    fn options(&self) -> PostgresOptions {
        PostgresOptions::new(self.server.url_in(&self.name))
    }

    /// Makes the sweep of documents record the session's settings.
    pub(crate) fn spy(&self) {
        self.by_hand(
            "CREATE TABLE public.seen (name text, setting text); \
             CREATE OR REPLACE FUNCTION commerce_auth.sweep_documents(p_until bigint, p_limit bigint) RETURNS bigint \
             LANGUAGE sql AS $$ INSERT INTO public.seen SELECT name, setting FROM pg_settings; SELECT 0::bigint $$",
        );
    }

    pub(crate) fn seen(&self, name: &str) -> String {
        self.by_hand(&format!("SELECT DISTINCT setting FROM public.seen WHERE name = '{name}'"))
    }
}

/// Returns the reason for which `connect` calls the database unsuitable.
pub(crate) fn unsuitable(refused: Result<PostgresStore, OpenError>) -> String {
    match refused {
        Err(refused @ OpenError::Unsuitable(_)) => refused.to_string(),
        other => panic!("not refused as unsuitable: {other:?}"),
    }
}

/// Settings on which the store relies, with other values.
const OVERRULED: &[&str] = &[
    "default_transaction_isolation = 'serializable'",
    "statement_timeout = '2s'",
    "lock_timeout = '2s'",
    "idle_in_transaction_session_timeout = '2s'",
    "synchronous_commit = off",
    "search_path = evil, public, pg_catalog",
];

#[tokio::test]
async fn what_the_store_rests_on_is_pinned() {
    let Some(database) = Database::new("") else { return };
    database.set(OVERRULED);
    let store = database.options().connect().await.unwrap();
    database.spy();
    store.sweep(NOW, 1).await.unwrap();
    for (name, pinned) in [
        ("default_transaction_isolation", "read committed"),
        ("transaction_isolation", "read committed"),
        ("statement_timeout", "5000"),
        ("lock_timeout", "5000"),
        ("idle_in_transaction_session_timeout", "5000"),
        ("idle_session_timeout", "0"),
        ("synchronous_commit", "on"),
        ("search_path", "pg_catalog, pg_temp"),
        ("row_security", "off"),
    ] {
        assert_eq!(database.seen(name), pinned, "{name}");
    }
}

/// An administrator may have reasons for a stronger setting, or for one that does not wait for a
/// standby. Both are kept.
#[tokio::test]
async fn only_commits_that_a_crash_would_lose_are_overruled() {
    let Some(database) = Database::new("") else { return };
    database.set(&["synchronous_commit = local"]);
    let store = database.options().connect().await.unwrap();
    database.spy();
    store.sweep(NOW, 1).await.unwrap();
    assert_eq!(database.seen("synchronous_commit"), "local");
}

#[tokio::test]
async fn what_is_set_otherwise_does_no_harm() {
    let Some(database) = Database::new("") else { return };
    // Functions and operators that would come before the server's own.
    database.by_hand(
        "CREATE SCHEMA evil; \
         CREATE FUNCTION evil.hashtextextended(text, bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 1/0::bigint'; \
         CREATE FUNCTION evil.cardinality(bytea[]) RETURNS int LANGUAGE sql AS 'SELECT 1/0'; \
         CREATE FUNCTION evil.same(bytea, bytea) RETURNS boolean LANGUAGE sql AS 'SELECT (1/0)::boolean'; \
         CREATE OPERATOR evil.= (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = evil.same)",
    );
    database.set(OVERRULED);
    database.set(&[
        "default_transaction_deferrable = on",
        "DateStyle = 'German'",
        "IntervalStyle = 'sql_standard'",
        "TimeZone = 'Asia/Kathmandu'",
        "bytea_output = 'escape'",
        "extra_float_digits = -15",
        "standard_conforming_strings = off",
        "backslash_quote = off",
        "client_encoding = 'LATIN1'",
        "array_nulls = off",
        "transform_null_equals = on",
        "quote_all_identifiers = on",
        "lc_messages = 'C'",
        "client_min_messages = 'debug1'",
        "session_replication_role = 'replica'",
        "plan_cache_mode = 'force_custom_plan'",
        "jit = on",
        "jit_above_cost = 0",
        "enable_indexscan = off",
        "enable_bitmapscan = off",
        "check_function_bodies = off",
        "default_tablespace = ''",
        "row_security = on",
        "xmloption = 'document'",
        "log_statement = 'all'",
    ]);
    let store = database.options().connect().await.unwrap();
    every_verb(&store).await;
}

/// The store only compares text for equality.
#[tokio::test]
async fn a_language_that_orders_otherwise_does_no_harm() {
    let Some(server) = server() else { return };
    let mut languages = vec!["LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"];
    if server.query("SELECT current_setting('server_version_num')::int >= 150000").as_deref() == Some("t") {
        languages.push("LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR-u-ks-level2'");
    }
    for language in languages {
        let Some(database) = Database::new(&format!("{language} TEMPLATE template0")) else { return };
        every_verb(&database.options().connect().await.unwrap()).await;
    }
}

#[tokio::test]
async fn an_encoding_that_cannot_hold_every_name_is_refused() {
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let Some(database) = Database::new(&format!("ENCODING '{encoding}' TEMPLATE template0")) else {
            return;
        };
        let refused = unsuitable(database.options().connect().await);
        assert!(refused.contains(encoding) && refused.contains("UTF8"), "{refused}");
    }
}

#[tokio::test]
async fn a_database_that_only_reads_is_refused() {
    let Some(database) = Database::new("") else { return };
    database.set(&["default_transaction_read_only = on"]);
    let refused = unsuitable(database.options().connect().await);
    assert!(refused.contains("default_transaction_read_only"), "{refused}");

    let Some(server) = Postgres::start() else { return };
    drop(PostgresStore::connect(&server.url()).await.unwrap());
    server.become_standby();
    let refused = unsuitable(PostgresStore::connect(&server.url()).await);
    assert!(refused.contains("connect to the primary"), "{refused}");
}

/// Connects as a user with few rights, who is no owner and no administrator.
fn clerk(schema: &Schema, rights: &str) -> PostgresOptions {
    let clerk = new_name();
    let grant = format!(
        "CREATE ROLE {clerk} LOGIN; GRANT USAGE ON SCHEMA {{}} TO {clerk}; \
         GRANT SELECT ON {{}}.schema_version TO {clerk}; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {{}} TO {clerk}; {rights}"
    );
    schema.by_hand(&grant.replace("{clerk}", &clerk));
    let url = schema.server.url().replace("postgres@", &format!("{clerk}@"));
    PostgresOptions::new(url).schema(&schema.name)
}

#[tokio::test]
async fn a_right_that_is_missing_is_named() {
    for (revoke, right) in [
        ("REVOKE SELECT ON {}.grants FROM {clerk}", "SELECT on table grants"),
        ("REVOKE INSERT ON {}.documents FROM {clerk}", "INSERT on table documents"),
        ("REVOKE UPDATE ON {}.documents FROM {clerk}", "UPDATE on table documents"),
        ("REVOKE DELETE ON {}.entries FROM {clerk}", "DELETE on table entries"),
        (
            "REVOKE EXECUTE ON FUNCTION {}.commit_documents FROM PUBLIC",
            "EXECUTE on function commit_documents",
        ),
    ] {
        let Some(schema) = Schema::new() else { return };
        drop(schema.open().await);
        let options = clerk(&schema, revoke);
        for migrate in [true, false] {
            let refused = options.clone().migrate(migrate).connect().await.unwrap_err();
            assert!(matches!(refused, OpenError::NotPermitted { .. }), "{revoke}: {refused:?}");
            assert!(said(&refused).contains(right), "{revoke}: {}", said(&refused));
        }
    }
}

/// A function of an extension or of the host: the store never calls it.
#[tokio::test]
async fn a_function_that_is_not_the_stores_needs_no_right() {
    let Some(schema) = Schema::new() else { return };
    drop(schema.open().await);
    schema.by_hand(
        "CREATE FUNCTION {}.pg_stat_statements_reset() RETURNS void LANGUAGE sql AS 'SELECT'; \
         REVOKE EXECUTE ON FUNCTION {}.pg_stat_statements_reset FROM PUBLIC",
    );
    for migrate in [true, false] {
        every_verb(&clerk(&schema, "").migrate(migrate).connect().await.unwrap()).await;
    }
}

/// With a hidden row, the store would report an unknown token instead of a failure.
#[tokio::test]
async fn rows_that_a_policy_hides_are_an_error() {
    let Some(schema) = Schema::new() else { return };
    drop(schema.open().await);
    let options = clerk(&schema, "");
    let store = options.clone().connect().await.unwrap();
    let grant = grant("a");
    let generation = store.generation(&subject(), fresh()).await.unwrap();
    let _ = store.insert(&grant, &Origin::default(), generation, CAP, NOW).await.unwrap();
    schema.by_hand("ALTER TABLE {}.grants ENABLE ROW LEVEL SECURITY");
    assert!(store.find(&grant.id, NOW).await.is_err(), "it was there");
    let refused = unsuitable(options.connect().await);
    assert!(refused.contains("grants") && refused.contains("BYPASSRLS"), "{refused}");
    // The owner sees all rows.
    drop(schema.open().await);
}

#[tokio::test]
async fn a_table_that_a_crash_empties_is_refused() {
    let Some(schema) = Schema::new() else { return };
    drop(schema.open().await);
    schema.by_hand("ALTER TABLE {}.documents SET UNLOGGED");
    let refused = unsuitable(schema.options().connect().await);
    assert!(refused.contains("documents") && refused.contains("SET LOGGED"), "{refused}");
}

#[tokio::test]
async fn a_table_that_another_hand_has_changed_is_an_error_at_once() {
    let Some(schema) = Schema::new() else { return };
    drop(schema.open().await);
    schema.by_hand("ALTER TABLE {}.documents RENAME COLUMN bytes TO body");
    let refused = schema.options().connect().await.unwrap_err();
    assert!(said(&refused).contains("42703"), "{}", said(&refused));
}

#[tokio::test]
async fn fewer_connections_than_the_store_opens_are_refused() {
    let Some(schema) = Schema::new() else { return };
    drop(schema.open().await);
    let options = clerk(&schema, "ALTER ROLE {clerk} CONNECTION LIMIT 5");
    let refused = unsuitable(options.clone().connect().await);
    assert!(refused.contains("5 connections") && refused.contains("up to 10"), "{refused}");
    let fewer = options.pipelined_connections(1).locking_connections(4);
    every_verb(&fewer.connect().await.unwrap()).await;
    let options = clerk(&schema, "ALTER ROLE {clerk} CONNECTION LIMIT 0");
    let refused = options.connect().await.unwrap_err();
    assert!(said(&refused).contains("no connection is left"), "{}", said(&refused));

    let Some(database) = Database::new("CONNECTION LIMIT 3") else { return };
    let clerk = new_name();
    database.by_hand(&format!(
        "CREATE ROLE {clerk} LOGIN; GRANT CREATE ON DATABASE {} TO {clerk}",
        database.name
    ));
    let url = database.server.url_in(&database.name).replace("postgres@", &format!("{clerk}@"));
    let refused = unsuitable(PostgresStore::connect(&url).await);
    assert!(refused.contains("3 connections"), "{refused}");
}
