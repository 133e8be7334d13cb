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

/// Says whose the file is.
const APPLICATION: i32 = 0x0ca1_1714;

/// Whoever closes a file ends every lock that its process has on it, by POSIX. So a file is made, and closed again, before
/// any thread can have it open.
static MAKING_A_FILE: Mutex<()> = Mutex::new(());

/// How a file is opened.
///
/// ```
/// use std::time::Duration;
///
/// use commerce_auth::SqliteOptions;
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
    /// The longest timeout; SQLite takes no longer one than 24 days.
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

    /// The defaults: as many readers as there are processors, 4 at most, and a timeout of 5 seconds.
    pub fn new(path: impl AsRef<Path>) -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let path = path.as_ref().to_owned();
        Self { path, readers: processors.min(4), timeout: Duration::from_secs(5) }
    }

    /// So many connections that look up, at least one. Each looks up on the thread that asks.
    pub fn readers(self, readers: usize) -> Self {
        Self { readers: readers.max(1), ..self }
    }

    /// So long a caller waits at most, for other callers and for other processes, before it gets an error; a day at the
    /// longest.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: timeout.min(Self::LONGEST), ..self }
    }

    /// Opens the file, or makes it with its tables.
    ///
    /// # Errors
    ///
    /// - [`OpenError::Invalid`]: the path is no place for a file, or the file is another program's.
    /// - [`OpenError::NotPermitted`]: the file may not be written.
    /// - [`OpenError::NewerSchema`]: a newer release has been here.
    /// - [`OpenError::Unavailable`]: the file could not be made or read, or is damaged.
    pub fn open(self) -> Result<SqliteStore, OpenError> {
        if self.path.as_os_str().is_empty() || self.path.as_os_str() == ":memory:" {
            return Err(OpenError::Invalid("a file is needed: MemoryStore is the store in memory"));
        }
        if self.path.is_dir() {
            return Err(OpenError::Invalid("the path of the file is a folder's"));
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

    /// Makes an empty file that others cannot read. SQLite's own would be as open as the process's files are.
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
        // What begins with a slash is never taken for a URI.
        let path = path::absolute(&self.path).map_err(StoreError::new)?;
        let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX);
        let connection = connection.map_err(refused)?;
        connection.busy_timeout(self.timeout).map_err(refused)?;
        connection.set_prepared_statement_cache_capacity(64);
        // SQLite would plan some statements anew for each value of a parameter.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(refused)?;
        Ok(connection)
    }
}

/// Makes the writing connection durable and the tables current. Ten nodes may do so at once: they take turns.
fn prepare(connection: &mut Connection, timeout: Duration) -> Result<(), OpenError> {
    // Where the file may only be read, SQLite opens it nevertheless, and a transaction that is to write begins.
    if connection.is_readonly(MAIN_DB).map_err(refused)? {
        return Err(not_permitted(Failure::from(ffi::Error::new(ffi::SQLITE_READONLY))));
    }
    // At one moment: another opener may be about to make the tables.
    let moment = connection.transaction().map_err(refused)?;
    check_owner(&moment)?;
    drop(moment);
    let mode = keep_a_log(connection, timeout).map_err(refused)?;
    if mode != "wal" {
        return Err(OpenError::Invalid("the file system does not support a write-ahead log"));
    }
    connection.pragma_update(None, "synchronous", "FULL").map_err(refused)?;
    // Without it, macOS leaves in the disk's own cache what is synced.
    connection.pragma_update(None, "fullfsync", true).map_err(refused)?;
    // The writer's own checkpoints do: those at each thousand pages would cost as many syncs again.
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

/// Answers the journal's mode. Where two openers change it at once SQLite does not wait by itself.
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

/// The version of the tables; 0 if there are none.
fn check_owner(connection: &Connection) -> Result<u32, OpenError> {
    let pragma =
        |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(refused);
    let (owner, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(refused)?;
    if owner != APPLICATION && (owner, version, tables) != (0, 0, 0) {
        return Err(OpenError::Invalid("the file is another program's: give the store a file of its own"));
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
