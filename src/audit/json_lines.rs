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

/// An audit sink that appends events to a file, one JSON object per line. The JSON is the
/// serialised form of [`AuditEvent`].
///
/// The sink acknowledges an event when the operating system has written the event durably to the
/// disk. Events that arrive together are written together. The sink opens the file again for each
/// batch of events, so tools such as `logrotate` can move the file at any time. Several processes
/// can append to one file.
///
/// After a crash or on a full disk, the last line can be incomplete. The next event then begins on
/// a new line. A program that reads the file must ignore empty lines and lines that it cannot
/// parse. If an event was recorded again after a failure, the file can have it twice, with the same
/// [`id`](AuditEvent::id).
///
/// On Unix, a new file can be read and written only by the user who runs the process.
///
/// ```
/// use commerce_auth::{
///     Auth,
///     audit::JsonLinesAudit,
///     store::memory::{MemoryCustomers, MemoryStore},
/// };
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

/// A line that waits to be written, and the sender that reports the outcome to the caller.
#[derive(Debug)]
struct Waiting {
    line: Vec<u8>,
    written: oneshot::Sender<Result<(), Arc<io::Error>>>,
}

impl JsonLinesAudit {
    /// Maximum number of lines that wait to be written. If there are so many, a further caller
    /// waits until a line is taken.
    const QUEUE: usize = 1024;
    /// Maximum number of lines that are written and synced together.
    const BATCH: usize = 256;

    /// Opens or creates the file, and starts the thread that writes to it.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened for writing, or the thread cannot be started.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        drop(append_to(&path)?);
        let (queue, waiting) = async_channel::bounded(Self::QUEUE);
        // The thread ends when the last clone of the sink is dropped and the queue is empty.
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

    /// Returns an error, because the sink only appends to the file, and tools may have moved older
    /// files.
    async fn erase(&self, _: &Subject) -> Result<u64, StoreError> {
        Err(StoreError::new(CannotErase("JsonLinesAudit")))
    }
}

/// Returns the error for a caller if the thread that writes is no longer running.
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
            // If the caller was cancelled, then nobody receives the outcome.
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

/// Syncs the folder, so that the name of a new file survives a crash.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Does nothing, because systems that are not Unix cannot open a folder as a file.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}
