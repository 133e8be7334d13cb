use std::{fmt, sync::Arc, time::Duration};

use redis::Value;
use time::OffsetDateTime;
use tokio::runtime::Handle;

use super::{
    RedisStore, Shared,
    address::ServerAddress,
    failure::Failure,
    keys::Keys,
    link::{Link, Server},
    links::{Links, Replication},
    script::{PROBE, VERSION},
    tls::Certificates,
};
use crate::{clock::micros, store::OpenError};

/// Options for connecting a store to Redis or Valkey.
///
/// ```no_run
/// # async fn example() -> Result<(), commerce_auth::store::OpenError> {
/// use std::time::Duration;
/// use commerce_auth::store::redis::RedisOptions;
///
/// let store = RedisOptions::new("redis://:secret@cache.internal:6379/0")
///     .prefix("outlet")
///     .timeout(Duration::from_secs(2))
///     .wait_for_replicas(1, Duration::from_millis(500))
///     .connect()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct RedisOptions {
    url: String,
    prefix: String,
    connections: usize,
    timeout: Duration,
    replication: Option<(u32, Duration)>,
    may_evict: bool,
    certificates: Certificates,
}

impl RedisOptions {
    /// The newest version of the layout of Redis keys that this crate supports.
    const VERSION: u32 = 1;
    const MAX_PREFIX_BYTES: usize = 64;
    const MAX_CONNECTIONS: usize = 64;

    /// Creates the default options for a connection URL of one of the forms in the table.
    /// Percent-encode special characters in the name of a user and in a password.
    ///
    /// | URL | the server |
    /// |---|---|
    /// | `redis://[user][:password@]host[:port][/database]` | at a host; port 6379 by default |
    /// | `rediss://…` | the same as `redis://`, through TLS, with the feature `redis-rustls` |
    /// | `redis+unix:///path[?db=…&user=…&pass=…]`, `unix:///path…` | at a Unix socket |
    /// | `redis+sentinel://[user][:password@]host[:port][,host[:port]…]/name[/database]` | the primary of this name that the Sentinels at these hosts agree on; port 26379 by default |
    /// | `rediss+sentinel://…` | the same as `redis+sentinel://`, but the Sentinels and the servers are reached through TLS |
    ///
    /// In each scheme that begins with `redis`, you can write `valkey` instead of `redis`. In a
    /// Sentinel URL, the user and the password before the `@` are those of the Redis servers. If
    /// the Sentinels need a user and a password, then add
    /// `?sentinel_username=…&sentinel_password=…` to the URL.
    ///
    /// If the URL names Sentinels, then after a failover the store asks them again and connects to
    /// the new primary. Whenever the store opens a connection, it refuses a server that is a
    /// replica, is older than Redis 7, or may evict keys.
    ///
    /// # Security
    ///
    /// Without TLS, an attacker on the network can read the stored records and the Redis password,
    /// and can forge the server's replies. Connect without TLS only over a private network or a
    /// Unix socket.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            prefix: "commerce_auth".to_owned(),
            connections: 1,
            timeout: Duration::from_secs(5),
            replication: None,
            may_evict: false,
            certificates: Certificates::default(),
        }
    }

    /// Sets the prefix of the shop's Redis keys. Several shops can share a server if their prefixes
    /// differ. The default is `commerce_auth`.
    ///
    /// A prefix has 1 to 64 of the characters A-Z, a-z, 0-9, `_`, `.` and `-`. A Redis key begins
    /// with the prefix in braces, for example `{commerce_auth}:`.
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// Sets the number of connections, which all calls share: 1 to 64, by default 1. The
    /// connections that wait for replicas are not counted here.
    pub const fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// Sets the maximum time that one request waits for the server, including the time to connect:
    /// at least 20 ms, by default 5 s. A call that needs two requests can take twice this time.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Makes some writes wait until this number of replicas have confirmed them. These are the
    /// writes whose loss in a failover would be dangerous. They are revokes of tokens, and commits
    /// that delete a document or store a document that is not expendable.
    ///
    /// If the replicas do not confirm a write within `patience`, then the call returns an error.
    /// The write may have taken effect on the primary nevertheless. `patience` is at least 1 ms,
    /// and at most half of the [`timeout`](Self::timeout). The module's documentation shows [what a
    /// failover may lose](crate::store::redis#what-a-crash-or-a-failover-may-lose).
    pub const fn wait_for_replicas(mut self, replicas: u32, patience: Duration) -> Self {
        self.replication = Some((replicas, patience));
        self
    }

    /// Permits a server that may evict keys. By default, [`connect`](Self::connect) refuses such a
    /// server.
    ///
    /// # Security
    ///
    /// When the memory of a server that may evict keys is full, the server may remove the records
    /// of spent codes, locked accounts and revoked tokens. Use such a server only for tests.
    pub const fn danger_allow_eviction(mut self) -> Self {
        self.may_evict = true;
        self
    }

    /// Sets the root certificates, in PEM, for servers whose certificates come from a private
    /// authority. These root certificates replace those of the system. The certificate of a server
    /// must be valid for the host that the connection URL or the Sentinels name.
    #[cfg(feature = "redis-rustls")]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificates.roots = Some(pem.into());
        self
    }

    /// Sets the client's certificate, for servers that require one. `chain` is this certificate
    /// with its intermediate certificates, and `key` is its private key. Both arguments are in PEM.
    #[cfg(feature = "redis-rustls")]
    pub fn client_certificate(mut self, chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.certificates.client = Some((chain.into(), key.into().into()));
        self
    }

    /// Connects to the server. Call this function within a tokio runtime. This runtime then drives
    /// the connections of the store. You can call the store from any thread, as long as the runtime
    /// runs.
    ///
    /// # Errors
    ///
    /// [`OpenError`] in these cases:
    ///
    /// - an option is not valid;
    /// - the server cannot be reached;
    /// - the server is older than Redis 7, is a replica, or may evict keys;
    /// - the Redis user lacks a permission;
    /// - a newer release of this library has changed the layout of the Redis keys;
    /// - the clocks of the server and of this machine are more than 30 s apart.
    pub async fn connect(self) -> Result<RedisStore, OpenError> {
        let server = Arc::new(self.check()?);
        let runtime = Handle::try_current()
            .map_err(|_| OpenError::Invalid("the store must be connected in a tokio runtime"))?;
        let link = || Link::keep(&runtime, Arc::clone(&server), self.timeout);
        let first = link();
        first.ready().await.map_err(|failure| refused(failure, "sign in and ask for INFO"))?;
        let keys = Keys::new(&self.prefix);
        check_scripts(&first, &keys).await?;
        let plain = [first].into_iter().chain((1..self.connections).map(|_| link())).collect();
        let replication =
            self.replication.map(|(replicas, patience)| Replication::new(link, replicas, patience));
        Ok(RedisStore(Arc::new(Shared { keys, links: Links::new(plain, replication) })))
    }

    fn check(&self) -> Result<Server, OpenError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if self.prefix.is_empty()
            || self.prefix.len() > Self::MAX_PREFIX_BYTES
            || !self.prefix.bytes().all(allowed)
        {
            return Err(OpenError::Invalid(
                "a prefix is 1 to 64 of the characters A-Z, a-z, 0-9, _, . and -",
            ));
        }
        if !(1..=Self::MAX_CONNECTIONS).contains(&self.connections) {
            return Err(OpenError::Invalid("the number of connections must be 1 to 64"));
        }
        if self.timeout < Duration::from_millis(20) {
            return Err(OpenError::Invalid("the timeout must be at least 20 ms"));
        }
        if let Some((replicas, patience)) = self.replication
            && (replicas == 0 || patience < Duration::from_millis(1) || patience > self.timeout / 2)
        {
            return Err(OpenError::Invalid(
                "wait for at least one replica, and for 1 ms to half of the timeout",
            ));
        }
        let ServerAddress { route, settings, encrypted } = ServerAddress::parse(&self.url)?;
        if !encrypted && !self.certificates.is_empty() {
            return Err(OpenError::Invalid("certificates need an address with TLS: use rediss://"));
        }
        let tls = encrypted.then(|| self.certificates.to_tls()).transpose()?;
        Ok(Server { route, settings, tls, may_evict: self.may_evict })
    }
}

async fn check_scripts(link: &Link, keys: &Keys) -> Result<(), OpenError> {
    let sent = OffsetDateTime::now_utc();
    let answer = PROBE.on([keys.word("probe")]).run_in_full(link).await;
    let received = OffsetDateTime::now_utc();
    let clock = answer.map_err(|failure| match failure {
        // If the Redis user may not run a command within a script, then the server reports the
        // general error `ERR`.
        Failure::Refused(_) if failure.is("ERR") => {
            OpenError::NotPermitted { what: "use every command that is needed", source: failure.into() }
        }
        failure => refused(failure, "run scripts"),
    })?;
    let Value::Int(clock) = clock else {
        return Err(OpenError::Unavailable(Failure::Corrupt("its clock").into()));
    };
    OpenError::unless_clocks_agree(micros::to_time(clock), sent, received)?;
    let known = RedisOptions::VERSION;
    let answer = VERSION.on([keys.word("version")]).arg(known).run(link).await;
    let found = match answer.map_err(|failure| refused(failure, "run scripts"))? {
        Value::BulkString(found) => str::from_utf8(&found).ok().and_then(|found| found.parse().ok()),
        _ => None,
    };
    match found {
        Some(found) if found > known => Err(OpenError::NewerSchema { found, known }),
        Some(_) => Ok(()),
        None => Err(OpenError::Unavailable(Failure::Corrupt("the version").into())),
    }
}

fn refused(failure: Failure, what: &'static str) -> OpenError {
    match failure {
        Failure::Replica => {
            OpenError::Invalid("the server is a read-only replica: use the address of the primary")
        }
        Failure::Old => OpenError::Invalid("the server is older than Redis 7"),
        Failure::MayEvict(policy) => OpenError::MayEvict { policy },
        failure if failure.is_of_permission() => OpenError::NotPermitted { what, source: failure.into() },
        failure => OpenError::Unavailable(failure.into()),
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url: _, prefix, connections, timeout, replication, may_evict, certificates: _ } = self;
        f.debug_struct("RedisOptions")
            .field("prefix", prefix)
            .field("connections", connections)
            .field("timeout", timeout)
            .field("replication", replication)
            .field("may_evict", may_evict)
            .finish_non_exhaustive()
    }
}
