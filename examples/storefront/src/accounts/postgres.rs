use std::{error::Error, time::Duration};

use commerce_auth::{
    AdminId, CustomerId, Email, async_trait, error::StoreError, keyring::Keyring,
    store::postgres::PostgresStore,
};
use deadpool_postgres::{
    BuildError, Client, ClientWrapper, Hook, HookError, Manager, ManagerConfig, Pool, PoolError,
    RecyclingMethod,
};
use tokio::time::{sleep, timeout};
use tokio_postgres::{
    NoTls, Row,
    error::SqlState,
    types::{Json, ToSql},
};
use uuid::Uuid;

use super::{Database, Edit, Profile, Profiles};

/// Profiles in a separate schema of the database of a [`PostgresStore`].
#[derive(Clone)]
struct PostgresProfiles(Pool);

/// Opens the store and the profiles in one database.
pub(super) async fn open(url: &str, keyring: Keyring) -> Result<Database, Box<dyn Error>> {
    let store = PostgresStore::connect(url).await?;
    let profiles = PostgresProfiles::connect(url).await?;
    let (customers, admins) = (store.customers(), store.admins());
    let audit = store.audit(Some(&keyring));
    Ok(Database::all_in(store, audit, customers, admins, profiles, keyring))
}

/// The longest time that a caller waits for the database.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum number of tries for a transaction that the database undoes because of another one.
const TRIES: u32 = 10;

impl PostgresProfiles {
    /// The database must have been opened as a store before: that makes the crate's tables, and proves what is needed of
    /// the server.
    async fn connect(url: &str) -> Result<Self, StoreError> {
        let mut config: tokio_postgres::Config = url.parse().map_err(Failure::Driver)?;
        config.connect_timeout(TIMEOUT);
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(config, NoTls, recycling);
        let pin = Hook::async_fn(|client: &mut ClientWrapper, _| {
            Box::pin(async { client.batch_execute(&settings()).await.map_err(HookError::Backend) })
        });
        let pool = Pool::builder(manager).max_size(8).post_create(pin).build().map_err(Failure::from)?;
        within_time(async { make_tables(&mut pool.get().await?).await }).await?;
        Ok(Self(pool))
    }

    async fn query(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Failure> {
        retried(|| async move {
            let client = self.0.get().await?;
            let statement = client.prepare_cached(sql).await?;
            Ok(client.query(&statement, values).await?)
        })
        .await
    }
}

/// Pins what the queries rest on, whatever the database's defaults are: each statement sees what was committed before it,
/// and the server gives up with its caller. As statements, which a pooler in session mode takes; it refuses `options`.
fn settings() -> String {
    let milliseconds = TIMEOUT.as_millis();
    format!(
        "SET search_path = pg_catalog, pg_temp; SET default_transaction_isolation = 'read committed'; \
         SET statement_timeout = {milliseconds}; SET lock_timeout = {milliseconds}; \
         SET idle_in_transaction_session_timeout = {milliseconds}"
    )
}

/// Makes the tables that are missing. So a user who may only use them is enough once they are there. Two nodes that start at once
/// take turns.
async fn make_tables(client: &mut Client) -> Result<(), Failure> {
    let transaction = client.transaction().await?;
    let turn = "SELECT pg_advisory_xact_lock(hashtext('commerce-auth storefront'))";
    transaction.batch_execute(turn).await?;
    let found = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'storefront'), \
                 EXISTS (SELECT FROM pg_tables WHERE schemaname = 'storefront' AND tablename = 'profiles'), \
                 EXISTS (SELECT FROM pg_tables WHERE schemaname = 'storefront' AND tablename = 'admin_names')";
    let found = transaction.query_one(found, &[]).await?;
    if !found.try_get::<_, bool>(0)? {
        transaction.batch_execute("CREATE SCHEMA storefront").await?;
    }
    if !found.try_get::<_, bool>(1)? {
        let table = "CREATE TABLE storefront.profiles \
                     (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, profile jsonb NOT NULL)";
        transaction.batch_execute(table).await?;
    }
    if !found.try_get::<_, bool>(2)? {
        let table = "CREATE TABLE storefront.admin_names (id text PRIMARY KEY, name text NOT NULL)";
        transaction.batch_execute(table).await?;
    }
    Ok(transaction.commit().await?)
}

#[async_trait]
impl Profiles for PostgresProfiles {
    async fn add(&self, profile: &Profile) -> Result<CustomerId, StoreError> {
        let add = "INSERT INTO storefront.profiles (profile) VALUES ($1) RETURNING id";
        let rows = self.query(add, &[&Json(profile)]).await?;
        let row = rows.first().ok_or(Failure::Unreadable)?;
        Ok(CustomerId::from(row.try_get::<_, i64>(0).map_err(Failure::from)?))
    }

    async fn find(&self, id: &CustomerId) -> Result<Option<Profile>, StoreError> {
        let find = "SELECT profile FROM storefront.profiles WHERE id = $1";
        let rows = self.query(find, &[&id.as_int()]).await?;
        Ok(rows.first().map(profile).transpose()?)
    }

    async fn edit(&self, id: &CustomerId, edit: Edit) -> Result<(), StoreError> {
        let key = id.as_int();
        let edit = &edit;
        let edited = retried(|| async move {
            let mut client = self.0.get().await?;
            let transaction = client.transaction().await?;
            let find = "SELECT profile FROM storefront.profiles WHERE id = $1 FOR UPDATE";
            let Some(row) = transaction.query_opt(find, &[&key]).await? else { return Ok(()) };
            let mut profile = profile(&row)?;
            edit(&mut profile);
            let update = "UPDATE storefront.profiles SET profile = $2 WHERE id = $1";
            transaction.execute(update, &[&key, &Json(&profile)]).await?;
            Ok(transaction.commit().await?)
        });
        Ok(edited.await?)
    }

    async fn remove(&self, id: &CustomerId) -> Result<(), StoreError> {
        self.query("DELETE FROM storefront.profiles WHERE id = $1", &[&id.as_int()]).await?;
        Ok(())
    }

    async fn remove_unconfirmed(&self, id: &CustomerId) -> Result<bool, StoreError> {
        let remove =
            "DELETE FROM commerce_auth.customers WHERE id = $1 AND status = 'unconfirmed' RETURNING 1";
        Ok(!self.query(remove, &[&id.to_string()]).await?.is_empty())
    }

    async fn search(&self, part: &str, limit: u32) -> Result<Vec<CustomerId>, StoreError> {
        // In no address, and refused by PostgreSQL in any text.
        if part.contains('\0') {
            return Ok(Vec::new());
        }
        let search = "SELECT id FROM commerce_auth.customers WHERE position($1 IN canonical_email) > 0 \
                      ORDER BY canonical_email LIMIT $2";
        let rows = self.query(search, &[&part.to_lowercase(), &i64::from(limit)]).await?;
        let id = |row: &Row| row.try_get::<_, &str>(0)?.parse().map_err(|_| Failure::Unreadable);
        Ok(rows.iter().map(id).collect::<Result<_, _>>()?)
    }

    async fn change_email(&self, id: &CustomerId, email: &Email) -> Result<bool, StoreError> {
        let change =
            "UPDATE commerce_auth.customers SET email = $2, canonical_email = $2 WHERE id = $1 RETURNING 1";
        match self.query(change, &[&id.to_string(), &email.as_str()]).await {
            Err(Failure::Server(SqlState::UNIQUE_VIOLATION)) => Ok(false),
            changed => Ok(!changed?.is_empty()),
        }
    }

    async fn name_admin(&self, id: &AdminId, name: &str) -> Result<(), StoreError> {
        let name_admin = "INSERT INTO storefront.admin_names (id, name) VALUES ($1, $2) \
                          ON CONFLICT (id) DO UPDATE SET name = excluded.name";
        self.query(name_admin, &[&id.to_string(), &name]).await?;
        Ok(())
    }

    async fn admin_name(&self, id: &AdminId) -> Result<Option<String>, StoreError> {
        let find = "SELECT name FROM storefront.admin_names WHERE id = $1";
        let rows = self.query(find, &[&id.to_string()]).await?;
        Ok(rows.first().map(|row| row.try_get(0).map_err(Failure::from)).transpose()?)
    }
}

/// Tries again what the server has undone because of another transaction. It is certain then that nothing was done.
///
/// The pauses are random (full jitter), so that those who got in each other's way do not meet again, and double from 10 ms.
async fn retried<T, A>(attempt: impl Fn() -> A) -> Result<T, Failure>
where
    A: Future<Output = Result<T, Failure>>,
{
    within_time(async {
        for tried in 1..TRIES {
            match attempt().await {
                Err(failure) if failure.was_undone() => {
                    let longest = 10_000_u64 << tried.min(6);
                    sleep(Duration::from_micros(Uuid::new_v4().as_u64_pair().0 % longest)).await;
                }
                answer => return answer,
            }
        }
        attempt().await
    })
    .await
}

/// A server that is there and does not answer is one that is down.
async fn within_time<T>(answer: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    timeout(TIMEOUT, answer).await.unwrap_or(Err(Failure::TimedOut))
}

fn profile(row: &Row) -> Result<Profile, Failure> {
    Ok(row.try_get::<_, Json<Profile>>(0)?.0)
}

/// The cause of a failure, without the server's message, which may hold values.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("PostgreSQL answered with SQLSTATE {}", .0.code())]
    Server(SqlState),
    #[error(transparent)]
    Driver(tokio_postgres::Error),
    #[error("PostgreSQL did not answer in time, or no connection was free")]
    TimedOut,
    #[error("the profile could not be read")]
    Unreadable,
    #[error(transparent)]
    Pool(#[from] BuildError),
}

impl Failure {
    /// True for a serialisation failure and a deadlock.
    fn was_undone(&self) -> bool {
        matches!(self, Self::Server(SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED))
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.code() {
            Some(state) => Self::Server(state.clone()),
            None => Self::Driver(error),
        }
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => error.into(),
            _ => Self::TimedOut,
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::new(failure)
    }
}
