use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use async_channel::{Receiver, Sender};
use async_trait::async_trait;
use futures_channel::oneshot;

use super::{AuditEvent, AuditSink, sink::CannotErase};
use crate::{error::StoreError, token::Subject};

/// Appends events to a file, one JSON object a line, each in the form that serde gives an [`AuditEvent`].
///
/// An event is acknowledged once the system says that it is on the disk; what comes together is synced together. The
/// file is opened anew for each batch: it may be moved away at any time, as `logrotate` does, and a new one is begun.
/// Several processes may append to one file. Where a crash or a full disk left half a line, the next event begins on a
/// line of its own: a reader passes over what it cannot parse, and over empty lines. An event that was retried may stand
/// there twice, with the same [`id`](AuditEvent::id).
///
/// A file that it makes can be read by its owner alone (on Unix).
///
/// ```
/// use commerce_auth::{Auth, MemoryCustomers, MemoryStore, audit::JsonLinesAudit};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("audit.jsonl");
/// let auth = Auth::builder(MemoryStore::new())
///     .customers(MemoryCustomers::new())
///     .without_notifier()
///     .audit(JsonLinesAudit::open(path)?)
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct JsonLinesAudit {
    queue: Sender<Waiting>,
}

/// A line that waits to be written, and whom to tell.
#[derive(Debug)]
struct Waiting {
    line: Vec<u8>,
    written: oneshot::Sender<Result<(), Arc<io::Error>>>,
}

impl JsonLinesAudit {
    /// Lines that wait at most; whoever brings another one waits for room.
    const QUEUE: usize = 1024;
    /// Lines that are written and synced together at most.
    const BATCH: usize = 256;

    /// Opens the file, or makes it, and starts the thread that writes to it.
    ///
    /// # Errors
    ///
    /// When the file cannot be written to, or the thread not be started.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        drop(append_to(&path)?);
        let (queue, waiting) = async_channel::bounded(Self::QUEUE);
        // It ends with the last sink, once the queue is empty.
        thread::Builder::new().name("audit file".into()).spawn(move || write_all(&path, &waiting))?;
        Ok(Self { queue })
    }
}

#[async_trait]
impl AuditSink for JsonLinesAudit {
    async fn record(&self, event: &AuditEvent) -> Result<(), StoreError> {
        let mut line = serde_json::to_vec(event).map_err(StoreError::new)?;
        line.push(b'\n');
        let (written, answer) = oneshot::channel();
        self.queue.send(Waiting { line, written }).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?.map_err(StoreError::new)
    }

    /// Answers an error: the file may have been moved away, and is only appended to.
    async fn erase(&self, _: &Subject) -> Result<u64, StoreError> {
        Err(StoreError::new(CannotErase("JsonLinesAudit")))
    }
}

/// The thread that writes has ended.
fn gone() -> StoreError {
    StoreError::new(io::Error::from(io::ErrorKind::BrokenPipe))
}

fn write_all(path: &Path, waiting: &Receiver<Waiting>) {
    while let Ok(first) = waiting.recv_blocking() {
        let mut batch = vec![first];
        while batch.len() < JsonLinesAudit::BATCH
            && let Ok(next) = waiting.try_recv()
        {
            batch.push(next);
        }
        let outcome = write(path, &batch).map_err(Arc::new);
        for Waiting { written, .. } in batch {
            // Nobody listens any more if the caller went away.
            let _ = written.send(outcome.clone());
        }
    }
}

fn write(path: &Path, batch: &[Waiting]) -> io::Result<()> {
    let mut file = append_to(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    let mut bytes = Vec::new();
    if length > 0 && !ends_a_line(&mut file)? {
        bytes.push(b'\n');
    }
    bytes.extend(batch.iter().flat_map(|waiting| &waiting.line));
    file.write_all(&bytes)?;
    file.sync_data()?;
    if length == 0 {
        sync_folder(path)?;
    }
    Ok(())
}

fn ends_a_line(file: &mut File) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes the name of a new file as durable as what is in it.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Elsewhere a folder cannot be opened as a file.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}
