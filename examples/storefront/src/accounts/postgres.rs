use std::time::Duration;

use async_trait::async_trait;
use commerce_auth::{CustomerId, Email, StoreError};
use deadpool_postgres::{BuildError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod};
use tokio::time::timeout;
use tokio_postgres::{
    NoTls, Row,
    error::SqlState,
    types::{Json, ToSql},
};

use super::{Edit, Profile, Profiles};

/// Profiles in a schema of their own, in the database of a [`PostgresStore`](commerce_auth::PostgresStore).
#[derive(Clone)]
pub(super) struct PostgresProfiles(Pool);

/// So long a caller waits for the database, whatever for.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Makes the table. Two nodes that start at once take turns.
const TABLE: &str = "BEGIN; SELECT pg_advisory_xact_lock(hashtext('commerce-auth storefront')); \
    CREATE SCHEMA IF NOT EXISTS storefront; \
    CREATE TABLE IF NOT EXISTS storefront.profiles \
    (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, profile jsonb NOT NULL); COMMIT";

impl PostgresProfiles {
    /// The database must have been opened as a store before: that makes the crate's tables.
    pub(super) async fn connect(url: &str) -> Result<Self, StoreError> {
        let mut config: tokio_postgres::Config = url.parse().map_err(Failure::Driver)?;
        let options = config.get_options().unwrap_or_default();
        config.options(format!("{options} -c statement_timeout={}", TIMEOUT.as_millis()).trim_start());
        config.connect_timeout(TIMEOUT);
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(config, NoTls, recycling);
        let pool = Pool::builder(manager).max_size(8).build().map_err(Failure::from)?;
        within_time(async { Ok(pool.get().await?.batch_execute(TABLE).await?) }).await?;
        Ok(Self(pool))
    }

    async fn query(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Failure> {
        within_time(async {
            let client = self.0.get().await?;
            let statement = client.prepare_cached(sql).await?;
            Ok(client.query(&statement, values).await?)
        })
        .await
    }
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
        let edited = within_time(async {
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
}

/// A server that is there and does not answer is one that is down.
async fn within_time<T>(answer: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    timeout(TIMEOUT, answer).await.unwrap_or(Err(Failure::TimedOut))
}

fn profile(row: &Row) -> Result<Profile, Failure> {
    Ok(row.try_get::<_, Json<Profile>>(0)?.0)
}

/// What went wrong, without the server's own words, which hold values.
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
            PoolError::Backend(error) => error.into(),
            _ => Self::TimedOut,
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::new(failure)
    }
}
