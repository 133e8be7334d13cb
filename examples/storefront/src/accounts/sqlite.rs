use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use commerce_auth::{AdminId, CustomerId, Email, async_trait, error::StoreError};
use rusqlite::{
    Connection, ErrorCode, OptionalExtension, TransactionBehavior, ffi, params,
    types::{FromSqlError, ToSqlOutput},
};
use tokio::task::{self, JoinError};

use super::{Edit, Profile, Profiles};

/// Profiles in the file of a [`SqliteStore`](commerce_auth::store::sqlite::SqliteStore), beside its tables.
#[derive(Clone)]
pub(super) struct SqliteProfiles(Arc<Mutex<Connection>>);

impl SqliteProfiles {
    /// The file must have been opened as a store before: that makes the crate's tables.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = prepare(path).map_err(Failure::from)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Works on a thread that may wait for the disk.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let connection = Arc::clone(&self.0);
        let worked = task::spawn_blocking(move || {
            work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        Ok(worked.await??)
    }
}

#[async_trait]
impl Profiles for SqliteProfiles {
    async fn add(&self, profile: &Profile) -> Result<CustomerId, StoreError> {
        let document = Document(profile.clone());
        let add = move |connection: &mut Connection| {
            connection.execute("INSERT INTO storefront_profiles (profile) VALUES (?1)", [document])?;
            Ok(CustomerId::from(connection.last_insert_rowid()))
        };
        Ok(self.run(add).await?)
    }

    async fn find(&self, id: &CustomerId) -> Result<Option<Profile>, StoreError> {
        let key = id.as_int();
        Ok(self.run(move |connection| find(connection, key)).await?)
    }

    async fn edit(&self, id: &CustomerId, edit: Edit) -> Result<(), StoreError> {
        let key = id.as_int();
        let edit = move |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let Some(mut profile) = find(&transaction, key)? else { return Ok(()) };
            edit(&mut profile);
            let update = "UPDATE storefront_profiles SET profile = ?2 WHERE id = ?1";
            transaction.execute(update, params![key, Document(profile)])?;
            transaction.commit()
        };
        Ok(self.run(edit).await?)
    }

    async fn remove(&self, id: &CustomerId) -> Result<(), StoreError> {
        let key = id.as_int();
        let remove = move |connection: &mut Connection| {
            connection.execute("DELETE FROM storefront_profiles WHERE id = ?1", [key]).map(drop)
        };
        Ok(self.run(remove).await?)
    }

    async fn remove_unconfirmed(&self, id: &CustomerId) -> Result<bool, StoreError> {
        let id = id.to_string();
        let remove = move |connection: &mut Connection| {
            let remove = "DELETE FROM customers WHERE id = ?1 AND status = 'unconfirmed'";
            Ok(connection.execute(remove, [id])? > 0)
        };
        Ok(self.run(remove).await?)
    }

    async fn search(&self, part: &str, limit: u32) -> Result<Vec<CustomerId>, StoreError> {
        let part = part.to_lowercase();
        let search = move |connection: &mut Connection| {
            let mut search = connection.prepare_cached(
                "SELECT id FROM customers WHERE instr(canonical_email, ?1) ORDER BY canonical_email LIMIT ?2",
            )?;
            let ids = search.query_map(params![part, limit], |row| {
                let id = row.get_ref(0)?.as_str()?.parse();
                id.map_err(|error| FromSqlError::other(error).into())
            })?;
            ids.collect()
        };
        Ok(self.run(search).await?)
    }

    async fn change_email(&self, id: &CustomerId, email: &Email) -> Result<bool, StoreError> {
        let (id, email) = (id.to_string(), email.to_string());
        let change = move |connection: &mut Connection| {
            let change = "UPDATE customers SET email = ?2, canonical_email = ?2 WHERE id = ?1";
            Ok(connection.execute(change, [id, email])? > 0)
        };
        match self.run(change).await {
            Err(Failure::Engine(code)) if code.code == ErrorCode::ConstraintViolation => Ok(false),
            changed => Ok(changed?),
        }
    }

    async fn name_admin(&self, id: &AdminId, name: &str) -> Result<(), StoreError> {
        let row = [id.to_string(), name.to_owned()];
        let name = move |connection: &mut Connection| {
            let name = "INSERT INTO storefront_admin_names (id, name) VALUES (?1, ?2) \
                        ON CONFLICT (id) DO UPDATE SET name = excluded.name";
            connection.execute(name, row).map(drop)
        };
        Ok(self.run(name).await?)
    }

    async fn admin_name(&self, id: &AdminId) -> Result<Option<String>, StoreError> {
        let id = id.to_string();
        let find = move |connection: &mut Connection| {
            let mut find =
                connection.prepare_cached("SELECT name FROM storefront_admin_names WHERE id = ?1")?;
            find.query_row([id], |row| row.get(0)).optional()
        };
        Ok(self.run(find).await?)
    }
}

fn prepare(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // AUTOINCREMENT: an id is never given twice, as tokens speak for it.
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS storefront_profiles \
         (id INTEGER PRIMARY KEY AUTOINCREMENT, profile TEXT NOT NULL) STRICT; \
         CREATE TABLE IF NOT EXISTS storefront_admin_names (id TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT",
    )?;
    Ok(connection)
}

fn find(connection: &Connection, key: Option<i64>) -> rusqlite::Result<Option<Profile>> {
    let mut find = connection.prepare_cached("SELECT profile FROM storefront_profiles WHERE id = ?1")?;
    let found = find.query_row([key], |row| {
        serde_json::from_str(row.get_ref(0)?.as_str()?).map_err(|error| FromSqlError::other(error).into())
    });
    found.optional()
}

/// A profile on its way into a column.
struct Document(Profile);

impl rusqlite::ToSql for Document {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text = serde_json::to_string(&self.0);
        text.map(Into::into).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
    }
}

/// The cause of a failure, by its code alone: the engine's message may hold values.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Engine(ffi::Error),
    #[error("the profile could not be read")]
    Unreadable,
    #[error("the server is shutting down")]
    Gone(#[from] JoinError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::SqliteFailure(code, _) => Self::Engine(code),
            _ => Self::Unreadable,
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::new(failure)
    }
}
