use std::{
    fmt, io,
    panic::{self, AssertUnwindSafe},
    thread::{self, JoinHandle},
    time::Duration,
};

use async_channel::{Receiver, Sender};
use futures_channel::oneshot;
use rusqlite::Connection;

use super::{Failure, within};
use crate::error::StoreError;

/// The only connection of this store that writes, and the thread that uses this connection.
///
/// The thread puts the queued writes (at most 256) into one transaction, and returns their results
/// when the transaction is on the disk. Under load, many writes therefore share one disk sync. If
/// only one write is in the queue, then the thread does not wait for more writes.
pub(super) struct Writer {
    queue: Option<Sender<Box<dyn Queued>>>,
    thread: Option<JoinHandle<()>>,
    timeout: Duration,
}

impl Writer {
    /// Maximum number of queued writes. If the queue is full, then further callers wait until there
    /// is room.
    const QUEUE: usize = 1024;
    /// Maximum number of writes in one transaction.
    const BATCH: usize = 256;
    /// Number of writes after which the thread restarts the write-ahead log. A write takes about
    /// four pages of 4 KiB in the log, so the log grows to about 8 MiB.
    const LOGGED: usize = 500;
    /// Maximum time that a restart of the log waits for connections that read from the log, such as
    /// a backup.
    const PATIENCE: Duration = Duration::from_millis(50);

    pub(super) fn start(connection: Connection, timeout: Duration) -> io::Result<Self> {
        let (queue, queued) = async_channel::bounded(Self::QUEUE);
        let thread = thread::Builder::new()
            .name("sqlite".into())
            .spawn(move || serve(&connection, &queued, timeout))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), timeout })
    }

    /// Runs the work in a transaction on the writer thread, and returns when the transaction is
    /// committed or has failed. If the caller's future is dropped while the work is still in the
    /// queue, then the writer thread skips the work.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        Ok(self.try_write(work).await?)
    }

    /// Does the same as [`write`](Self::write), but returns errors as [`Failure`], so that the
    /// caller can recognise a conflict.
    pub(super) async fn try_write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let (reply, answer) = oneshot::channel();
        let operation = Operation { work: Some(work), done: Err(Failure::Gone), reply };
        let written = async {
            let queue = self.queue.as_ref().ok_or(Failure::Gone)?;
            queue.send(Box::new(operation)).await.map_err(|_| Failure::Gone)?;
            answer.await.map_err(|_| Failure::Gone)?
        };
        within(self.timeout, written).await
    }
}

/// When the last clone of a store is dropped, the writer thread commits the queued writes and
/// closes its connection to the file.
impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        let own = thread::current().id();
        // Waits for the end of the writer thread. But the last clone of the store may be dropped on
        // the writer thread itself. A thread cannot wait for its own end, so in this case nothing
        // waits.
        if let Some(thread) = self.thread.take().filter(|thread| thread.thread().id() != own) {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("queued", &self.queue.as_ref().map(Sender::len))
            .finish_non_exhaustive()
    }
}

/// A queued write. The trait hides the type of its result.
trait Queued: Send {
    fn is_wanted(&self) -> bool;
    /// Runs the work and keeps its result.
    fn run(&mut self, connection: &Connection) -> Result<(), Failure>;
    /// Sends the result to the caller. If the whole transaction failed, sends the error of the
    /// transaction instead.
    fn reply(self: Box<Self>, committed: Result<(), Failure>);
}

struct Operation<T, W> {
    work: Option<W>,
    done: Result<T, Failure>,
    reply: oneshot::Sender<Result<T, Failure>>,
}

impl<T: Send, W: FnOnce(&Connection) -> rusqlite::Result<T> + Send> Queued for Operation<T, W> {
    fn is_wanted(&self) -> bool {
        !self.reply.is_canceled()
    }

    fn run(&mut self, connection: &Connection) -> Result<(), Failure> {
        if let Some(work) = self.work.take() {
            // If a write panics, then the thread must not end, because all later writes would fail.
            let done = panic::catch_unwind(AssertUnwindSafe(|| work(connection).map_err(Failure::from)));
            self.done = done.unwrap_or(Err(Failure::Panicked));
        }
        self.done.as_ref().map(drop).map_err(|failure| *failure)
    }

    fn reply(self: Box<Self>, committed: Result<(), Failure>) {
        // Sending fails if the caller's future was dropped.
        let _ = self.reply.send(committed.and(self.done));
    }
}

fn serve(connection: &Connection, queued: &Receiver<Box<dyn Queued>>, timeout: Duration) {
    let mut logged = 0;
    while let Ok(first) = queued.recv_blocking() {
        let mut batch = vec![first];
        while batch.len() < Writer::BATCH
            && let Ok(next) = queued.try_recv()
        {
            batch.push(next);
        }
        batch.retain(|operation| operation.is_wanted());
        if batch.is_empty() {
            continue;
        }
        let committed = commit(connection, &mut batch);
        if committed.is_err() && !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
        logged += batch.len();
        for operation in batch {
            operation.reply(committed);
        }
        if logged >= Writer::LOGGED {
            logged = 0;
            restart_log(connection, timeout);
        }
    }
}

/// Restarts the write-ahead log from its beginning. Without this function, SQLite restarts the log
/// only if no connection reads from the log at that moment. In a busy shop there may be no such
/// moment, so the log would grow without limit.
fn restart_log(connection: &Connection, timeout: Duration) {
    let _ = connection.busy_timeout(Writer::PATIENCE);
    // A failure is ignored, because the next restart tries again.
    let _ = connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()));
    let _ = connection.busy_timeout(timeout);
}

fn commit(connection: &Connection, batch: &mut [Box<dyn Queued>]) -> Result<(), Failure> {
    let run = |statement| connection.prepare_cached(statement)?.execute([]).map(drop);
    run("BEGIN IMMEDIATE")?;
    // `BEGIN` may have waited for a lock on the file. Callers that timed out during this wait have
    // got an error already, so their writes are skipped.
    for operation in batch.iter_mut().filter(|operation| operation.is_wanted()) {
        run("SAVEPOINT operation")?;
        if let Err(failure) = operation.run(connection) {
            if connection.is_autocommit() {
                // SQLite has rolled back the whole transaction, for example because the disk is
                // full. The earlier writes of the batch are undone too, so the whole batch fails.
                return Err(failure);
            }
            run("ROLLBACK TO operation")?;
        }
        run("RELEASE operation")?;
    }
    Ok(run("COMMIT")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_panics_fails_alone() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE numbers (number INTEGER)").unwrap();
        let writer = Writer::start(connection, Duration::from_secs(60)).unwrap();
        let insert = |connection: &Connection| connection.execute("INSERT INTO numbers VALUES (1)", []);
        let panics = move |connection: &Connection| -> rusqlite::Result<usize> {
            insert(connection)?;
            panic!("as a test");
        };
        assert!(matches!(pollster::block_on(writer.try_write(panics)), Err(Failure::Panicked)));
        assert_eq!(pollster::block_on(writer.write(insert)).unwrap(), 1);
        let count = |connection: &Connection| {
            connection.query_row("SELECT count(*) FROM numbers", [], |row| row.get::<_, i64>(0))
        };
        assert_eq!(pollster::block_on(writer.write(count)).unwrap(), 1);
    }
}
