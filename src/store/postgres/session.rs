use std::sync::{
    Weak,
    atomic::{AtomicU64, Ordering},
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
    driver: AbortHandle,
    asked: AtomicU64,
    answered: AtomicU64,
}

impl Session {
    pub(super) const fn new(client: Client, statements: Vec<Statement>, driver: AbortHandle) -> Self {
        let (asked, answered) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { client, statements, driver, asked, answered }
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
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = self.client.query(statement, parameters).await;
        self.answered.fetch_add(1, Ordering::Relaxed);
        Ok(answer?)
    }

    /// Closes the connection if the server does not answer within the time limit, whoever waits for it. One look-out for
    /// all callers, instead of a timer for each: as answers come in order, one that is asked for late and answered proves
    /// all before it answered.
    pub(super) async fn look_out(session: Weak<Self>, limit: std::time::Duration) {
        let interval = limit / 8;
        loop {
            sleep(interval).await;
            let Some(session) = session.upgrade() else { return };
            let asked = session.asked.load(Ordering::Relaxed);
            if session.answered.load(Ordering::Relaxed) >= asked {
                continue;
            }
            match timeout(limit - interval, session.client.check_connection()).await {
                // Those whose callers went away are answered, too.
                Ok(Ok(())) => session.answered.fetch_max(asked, Ordering::Relaxed),
                Ok(Err(_)) | Err(_) => return session.close(),
            };
        }
    }

    /// Whoever waits for an answer gets an error.
    pub(super) fn close(&self) {
        self.driver.abort();
    }
}

/// What nobody asks any more has no need of a connection, not even if the server never answers.
impl Drop for Session {
    fn drop(&mut self) {
        self.close();
    }
}
