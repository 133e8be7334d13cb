use std::{fmt, time::Duration};

use async_channel::{Receiver, Sender};
use rusqlite::Connection;

use super::{Failure, within};
use crate::error::StoreError;

/// A pool of a few read-only connections. A look-up takes only a few microseconds, so it runs on
/// the caller's thread. If no connection is free, then the caller's future waits for one without
/// blocking the thread.
pub(super) struct Readers {
    free: Receiver<Connection>,
    back: Sender<Connection>,
    timeout: Duration,
}

impl Readers {
    pub(super) fn new(connections: Vec<Connection>, timeout: Duration) -> Self {
        let (back, free) = async_channel::bounded(connections.len().max(1));
        for connection in connections {
            // The channel has room for all connections.
            let _ = back.try_send(connection);
        }
        Self { free, back, timeout }
    }

    pub(super) async fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let connection = match self.free.try_recv() {
            Ok(connection) => connection,
            Err(_) => {
                let free = async { self.free.recv().await.map_err(|_| Failure::Gone) };
                within(self.timeout, free).await?
            }
        };
        let lent = Lent { connection: Some(connection), back: &self.back };
        let answer = lent.connection.as_ref().map(query);
        answer.unwrap_or(Err(rusqlite::Error::InvalidQuery)).map_err(|error| Failure::from(error).into())
    }
}

/// A connection that is borrowed from the pool. When this value is dropped, the connection returns
/// to the pool, even if the query failed or panicked.
struct Lent<'readers> {
    connection: Option<Connection>,
    back: &'readers Sender<Connection>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let _ = self.back.try_send(connection);
        }
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("free", &self.free.len()).finish_non_exhaustive()
    }
}
