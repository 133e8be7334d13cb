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

/// The tables of a file.
const SCHEMA: &str = include_str!("schema.sql");

/// The version of the tables.
const VERSION: u32 = 1;

/// The `application_id` of a file, which marks it as a file of this crate.
const APPLICATION: i32 = 0x0ca1_1714;

/// Locked while a new file is created. On POSIX systems, closing a file releases every lock that
/// the process holds on it. A new file is therefore closed before another thread can open it.
static MAKING_A_FILE: Mutex<()> = Mutex::new(());

/// Options for opening a file.
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
    /// Maximum timeout: 24 h. SQLite accepts at most 24 days.
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

    /// Creates the default options: as many readers as there are processors but at most 4, and a
    /// timeout of 5 s.
    pub fn new(path: impl AsRef<Path>) -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let path = path.as_ref().to_owned();
        Self { path, readers: processors.min(4), timeout: Duration::from_secs(5) }
    }

    /// Sets the number of connections for look-ups, at least one. A look-up runs on the caller's
    /// thread.
    pub fn readers(self, readers: usize) -> Self {
        Self { readers: readers.max(1), ..self }
    }

    /// Sets the maximum time that a caller waits for other callers and other processes, at most 24
    /// h. After that the caller gets an error.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: timeout.min(Self::LONGEST), ..self }
    }

    /// Opens the file, or creates it with its tables.
    ///
    /// # Errors
    ///
    /// - [`OpenError::Invalid`]: the path is not valid for a file, or the file belongs to another
    ///   program.
    /// - [`OpenError::NotPermitted`]: the file cannot be written to.
    /// - [`OpenError::NewerSchema`]: a newer release has changed the file.
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

    /// Creates an empty file that only its owner can read, unless the file exists. SQLite itself
    /// would use the default permissions of the process.
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
        // An absolute path, because SQLite could take a relative path that begins with `file:` for
        // a URI.
        let path = path::absolute(&self.path).map_err(StoreError::new)?;
        let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX);
        let connection = connection.map_err(refused)?;
        connection.busy_timeout(self.timeout).map_err(refused)?;
        connection.set_prepared_statement_cache_capacity(64);
        // With this setting, SQLite does not plan a statement again for other values of its
        // parameters.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(refused)?;
        Ok(connection)
    }
}

/// Makes the writes of this connection durable, and creates the tables if they are missing.
/// Processes that do so at once take turns.
fn prepare(connection: &mut Connection, timeout: Duration) -> Result<(), OpenError> {
    // SQLite opens a read-only file without an error, and even begins a write transaction on it.
    if connection.is_readonly(MAIN_DB).map_err(refused)? {
        return Err(not_permitted(Failure::from(ffi::Error::new(ffi::SQLITE_READONLY))));
    }
    // Reads in one transaction, because another process may be creating the tables.
    let moment = connection.transaction().map_err(refused)?;
    check_owner(&moment)?;
    drop(moment);
    let mode = keep_a_log(connection, timeout).map_err(refused)?;
    if mode != "wal" {
        return Err(OpenError::Invalid("the file system does not support a write-ahead log"));
    }
    connection.pragma_update(None, "synchronous", "FULL").map_err(refused)?;
    // Without this setting, macOS leaves synced data in the disk's cache.
    connection.pragma_update(None, "fullfsync", true).map_err(refused)?;
    // The writer itself checkpoints the log. Automatic checkpoints at every thousand pages would
    // double the number of syncs.
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

/// Switches to the write-ahead log, and returns the journal mode. SQLite itself does not wait if
/// two processes switch at once, so this tries again.
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

/// Checks the application id, and returns the version of the tables, or 0 if there are none.
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
