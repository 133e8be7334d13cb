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

/// A few connections for statements that never wait for a lock (see [`Query`]). All callers share
/// these connections.
///
/// A pool of the crate deadpool is not used for look-ups, because a connection of such a pool
/// serves only one caller at a time. Over a slow network, look-ups would then wait for each other:
/// see the test `a_slow_server_is_waited_for`.
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
    /// The time of the last failed attempt to connect. A caller holds the lock of this field while
    /// it connects.
    connecting: Mutex<Option<Instant>>,
}

impl Pipelined {
    /// Minimum time between a failed attempt to connect and the next attempt. Until then, a caller
    /// of this lane gets an error at once and does not try to connect.
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
            // The future that connects is boxed, because it is large and rarely needed. Without the
            // box, the future of each look-up would contain the room for it.
            None => Box::pin(self.connect(lane)).await?,
        };
        session.query(query, parameters).await
    }

    /// Opens the connection of a lane, and returns it. If several callers call this at once for one
    /// lane, then one of them connects, and the others wait for this connection.
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
