use std::sync::Arc;

use deadpool::managed::{BuildError, Manager, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult};
use tokio::time::{Instant, timeout_at};
use tokio_postgres::{Row, types::ToSql};

use super::{Failure, connector::Connector, session::Session, statements::Command};

/// The parameters of a statement. The values are owned and not borrowed, because the statement runs
/// in a separate task, not in the caller's task.
pub(super) type Parameters = Vec<Box<dyn ToSql + Send + Sync>>;

/// A pool of connections for statements that may wait for a lock. Each connection serves only one
/// caller at a time. If a statement waits for a lock, then the statements on the other connections
/// do not wait.
#[derive(Clone, Debug)]
pub(super) struct Locking {
    connector: Connector,
    pool: Pool<Connections>,
}

impl Locking {
    pub(super) fn new(
        connector: Connector,
        statements: Arc<[String]>,
        size: usize,
    ) -> Result<Self, BuildError> {
        let connections = Connections { connector: connector.clone(), statements };
        Ok(Self { connector, pool: Pool::builder(connections).max_size(size).build()? })
    }

    /// Runs a statement on a free connection, and returns its rows.
    ///
    /// The statement runs to its end even if the caller's future is dropped. The next caller
    /// therefore never gets a connection on which the reply to an earlier statement is still
    /// unread. If the server does not reply in time, then the connection is closed, and the caller
    /// gets an error.
    pub(super) async fn query(&self, command: Command, parameters: Parameters) -> Result<Vec<Row>, Failure> {
        self.query_until(command, parameters, self.deadline()).await
    }

    /// Does the same as [`query`](Self::query), but the caller sets the deadline. The appender of
    /// audit records uses one deadline for several statements.
    pub(super) async fn query_until(
        &self,
        command: Command,
        parameters: Parameters,
        deadline: Instant,
    ) -> Result<Vec<Row>, Failure> {
        let pool = self.pool.clone();
        let query = async move {
            let session = timeout_at(deadline, pool.get()).await.map_err(|_| Failure::TimedOut)??;
            let parameters: Vec<_> = parameters.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
            let answer = timeout_at(deadline, session.query(command, &parameters)).await;
            answer.unwrap_or_else(|_| {
                drop(Object::take(session));
                Err(Failure::TimedOut)
            })
        };
        self.connector.run(query).await
    }

    /// Returns the time at which a caller that arrives now gets an error.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.connector.timeout()
    }

    /// Runs the work on the tokio runtime that drives the connections. The work runs to its end
    /// even if the caller's future is dropped.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        self.connector.run(work).await
    }
}

#[derive(Debug)]
struct Connections {
    connector: Connector,
    statements: Arc<[String]>,
}

impl Manager for Connections {
    type Type = Session;
    type Error = Failure;

    async fn create(&self) -> Result<Session, Failure> {
        self.connector.connect(Arc::clone(&self.statements)).await
    }

    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<Failure> {
        if session.is_closed() { Err(RecycleError::Backend(Failure::Closed)) } else { Ok(()) }
    }
}

impl From<PoolError<Self>> for Failure {
    fn from(error: PoolError<Self>) -> Self {
        match error {
            PoolError::Backend(failure) => failure,
            _ => Self::TimedOut,
        }
    }
}
