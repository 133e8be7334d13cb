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

/// A connection with its statements prepared.
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

    /// Returns the rows of a statement. Many callers may call this at once: the connection sends
    /// each statement without waiting for earlier answers. The server answers in order.
    pub(super) async fn query(
        &self,
        statement: impl Into<usize>,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Failure> {
        let statement = self.statements.get(statement.into()).ok_or(Failure::Unreadable)?;
        Ok(self.client.query(statement, parameters).await?)
    }

    /// Closes the connection if the server does not answer within the time limit.
    ///
    /// One periodic check replaces a timer for each caller. Answers arrive in order, so an answer
    /// to the check proves that all earlier answers have arrived. The check runs only if a caller
    /// waits. The lane and this function hold one reference to the session each, and each waiting
    /// caller holds another.
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

/// The task that drives a connection. Dropping it closes the connection at once, even if the server
/// never answers.
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
