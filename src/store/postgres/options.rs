use std::{fmt, sync::Arc, time::Duration};

use tokio::{runtime::Handle, time::timeout};
use tokio_postgres::{
    Config, NoTls, Socket,
    config::{SslMode, TargetSessionAttrs},
    tls::{MakeTlsConnect, TlsConnect},
};

use super::{
    Failure, Inner, OpenError, PostgresStore,
    connector::Connector,
    locking::Locking,
    pipelined::Pipelined,
    proof,
    statements::{Command, Query},
    tables,
};
use crate::error::StoreError;

/// Options for connecting to a database.
///
/// ```no_run
/// use std::time::Duration;
///
/// use commerce_auth::store::postgres::PostgresOptions;
///
/// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
/// let store = PostgresOptions::new("postgres://shop@db.internal/shop")
///     .schema("auth_outlet")
///     .timeout(Duration::from_secs(2))
///     .connect()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct PostgresOptions {
    url: String,
    schema: String,
    pipelined: usize,
    locking: usize,
    timeout: Duration,
    migrate: bool,
}

impl PostgresOptions {
    /// Creates the default options for a URL, or for a string of `key=value` pairs as in libpq.
    ///
    /// The defaults are: schema `commerce_auth`, 2 pipelined and 8 locking connections, a timeout
    /// of 5 s, and missing tables are created.
    pub fn new(url: impl Into<String>) -> Self {
        let (schema, timeout) = ("commerce_auth".into(), Duration::from_secs(5));
        Self { url: url.into(), schema, pipelined: 2, locking: 8, timeout, migrate: true }
    }

    /// Sets the schema of the tables, so that several shops can share a database. The name has 1 to
    /// 63 characters of `a-z`, `0-9` and `_`, and does not begin with a digit or `pg_`.
    pub fn schema(self, schema: impl Into<String>) -> Self {
        Self { schema: schema.into(), ..self }
    }

    /// Sets the number of connections for look-ups, at least one. All callers share them.
    pub fn pipelined_connections(self, connections: usize) -> Self {
        Self { pipelined: connections.max(1), ..self }
    }

    /// Sets the number of connections for changes, at least one. Each serves one caller at a time.
    pub fn locking_connections(self, connections: usize) -> Self {
        Self { locking: connections.max(1), ..self }
    }

    /// Sets the maximum time that a caller waits before it gets an error, at least 10 ms. The time
    /// includes waiting for a free connection, for a lock and for the server. Opening a connection
    /// may take a quarter of this time.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: timeout.max(Duration::from_millis(10)), ..self }
    }

    /// Sets if [`connect`](Self::connect) creates missing tables. The default is true. If false,
    /// `connect` only checks the tables. The [module's documentation](super) lists the rights that
    /// the user of the URL needs.
    pub fn migrate(self, migrate: bool) -> Self {
        Self { migrate, ..self }
    }

    /// Connects without TLS. Use it for a socket of this machine, or for a network that you trust
    /// with every password hash.
    ///
    /// # Errors
    ///
    /// - [`OpenError::Invalid`]: the URL or the schema is not valid, the URL asks for TLS, or no
    ///   tokio runtime is running.
    /// - [`OpenError::Unavailable`]: the server could not be reached within the timeout.
    /// - [`OpenError::NewerSchema`], [`OpenError::NotMigrated`]: the tables belong to another
    ///   release.
    /// - [`OpenError::NotPermitted`]: the user may not create or use the tables.
    /// - [`OpenError::Unsuitable`]: the server, the database or a pooler has a setting that would
    ///   make the store fail later: see the [module's documentation](super).
    pub async fn connect(self) -> Result<PostgresStore, OpenError> {
        if self.config()?.get_ssl_mode() == SslMode::Require {
            return Err(OpenError::Invalid("the URL asks for TLS: use connect_tls"));
        }
        self.connect_tls(NoTls).await
    }

    /// Connects with a TLS connector, such as `tokio_postgres_rustls::MakeRustlsConnect`. The
    /// `sslmode` of the URL decides if TLS is required. Set it to `require`, because the default
    /// permits a connection without TLS.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn connect_tls<T>(self, tls: T) -> Result<PostgresStore, OpenError>
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let config = self.config()?;
        let handle =
            Handle::try_current().map_err(|_| OpenError::Invalid("a tokio runtime must be running"))?;
        let (schema, limit) = (self.schema, self.timeout);
        let connector = Connector::new(config, tls, handle, limit);
        let (queries, commands) = (Query::all(&schema), Command::all(&schema));
        let prepare = async {
            let (mut client, _driver) = proof::open(&connector, self.pipelined + self.locking).await?;
            if self.migrate {
                tables::make(&mut client, &schema).await?;
            } else {
                tables::check(&mut client, &schema).await?;
            }
            proof::tables(&client, &schema, queries.iter().chain(&commands)).await
        };
        timeout(limit, prepare).await.map_err(|_| StoreError::from(Failure::TimedOut))??;
        let pipelined = Pipelined::new(connector.clone(), queries.into(), self.pipelined);
        let locking = Locking::new(connector, commands.into(), self.locking);
        let locking = locking.map_err(|_| OpenError::Invalid("the connections cannot be pooled"))?;
        Ok(PostgresStore(Arc::new(Inner { pipelined, locking })))
    }

    fn config(&self) -> Result<Config, OpenError> {
        let first = self.schema.bytes().next().is_some_and(|byte| byte == b'_' || byte.is_ascii_lowercase());
        let allowed = |byte: u8| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if !first
            || self.schema.len() > 63
            || !self.schema.bytes().all(allowed)
            || self.schema.starts_with("pg_")
        {
            return Err(OpenError::Invalid(
                "a schema is 1 to 63 characters of a-z, 0-9 and _, and begins neither with a digit nor with pg_",
            ));
        }
        let mut config: Config =
            self.url.parse().map_err(|_| OpenError::Invalid("the URL is not a valid PostgreSQL URL"))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(OpenError::Invalid("the URL names no host"));
        }
        config.connect_timeout(self.timeout);
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_application_name().is_none() {
            config.application_name("commerce-auth");
        }
        Ok(config)
    }
}

/// The output omits the URL, which may hold a password.
impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions").field("schema", &self.schema).finish_non_exhaustive()
    }
}
