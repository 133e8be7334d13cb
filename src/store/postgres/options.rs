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

/// Options for connecting a store to a PostgreSQL database.
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
    /// Creates the default options for a connection URL, or for a connection string of `key=value`
    /// pairs as in libpq.
    ///
    /// The defaults are:
    ///
    /// - the schema `commerce_auth`,
    /// - 2 connections for look-ups and at most 8 connections for changes,
    /// - a timeout of 5 s,
    /// - [`connect`](Self::connect) creates missing tables.
    pub fn new(url: impl Into<String>) -> Self {
        let (schema, timeout) = ("commerce_auth".into(), Duration::from_secs(5));
        Self { url: url.into(), schema, pipelined: 2, locking: 8, timeout, migrate: true }
    }

    /// Sets the database schema that holds the tables. Several shops can share a database if each
    /// shop has a schema for itself. The name of a schema has 1 to 63 characters of `a-z`, `0-9`
    /// and `_`. The first character is not a digit, and the name does not begin with `pg_`.
    pub fn schema(self, schema: impl Into<String>) -> Self {
        Self { schema: schema.into(), ..self }
    }

    /// Sets the number of connections for look-ups, at least one. All callers share these
    /// connections: over one connection, the store sends a look-up without waiting for the results
    /// of earlier look-ups.
    pub fn pipelined_connections(self, connections: usize) -> Self {
        Self { pipelined: connections.max(1), ..self }
    }

    /// Sets the maximum number of connections for changes, at least one. A connection for changes
    /// serves only one caller at a time.
    pub fn locking_connections(self, connections: usize) -> Self {
        Self { locking: connections.max(1), ..self }
    }

    /// Sets the maximum time that one request to the server takes before the caller gets an error.
    /// The time includes waiting for a free connection, for a lock and for the server. Within this
    /// time, opening a connection may take at most a quarter. A value under 10 ms is raised to 10
    /// ms.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: timeout.max(Duration::from_millis(10)), ..self }
    }

    /// Sets if [`connect`](Self::connect) creates missing tables. The default is true. If you set
    /// it to false, then `connect` only checks the tables. The [module's documentation](super)
    /// lists the database permissions that the store's user needs with `true` and with `false`.
    pub fn migrate(self, migrate: bool) -> Self {
        Self { migrate, ..self }
    }

    /// Connects without TLS. Use this method only for a Unix socket or a private network. Without
    /// TLS, an attacker on the network can read the stored records, for example the password hashes
    /// of [`PostgresCustomers`](super::PostgresCustomers), and can forge the server's replies.
    ///
    /// # Errors
    ///
    /// - [`OpenError::Invalid`]: the URL or the schema is not valid, the URL asks for TLS, or no
    ///   tokio runtime is running.
    /// - [`OpenError::Unavailable`]: the server could not be reached within the timeout.
    /// - [`OpenError::NewerSchema`]: a newer release has changed the tables.
    /// - [`OpenError::NotMigrated`]: the tables are missing or outdated, and
    ///   [`migrate`](Self::migrate) is false.
    /// - [`OpenError::NotPermitted`]: the database user has no permission to create or use the
    ///   tables.
    /// - [`OpenError::Unsuitable`]: a setting of the server, the database or a connection pooler
    ///   would make the store fail later. Or the clocks of the server and of this machine differ by
    ///   more than 30 s. See the [module's documentation](super).
    pub async fn connect(self) -> Result<PostgresStore, OpenError> {
        if self.config()?.get_ssl_mode() == SslMode::Require {
            return Err(OpenError::Invalid("the URL asks for TLS: use connect_tls"));
        }
        self.connect_tls(NoTls).await
    }

    /// Connects with a TLS connector, such as `tokio_postgres_rustls::MakeRustlsConnect`. Set
    /// `sslmode=require` in the URL. Otherwise the default value `prefer` applies: if the server
    /// does not offer TLS, then the driver connects without TLS.
    ///
    /// # Errors
    ///
    /// The same as for [`connect`](Self::connect).
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

/// The output omits the connection URL, because the URL may hold a password.
impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions").field("schema", &self.schema).finish_non_exhaustive()
    }
}
