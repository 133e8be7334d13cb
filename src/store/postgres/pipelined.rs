use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::Mutex;
use tokio_postgres::{Row, types::ToSql};

use super::{Failure, connector::Connector, session::Session, statements::Query};

/// A few connections that all callers share, for what never waits for a lock.
///
/// deadpool lends a connection to one caller at a time. With it, look-ups over a slow network wait for each other:
/// `a_slow_server_is_waited_for` is the test.
#[derive(Debug)]
pub(super) struct Pipelined {
    connector: Connector,
    statements: Arc<[String]>,
    lanes: Vec<Lane>,
    next: AtomicUsize,
}

#[derive(Debug, Default)]
struct Lane {
    session: RwLock<Option<Arc<Session>>>,
    /// Held by the one who connects; when that failed last.
    connecting: Mutex<Option<Instant>>,
}

impl Pipelined {
    /// So long nobody tries again after a failed attempt: those who waited for it are answered at once.
    const PAUSE: Duration = Duration::from_millis(100);

    pub(super) fn new(connector: Connector, statements: Arc<[String]>, lanes: usize) -> Self {
        let lanes = (0..lanes).map(|_| Lane::default()).collect();
        Self { connector, statements, lanes, next: AtomicUsize::new(0) }
    }

    pub(super) async fn query(
        &self,
        query: Query,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Failure> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let lane = self.lanes.get(number % self.lanes.len().max(1)).ok_or(Failure::Closed)?;
        let session = match lane.live() {
            Some(session) => session,
            // Boxed, or every look-up would carry the room for it.
            None => Box::pin(self.connect(lane)).await?,
        };
        session.query(query, parameters).await
    }

    /// One connects, the others wait for it.
    async fn connect(&self, lane: &Lane) -> Result<Arc<Session>, Failure> {
        let mut failed = lane.connecting.lock().await;
        if let Some(session) = lane.live() {
            return Ok(session);
        }
        if failed.is_some_and(|at| at.elapsed() < Self::PAUSE) {
            return Err(Failure::Closed);
        }
        match self.connector.connect(Arc::clone(&self.statements)).await {
            Ok(session) => {
                let session = Arc::new(session);
                let limit = self.connector.timeout() * 3 / 8;
                let look_out = Session::look_out(Arc::downgrade(&session), limit);
                self.connector.handle().spawn(look_out);
                *lane.session.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&session));
                Ok(session)
            }
            Err(failure) => {
                *failed = Some(Instant::now());
                Err(failure)
            }
        }
    }
}

impl Lane {
    fn live(&self) -> Option<Arc<Session>> {
        let session = self.session.read().unwrap_or_else(PoisonError::into_inner);
        session.clone().filter(|session| !session.is_closed())
    }
}
