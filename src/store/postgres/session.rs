use std::{
    sync::{
        Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::{sleep, timeout};
use tokio_postgres::{Client, Row, Statement, types::ToSql};

use super::{Failure, connector::Driver};

/// A connection with its statements prepared.
#[derive(Debug)]
pub(super) struct Session {
    client: Client,
    statements: Vec<Statement>,
    driver: Driver,
    /// Callers that wait for an answer.
    waiting: AtomicUsize,
}

impl Session {
    pub(super) const fn new(client: Client, statements: Vec<Statement>, driver: Driver) -> Self {
        Self { client, statements, driver, waiting: AtomicUsize::new(0) }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// The rows of a statement. Many callers may ask at once: what they ask goes out without waiting for what was asked
    /// before, and is answered in order.
    pub(super) async fn query(
        &self,
        statement: impl Into<usize>,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Failure> {
        let statement = self.statements.get(statement.into()).ok_or(Failure::Unreadable)?;
        let _waiting = Waiting::begin(&self.waiting);
        Ok(self.client.query(statement, parameters).await?)
    }

    /// Closes the connection if the server does not answer within the time limit, whoever waits for it. One look-out for
    /// all callers, instead of a timer for each: as answers come in order, one that is asked for late and answered proves
    /// all before it answered.
    pub(super) async fn look_out(session: Weak<Self>, limit: Duration) {
        let interval = limit / 8;
        loop {
            sleep(interval).await;
            let Some(session) = session.upgrade() else { return };
            if session.waiting.load(Ordering::Relaxed) == 0 {
                continue;
            }
            let checked = timeout(limit - interval, session.client.check_connection()).await;
            if !matches!(checked, Ok(Ok(()))) {
                return session.driver.close();
            }
        }
    }
}

/// A caller that waits, until it is answered or goes away.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
