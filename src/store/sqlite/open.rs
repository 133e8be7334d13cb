use std::{
    fs::{self, OpenOptions},
    io,
    path::{self, Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{
    Connection, MAIN_DB, OpenFlags, TransactionBehavior,
    config::DbConfig,
    ffi::{self, ErrorCode},
};

use super::{Failure, Inner, OpenError, Readers, SqliteStore, Writer};
use crate::error::StoreError;

/// The statements that create the tables of a file.
const SCHEMA: &str = include_str!("schema.sql");

/// The version of the tables.
const VERSION: u32 = 1;

/// The value of SQLite's `application_id` in the files of this crate. Files of other programs have
/// other values.
const APPLICATION: i32 = 0x0ca1_1714;

/// A lock that a thread holds while it creates a new file. On POSIX systems, if a process closes a
/// file, then it loses all locks that it holds on this file. Without this lock, a second thread
/// could open the new file with SQLite before the first thread closes it. The close would then
/// release the file locks of SQLite.
static MAKING_A_FILE: Mutex<()> = Mutex::new(());

/// Options for opening the SQLite file of a store.
///
/// ```
/// use std::time::Duration;
///
/// use commerce_auth::store::sqlite::SqliteOptions;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("auth.db");
/// let store = SqliteOptions::new(path).readers(8).timeout(Duration::from_secs(2)).open()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SqliteOptions {
    path: PathBuf,
    readers: usize,
    timeout: Duration,
}

impl SqliteOptions {
    /// Maximum value of the timeout: 24 h. SQLite itself accepts at most 24 days.
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

    /// Creates the default options for a file. The number of connections for look-ups is the number
    /// of processors, but at most 4. The timeout is 5 s.
    pub fn new(path: impl AsRef<Path>) -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let path = path.as_ref().to_owned();
        Self { path, readers: processors.min(4), timeout: Duration::from_secs(5) }
    }

    /// Sets the number of connections for look-ups. It is also the maximum number of look-ups that
    /// run at the same time. A value of 0 is raised to 1. A look-up runs on the caller's thread.
    pub fn readers(self, readers: usize) -> Self {
        Self { readers: readers.max(1), ..self }
    }

    /// Sets the maximum time that one read or one write waits for other callers and for other
    /// processes that use the file. After this time the caller gets an error. A call that first
    /// reads and then writes can take twice this time. A value over 24 h is reduced to 24 h.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: timeout.min(Self::LONGEST), ..self }
    }

    /// Opens the file. If the file does not exist, creates it with its tables.
    ///
    /// # Errors
    ///
    /// - [`OpenError::Invalid`]: the path does not name a file, the file belongs to another
    ///   program, or the file system does not support a write-ahead log.
    /// - [`OpenError::NotPermitted`]: this process has no permission to write to the file.
    /// - [`OpenError::NewerSchema`]: a newer release of this library has changed the tables.
    /// - [`OpenError::Unavailable`]: the file could not be created or read, or is damaged.
    pub fn open(self) -> Result<SqliteStore, OpenError> {
        if self.path.as_os_str().is_empty() || self.path.as_os_str() == ":memory:" {
            return Err(OpenError::Invalid("the path is not a file: use MemoryStore to store in memory"));
        }
        if self.path.is_dir() {
            return Err(OpenError::Invalid("the path is a folder"));
        }
        self.make_file()?;
        let mut writer = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        prepare(&mut writer, self.timeout)?;
        let readers = (0..self.readers).map(|_| {
            let reader = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            reader.pragma_update(None, "query_only", true).map_err(refused)?;
            Ok(reader)
        });
        let readers = Readers::new(readers.collect::<Result<_, OpenError>>()?, self.timeout);
        let writer = Writer::start(writer, self.timeout).map_err(StoreError::new)?;
        Ok(SqliteStore(Arc::new(Inner { readers, writer })))
    }

    /// Creates an empty file that only the user of this process can read. If the file exists, does
    /// nothing. SQLite is not used for this, because it would create the file with the default
    /// permissions of the process.
    fn make_file(&self) -> Result<(), OpenError> {
        let _no_other = MAKING_A_FILE.lock().unwrap_or_else(PoisonError::into_inner);
        if fs::exists(&self.path).unwrap_or_default() {
            return Ok(());
        }
        let mut options = OpenOptions::new();
        options.write(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.path).map(drop).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => not_permitted(error),
            _ => StoreError::new(error).into(),
        })
    }

    fn connect(&self, flags: OpenFlags) -> Result<Connection, OpenError> {
        // The path is made absolute, because SQLite could take a relative path that begins with
        // `file:` for a URI.
        let path = path::absolute(&self.path).map_err(StoreError::new)?;
        let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX);
        let connection = connection.map_err(refused)?;
        connection.busy_timeout(self.timeout).map_err(refused)?;
        connection.set_prepared_statement_cache_capacity(64);
        // With this setting, the query plan of a prepared statement does not depend on the values
        // of its parameters, so SQLite need not plan the statement again.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(refused)?;
        Ok(connection)
    }
}

/// Sets up this connection so that its writes are durable, and creates the tables if they are
/// missing. If several processes call this at the same time, then they create the tables one after
/// another, and only the first process finds them missing.
fn prepare(connection: &mut Connection, timeout: Duration) -> Result<(), OpenError> {
    // This check is needed, because SQLite reports no error when it opens a read-only file or
    // begins a write transaction on it.
    if connection.is_readonly(MAIN_DB).map_err(refused)? {
        return Err(not_permitted(Failure::from(ffi::Error::new(ffi::SQLITE_READONLY))));
    }
    // Reads all that the check needs in one transaction, because another process may be creating
    // the tables at this moment.
    let moment = connection.transaction().map_err(refused)?;
    check_owner(&moment)?;
    drop(moment);
    let mode = keep_a_log(connection, timeout).map_err(refused)?;
    if mode != "wal" {
        return Err(OpenError::Invalid("the file system does not support a write-ahead log"));
    }
    connection.pragma_update(None, "synchronous", "FULL").map_err(refused)?;
    // Without this setting, macOS may leave synced data in the cache of the disk, so a loss of
    // power could destroy the data.
    connection.pragma_update(None, "fullfsync", true).map_err(refused)?;
    // Switches off automatic checkpoints of the write-ahead log. They would run whenever the log
    // has a thousand pages, and would double the number of disk syncs. The writer thread starts
    // checkpoints instead.
    connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(refused)?;
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refused)?;
    let found = check_owner(&transaction)?;
    if found < VERSION {
        let made = transaction
            .execute_batch(SCHEMA)
            .and_then(|()| transaction.pragma_update(None, "user_version", VERSION))
            .and_then(|()| transaction.pragma_update(None, "application_id", APPLICATION));
        made.map_err(refused)?;
    }
    transaction.commit().map_err(refused)
}

/// Switches the file to a write-ahead log, and returns the journal mode that is then in use. If a
/// second process switches the file at the same time, then SQLite reports an error and does not
/// wait. So this function tries again until the timeout.
fn keep_a_log(connection: &Connection, timeout: Duration) -> rusqlite::Result<String> {
    let start = Instant::now();
    loop {
        let mode = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0));
        match mode {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && start.elapsed() < timeout =>
            {
                thread::sleep(Duration::from_millis(1));
            }
            mode => return mode,
        }
    }
}

/// Checks that the file belongs to this crate, and returns the version of the tables. Returns 0 if
/// the file has no tables yet.
fn check_owner(connection: &Connection) -> Result<u32, OpenError> {
    let pragma =
        |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(refused);
    let (owner, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(refused)?;
    if owner != APPLICATION && (owner, version, tables) != (0, 0, 0) {
        return Err(OpenError::Invalid("the file belongs to another program: use a separate file"));
    }
    let found = u32::try_from(version).unwrap_or(u32::MAX);
    if found > VERSION {
        return Err(OpenError::NewerSchema { found, known: VERSION });
    }
    Ok(found)
}

fn refused(error: rusqlite::Error) -> OpenError {
    let failure = Failure::from(error);
    match failure {
        Failure::Engine(error)
            if matches!(
                error.code,
                ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen
            ) =>
        {
            not_permitted(failure)
        }
        _ => StoreError::from(failure).into(),
    }
}

fn not_permitted(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> OpenError {
    OpenError::NotPermitted { what: "write the file", source: StoreError::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_synced() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions::new(folder.path().join("auth.db"));
        options.make_file().unwrap();
        let mut connection = options.connect(OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
        prepare(&mut connection, options.timeout).unwrap();
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(pragma("synchronous"), 2, "FULL");
    }
}
