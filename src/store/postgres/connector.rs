use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use futures_util::future::{try_join, try_join_all};
use tokio::{runtime::Handle, time::timeout};
use tokio_postgres::{
    Client, Config, Socket,
    tls::{MakeTlsConnect, TlsConnect},
};

use super::{
    Failure,
    session::{Driver, Session},
};

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
/// A client, and what drives its connection.
type Connected = Result<(Client, BoxFuture<()>), tokio_postgres::Error>;

/// Makes connections, on the runtime that drives them.
#[derive(Clone)]
pub(super) struct Connector {
    connect: Arc<dyn Fn() -> BoxFuture<Connected> + Send + Sync>,
    settings: Arc<str>,
    handle: Handle,
    timeout: Duration,
}

impl Connector {
    pub(super) fn new<T>(config: Config, tls: T, handle: Handle, timeout: Duration) -> Self
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let connect = move || -> BoxFuture<Connected> {
            let (config, tls) = (config.clone(), tls.clone());
            Box::pin(async move {
                let (client, connection) = config.connect(tls).await?;
                // What goes wrong is told to whoever waits for an answer.
                let driven: BoxFuture<()> = Box::pin(async move { drop(connection.await) });
                Ok((client, driven))
            })
        };
        Self { connect: Arc::new(connect), settings: settings(timeout).into(), handle, timeout }
    }

    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(super) const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// A connection as the server gives it.
    pub(super) async fn open(&self) -> Result<(Client, Driver), tokio_postgres::Error> {
        let (client, connection) = (self.connect)().await?;
        Ok((client, Driver::new(self.handle.spawn(connection).abort_handle())))
    }

    /// Pins the settings of a session.
    pub(super) async fn pin_settings(&self, client: &Client) -> Result<(), tokio_postgres::Error> {
        client.batch_execute(&self.settings).await
    }

    /// A connection with its settings pinned and these statements prepared.
    pub(super) async fn connect(&self, statements: Arc<[String]>) -> Result<Session, Failure> {
        // Of a caller's patience, a quarter is for connecting. The rest is for the answer: whoever asks just after the
        // look-out has asked waits until it has twice waited for three eighths.
        let (connector, limit) = (self.clone(), self.timeout / 4);
        let connect = async move {
            let (client, driver) = connector.open().await?;
            // All at once, the settings first: two round trips more, not one for each.
            let prepared = try_join_all(statements.iter().map(|statement| client.prepare(statement)));
            let ((), prepared) = try_join(connector.pin_settings(&client), prepared).await?;
            Ok(Session::new(client, prepared, driver))
        };
        self.run(async move { timeout(limit, connect).await.unwrap_or(Err(Failure::TimedOut)) }).await
    }

    /// Does it on the runtime. Whoever asked for it may go away: it goes on to its end.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        self.handle.spawn(work).await.unwrap_or(Err(Failure::Gone))
    }
}

/// The statements that pin a session's settings, whatever the defaults of the server, the database and the user are.
///
/// They are statements and not the startup parameter `options`, which PgBouncer refuses or drops and RDS Proxy refuses.
fn settings(timeout: Duration) -> String {
    let milliseconds = timeout.as_millis();
    [
        // Nobody else's functions and operators come before the server's own.
        "SET search_path = pg_catalog, pg_temp",
        // A function's later statements must see what was committed while it waited for a lock.
        "SET default_transaction_isolation = 'read committed'",
        // The server gives up with the client.
        &format!("SET statement_timeout = {milliseconds}"),
        &format!("SET lock_timeout = {milliseconds}"),
        &format!("SET idle_in_transaction_session_timeout = {milliseconds}"),
        // Since PostgreSQL 14 and 17.
        "SELECT set_config(name, '0', false) FROM (VALUES ('idle_session_timeout'), ('transaction_timeout')) \
         AS newer (name) WHERE current_setting(name, true) IS NOT NULL",
        // A crash of the server must not bring back a code that was spent.
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
        // A policy on a table is an error, instead of a row that is not found.
        "SET row_security = off",
    ]
    .join("; ")
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
