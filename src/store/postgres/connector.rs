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
/// A client, and the future that drives its connection.
type Connected = Result<(Client, BoxFuture<()>), tokio_postgres::Error>;

/// Opens connections to the server, on the tokio runtime that then drives these connections.
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
                // The error of the connection is ignored here, because each waiting caller gets an
                // error from the client.
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

    /// Opens a connection. Its session has the server's default settings.
    pub(super) async fn open(&self) -> Result<(Client, Driver), tokio_postgres::Error> {
        let (client, connection) = (self.connect)().await?;
        Ok((client, Driver::new(self.handle.spawn(connection).abort_handle())))
    }

    /// Changes the settings of a session to those that this store needs: see [`settings`].
    pub(super) async fn pin_settings(&self, client: &Client) -> Result<(), tokio_postgres::Error> {
        client.batch_execute(&self.settings).await
    }

    /// Opens a connection, sets the settings of its session, and prepares these statements.
    pub(super) async fn connect(&self, statements: Arc<[String]>) -> Result<Session, Failure> {
        // Connecting may take a quarter of the caller's timeout. The other three quarters are for
        // the reply of the server. In the worst case, a caller waits for two checks of
        // [`Session::look_out`], because it may arrive just after the first check has begun. A
        // check takes up to three eighths of the timeout, together with the pause before it.
        let (connector, limit) = (self.clone(), self.timeout / 4);
        let connect = async move {
            let (client, driver) = connector.open().await?;
            // Sends the settings and all statements at once, the settings first. This takes two
            // round trips. One request after the other would take one round trip for each
            // statement.
            let prepared = try_join_all(statements.iter().map(|statement| client.prepare(statement)));
            let ((), prepared) = try_join(connector.pin_settings(&client), prepared).await?;
            Ok(Session::new(client, prepared, driver))
        };
        self.run(async move { timeout(limit, connect).await.unwrap_or(Err(Failure::TimedOut)) }).await
    }

    /// Runs the work on the tokio runtime that drives the connections. The work runs to its end
    /// even if the caller's future is dropped.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        self.handle.spawn(work).await.unwrap_or(Err(Failure::Gone))
    }
}

/// Returns the SQL statements that set the settings which this store needs in a session. For these
/// settings, the defaults of the server, the database or the user then have no effect.
///
/// The settings are not sent in the startup parameter `options`, because PgBouncer refuses or drops
/// this parameter, and RDS Proxy refuses it.
fn settings(timeout: Duration) -> String {
    let milliseconds = timeout.as_millis();
    [
        // With this search path, the server looks for functions and operators in its own schema
        // only. So a user of the database cannot replace them by functions in a schema of this
        // user.
        "SET search_path = pg_catalog, pg_temp",
        // The functions of `schema.sql` wait for locks. After such a wait, the next statements of a
        // function must see the data that was committed during the wait.
        "SET default_transaction_isolation = 'read committed'",
        // With these three timeouts, the server cancels a statement at about the time when its
        // caller stops waiting.
        &format!("SET statement_timeout = {milliseconds}"),
        &format!("SET lock_timeout = {milliseconds}"),
        &format!("SET idle_in_transaction_session_timeout = {milliseconds}"),
        // Switches off two timeouts of the server. The first exists since PostgreSQL 14, the second
        // since PostgreSQL 17. If a server does not have one of them, then this statement skips it.
        "SELECT set_config(name, '0', false) FROM (VALUES ('idle_session_timeout'), ('transaction_timeout')) \
         AS newer (name) WHERE current_setting(name, true) IS NOT NULL",
        // Replaces the value `off` by `on`. With `off`, a crash of the server could lose an
        // acknowledged write, for example the use of a one-time code. Any other value stays.
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
        // If a policy of row level security would hide database rows from the store, then with this
        // setting the server reports an error.
        "SET row_security = off",
    ]
    .join("; ")
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
