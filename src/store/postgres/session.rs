use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{
    task::AbortHandle,
    time::{sleep, timeout},
};
use tokio_postgres::{Client, Row, Statement, types::ToSql};

use super::Failure;

/// A connection to the server, with its prepared statements.
#[derive(Debug)]
pub(super) struct Session {
    client: Client,
    statements: Vec<Statement>,
    driver: Driver,
}

impl Session {
    pub(super) const fn new(client: Client, statements: Vec<Statement>, driver: Driver) -> Self {
        Self { client, statements, driver }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Runs a prepared statement and returns its rows. Many callers can call this at the same time.
    /// The connection sends each statement without waiting for earlier replies, and the server
    /// replies in the order of the statements.
    pub(super) async fn query(
        &self,
        statement: impl Into<usize>,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Failure> {
        let statement = self.statements.get(statement.into()).ok_or(Failure::Unreadable)?;
        Ok(self.client.query(statement, parameters).await?)
    }

    /// While callers wait, checks the connection from time to time. If the check fails, or if the
    /// server does not reply within the time limit, closes the connection. Returns when this
    /// function has closed the connection, or when the session is dropped.
    ///
    /// With this periodic check, the callers need no timers. Replies arrive in the order of the
    /// statements, so the reply to a check proves that the replies to all earlier statements have
    /// arrived. A check is sent only if a caller waits for a reply. The lane holds one reference to
    /// the session, this function holds one, and each waiting caller holds one. So if there are
    /// more than two references, then a caller waits.
    pub(super) async fn look_out(session: Weak<Self>, limit: Duration) {
        let interval = limit / 8;
        loop {
            sleep(interval).await;
            let Some(session) = session.upgrade() else { return };
            let nobody_waits = Arc::strong_count(&session) <= 2;
            if nobody_waits {
                continue;
            }
            let checked = timeout(limit - interval, session.client.check_connection()).await;
            if !matches!(checked, Ok(Ok(()))) {
                return session.driver.close();
            }
        }
    }
}

/// The task that drives a connection. When this value is dropped, the connection is closed at once,
/// without waiting for the server.
#[derive(Debug)]
pub(super) struct Driver(AbortHandle);

impl Driver {
    pub(super) const fn new(task: AbortHandle) -> Self {
        Self(task)
    }

    /// Closes the connection. Waiting callers get an error.
    pub(super) fn close(&self) {
        self.0.abort();
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.close();
    }
}
