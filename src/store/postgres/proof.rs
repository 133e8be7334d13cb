//! The checks that [`PostgresOptions::connect`](super::PostgresOptions::connect) makes before it
//! returns a store: of the server, the session and the tables.
//!
//! Most checks use the simple query protocol, which needs no prepared statements. So these checks
//! also work through an unsuitable connection pooler, and report it. Only the last check prepares
//! statements, which such a pooler could lose.

use std::hash::{BuildHasher, Hasher, RandomState};

use futures_util::future::{join, try_join_all};
use time::OffsetDateTime;
use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow, error::SqlState};

use super::{Failure, OpenError, connector::Connector, session::Driver};
use crate::{clock::micros, error::StoreError};

/// The oldest supported release of PostgreSQL: 13. Older releases cannot run the functions of
/// `schema.sql`.
const OLDEST: u32 = 130_000;

/// The message about a connection pooler that does not keep each session for one client. The
/// message says what the operator can do.
const POOLER: &str = "a connection pooler shares sessions between clients: use its session mode \
     (PgBouncer: pool_mode=session, server_reset_query=DISCARD ALL) and let it open new sessions (PgBouncer: RECONNECT), \
     or connect directly";

/// The tables that every node reads and writes.
const TABLES: &str = "'grants', 'bars', 'subjects', 'epoch', 'documents', 'entries', 'audit_events', 'customers', \
     'admins'";

/// The functions that `schema.sql` creates. The store checks and calls only these functions of the
/// database schema.
const FUNCTIONS: &str = "'append_records', 'commit_documents', 'erase_records', 'insert_grant', 'lock_of', \
     'purge_tokens', 'revoke_all', 'revoke_grant', 'sweep_documents'";

/// The properties of the server that the checks compare. The values come from the server.
#[derive(Debug)]
struct Server {
    product: String,
    version: u32,
    encoding: String,
    /// Maximum number of connections that the user may have at once.
    connections: usize,
    /// The server's clock, in microseconds since 1970.
    clock: i64,
}

impl Server {
    const ASKED: &str = "SELECT pg_catalog.version(), pg_catalog.current_setting('server_version_num'), \
         pg_catalog.current_setting('server_encoding'), CASE WHEN rolsuper THEN allowed.all_users ELSE \
         least(nullif(rolconnlimit, -1), nullif(datconnlimit, -1), allowed.all_users - allowed.reserved) END, \
         (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::bigint \
         FROM pg_catalog.pg_roles, pg_catalog.pg_database, \
         (SELECT pg_catalog.current_setting('max_connections')::int, \
         pg_catalog.current_setting('superuser_reserved_connections')::int \
         + coalesce(pg_catalog.current_setting('reserved_connections', true)::int, 0)) AS allowed (all_users, reserved) \
         WHERE rolname = session_user AND datname = pg_catalog.current_database()";

    fn read(row: &SimpleQueryRow) -> Result<Self, OpenError> {
        Ok(Self {
            product: text(row, 0)?.to_owned(),
            version: number(row, 1)?,
            encoding: text(row, 2)?.to_owned(),
            connections: number(row, 3)?,
            clock: number(row, 4)?,
        })
    }

    fn judge(&self, connections: usize) -> Result<(), OpenError> {
        let Self { product, version, encoding, connections: allowed, clock: _ } = self;
        // Some products use the protocol of PostgreSQL, but do not implement its advisory locks.
        // `version()` of such a product does not begin with `PostgreSQL`.
        if !product.starts_with("PostgreSQL ") {
            return unsuitable("the server is not PostgreSQL, and its advisory locks cannot be relied on");
        }
        if *version < OLDEST {
            let (major, oldest) = (version / 10_000, OLDEST / 10_000);
            return unsuitable(format!("the server is PostgreSQL {major}, and {oldest} or newer is needed"));
        }
        if encoding != "UTF8" {
            return unsuitable(format!(
                "the encoding of the database is {encoding}, and must be UTF8: \
                 CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
            ));
        }
        if *allowed < connections {
            return unsuitable(format!(
                "the server allows its user {allowed} connections, and the store opens up to {connections}: raise the \
                 CONNECTION LIMIT or max_connections, or lower PostgresOptions::locking_connections"
            ));
        }
        Ok(())
    }
}

/// Reads the mark of a session. The mark is a custom setting that only this module reads. So if a
/// connection pooler gives the session to a different program, then the mark does no harm.
const MARK: &str = "SELECT coalesce(pg_catalog.current_setting('commerce_auth.session', true), '')";

/// Opens a session, checks the server and a possible connection pooler, and sets the settings of
/// the session.
///
/// The checks are:
///
/// - the server's product, version and encoding,
/// - the number of connections that the server allows,
/// - the difference between the clocks,
/// - that no connection pooler shares the session: a setting of the session stays, and a second
///   client does not see this setting.
///
/// Until all checks have passed, this function changes only one setting of the session, the mark
/// (see [`MARK`]).
pub(super) async fn open(connector: &Connector, connections: usize) -> Result<(Client, Driver), OpenError> {
    let (client, driver) = connector.open().await.map_err(|error| refused(error, "connect"))?;
    // Each call uses a new random mark, because a session of a connection pooler may still have the
    // mark of an earlier call. The mark is not a secret.
    let own = format!("{:016x}", RandomState::new().build_hasher().finish());
    let asked = format!("{}; {MARK}; SET commerce_auth.session = '{own}'", Server::ASKED);
    let sent = OffsetDateTime::now_utc();
    let answers = rows(&client, &asked).await?;
    let received = OffsetDateTime::now_utc();
    let [about, mark] = answers.as_slice() else { return Err(unreadable()) };
    let server = Server::read(about)?;
    server.judge(connections)?;
    OpenError::unless_clocks_agree(micros::to_time(server.clock), sent, received)?;
    expect(mark, "")?;
    // A connection pooler that is not in session mode chooses a session for each statement. It
    // takes the session that became free last, or takes the sessions one after another. If it gives
    // the session of the first client to the second client, then the second client sees the mark.
    // Otherwise it has two sessions by now, and runs one of the next two statements of the first
    // client in the session without the mark. Then the first client does not see its mark.
    let (other, _driver) = connector.open().await.map_err(|error| refused(error, "connect"))?;
    if let Err(error) = keeps_sessions(&client, &other, &own).await {
        // This call has set the mark in a session that the pooler shares, so it now resets the
        // mark. If the mark of an earlier call was found before, then this line is not reached and
        // that mark stays. The next start then finds it, too, and reports the pooler again.
        for client in [&client, &other] {
            let _ = client.simple_query("RESET commerce_auth.session").await;
        }
        return Err(error);
    }
    let pinned = connector.pin_settings(&client).await;
    pinned.map_err(|error| refused(error, "change the settings of its session"))?;
    Ok((client, driver))
}

async fn keeps_sessions(client: &Client, other: &Client, own: &str) -> Result<(), OpenError> {
    for (client, mark) in [(other, ""), (client, own), (client, own)] {
        expect(&row(client, MARK).await?, mark)?;
    }
    Ok(())
}

fn expect(row: &SimpleQueryRow, mark: &str) -> Result<(), OpenError> {
    if text(row, 0)? == mark { Ok(()) } else { unsuitable(POOLER) }
}

/// Checks the tables and the statements:
///
/// - The database user must have the permissions to use the tables and the functions, and must see
///   all rows of the tables.
/// - The tables must survive a crash of the server, so an unlogged table is refused.
/// - The server must accept each statement of the library. This shows that the tables have the
///   right columns.
pub(super) async fn tables<'a>(
    client: &Client,
    schema: &str,
    statements: impl Iterator<Item = &'a String>,
) -> Result<(), OpenError> {
    let prepared = try_join_all(statements.map(|statement| client.prepare(statement)));
    let (allowed, prepared) = join(allowed(client, schema), prepared).await;
    allowed?;
    prepared.map(drop).map_err(|error| refused(error, "use the tables"))
}

async fn allowed(client: &Client, schema: &str) -> Result<(), OpenError> {
    let rights = format!(
        "SELECT 'r', right_name || ' on table ' || relname FROM ours, \
         unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS right_name \
         WHERE NOT has_table_privilege(ours.oid, right_name) \
         UNION ALL SELECT 'r', 'EXECUTE on function ' || proname FROM pg_proc WHERE (pronamespace = \
         (SELECT oid FROM pg_namespace WHERE nspname = '{{schema}}') AND proname IN ({FUNCTIONS}) \
         OR pronamespace = 'pg_catalog'::regnamespace \
         AND proname IN ('pg_advisory_xact_lock', 'pg_advisory_xact_lock_shared', 'pg_try_advisory_xact_lock')) \
         AND NOT has_function_privilege(oid, 'EXECUTE')"
    );
    let all = format!(
        "WITH ours AS (SELECT oid, relname, relpersistence FROM pg_class WHERE relname IN ({TABLES}) \
         AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = '{{schema}}')) {rights} \
         UNION ALL SELECT 's', relname FROM ours WHERE row_security_active(oid) \
         UNION ALL SELECT 'u', relname FROM ours WHERE relpersistence <> 'p' ORDER BY 1, 2 LIMIT 1"
    );
    let found = rows(client, &all.replace("{schema}", schema)).await?;
    let Some(row) = found.first() else { return Ok(()) };
    let what = text(row, 1)?;
    match text(row, 0)? {
        "r" => Err(OpenError::NotPermitted {
            what: "use the tables: GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES and EXECUTE ON ALL FUNCTIONS \
                   IN SCHEMA …",
            source: Failure::NoRight(what.to_owned()).into(),
        }),
        "s" => unsuitable(format!(
            "row level security hides rows of the table {what} from the store: DISABLE ROW LEVEL SECURITY on the table, \
             or let the store's user BYPASSRLS"
        )),
        _ => unsuitable(format!("a crash empties the unlogged table {what}: ALTER TABLE … SET LOGGED")),
    }
}

/// Converts an error of the driver to the error of `connect`. `what` names the operation that
/// failed.
pub(super) fn refused(error: tokio_postgres::Error, what: &'static str) -> OpenError {
    match Failure::from(error) {
        failure @ Failure::Server(SqlState::INSUFFICIENT_PRIVILEGE) => {
            OpenError::NotPermitted { what, source: failure.into() }
        }
        Failure::Server(SqlState::PROTOCOL_VIOLATION) => OpenError::Unsuitable(format!(
            "the server or a pooler refuses the connection's parameters: leave `options` out of the URL; or \
             {POOLER}"
        )),
        failure if failure.is_read_only() => OpenError::Unsuitable(
            "the server is read-only: connect to the primary, or if it is the primary, set default_transaction_read_only to off"
                .into(),
        ),
        failure => StoreError::from(failure).into(),
    }
}

fn unsuitable(why: impl Into<String>) -> Result<(), OpenError> {
    Err(OpenError::Unsuitable(why.into()))
}

async fn rows(client: &Client, sql: &str) -> Result<Vec<SimpleQueryRow>, OpenError> {
    let answers = client
        .simple_query(sql)
        .await
        .map_err(|error| refused(error, "read the server's catalog and the tables"))?;
    let row = |answer| if let SimpleQueryMessage::Row(row) = answer { Some(row) } else { None };
    Ok(answers.into_iter().filter_map(row).collect())
}

/// Runs a query and returns the last row of the reply.
pub(super) async fn row(client: &Client, sql: &str) -> Result<SimpleQueryRow, OpenError> {
    rows(client, sql).await?.pop().ok_or_else(unreadable)
}

pub(super) fn text(row: &SimpleQueryRow, column: usize) -> Result<&str, OpenError> {
    row.try_get(column).ok().flatten().ok_or_else(unreadable)
}

pub(super) fn number<T: std::str::FromStr>(row: &SimpleQueryRow, column: usize) -> Result<T, OpenError> {
    text(row, column)?.parse().map_err(|_| unreadable())
}

fn unreadable() -> OpenError {
    StoreError::from(Failure::Unreadable).into()
}

#[cfg(test)]
mod tests {
    use super::{super::tables, *};

    fn judged(product: &str, version: u32) -> Result<(), String> {
        let encoding = "UTF8".into();
        let server = Server { product: product.into(), version, encoding, connections: 97, clock: 0 };
        server.judge(10).map_err(|error| error.to_string())
    }

    #[test]
    fn the_functions_are_those_of_the_schema() {
        let mut created: Vec<_> = tables::SCHEMA
            .split("FUNCTION \"{schema}\".")
            .skip(1)
            .filter_map(|rest| rest.split_once('('))
            .map(|(name, _)| format!("'{name}'"))
            .collect();
        created.sort_unstable();
        created.dedup();
        assert_eq!(FUNCTIONS, created.join(", "));
    }

    #[test]
    fn an_old_server_and_another_product_are_refused() {
        assert_eq!(judged("PostgreSQL 13.0 on x86_64-pc-linux-gnu", 130_000), Ok(()));
        assert_eq!(judged("PostgreSQL 18.1 (Debian 18.1-1)", 180_001), Ok(()));
        let old = judged("PostgreSQL 12.22 on x86_64-pc-linux-gnu", 120_022).unwrap_err();
        assert!(old.contains("PostgreSQL 12") && old.contains("13 or newer"), "{old}");
        let other = judged("CockroachDB CCL v25.2.0 (x86_64-pc-linux-gnu)", 130_000).unwrap_err();
        assert!(other.contains("not PostgreSQL"), "{other}");
    }
}
