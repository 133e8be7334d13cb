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

/// The single writing connection, on a separate thread.
///
/// The thread puts all queued writes into one transaction, and returns their results once the
/// transaction is on the disk. Under load, many writes share one sync. Without load, a write does
/// not wait for further writes.
pub(super) struct Writer {
    queue: Option<Sender<Box<dyn Queued>>>,
    thread: Option<JoinHandle<()>>,
    timeout: Duration,
}

impl Writer {
    /// Maximum number of queued writes. Further callers wait for room.
    const QUEUE: usize = 1024;
    /// Maximum number of writes in one transaction.
    const BATCH: usize = 256;
    /// Number of writes until the log is restarted. A write takes about four pages of 4 KiB, so the
    /// log stays near 8 MiB.
    const LOGGED: usize = 500;
    /// Maximum time that a restart of the log waits for readers of the log, such as a backup.
    const PATIENCE: Duration = Duration::from_millis(50);

    pub(super) fn start(connection: Connection, timeout: Duration) -> io::Result<Self> {
        let (queue, queued) = async_channel::bounded(Self::QUEUE);
        let thread = thread::Builder::new()
            .name("sqlite".into())
            .spawn(move || serve(&connection, &queued, timeout))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), timeout })
    }

    /// Runs the work in a transaction, and returns once the transaction is committed. If the
    /// caller's future is dropped while the work is queued, then the work is not done.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        Ok(self.try_write(work).await?)
    }

    /// Does the same as [`write`](Self::write), but returns a [`Failure`].
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

/// Dropping the last clone of a store commits the queued writes and closes the file.
impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        let own = thread::current().id();
        // The last clone may be dropped on the writer thread itself, which cannot wait for its own
        // end.
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

/// A write with any type of answer.
trait Queued: Send {
    fn is_wanted(&self) -> bool;
    /// Runs the work and stores its answer.
    fn run(&mut self, connection: &Connection) -> Result<(), Failure>;
    /// Sends the answer, or the error that failed the whole transaction.
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
            // A write that panics must not make all later writes fail.
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

/// Restarts the log. SQLite itself restarts the log only when no connection reads from it. In a
/// busy shop this may never happen, so the log would grow without limit.
fn restart_log(connection: &Connection, timeout: Duration) {
    let _ = connection.busy_timeout(Writer::PATIENCE);
    // A failure is ignored, because the next restart tries again.
    let _ = connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()));
    let _ = connection.busy_timeout(timeout);
}

fn commit(connection: &Connection, batch: &mut [Box<dyn Queued>]) -> Result<(), Failure> {
    let run = |statement| connection.prepare_cached(statement)?.execute([]).map(drop);
    run("BEGIN IMMEDIATE")?;
    // `BEGIN` may have waited for a lock on the file. Callers who timed out during that wait got an
    // error, so their writes are skipped.
    for operation in batch.iter_mut().filter(|operation| operation.is_wanted()) {
        run("SAVEPOINT operation")?;
        if let Err(failure) = operation.run(connection) {
            if connection.is_autocommit() {
                // SQLite has rolled back the whole transaction, for example because the disk is
                // full. This undoes all earlier writes of the batch.
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
