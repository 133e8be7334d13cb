use std::{fmt, sync::Arc, time::Duration};

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, Value, cmd};
use tokio::runtime::Handle;

use super::{
    RedisStore, Shared,
    failure::Failure,
    keys::Keys,
    link::Link,
    links::{Links, Replication},
    script::{PROBE, VERSION},
};
use crate::store::OpenError;

/// How to reach Redis or Valkey, and what of it to use.
///
/// ```no_run
/// # async fn example() -> Result<(), commerce_auth::store::OpenError> {
/// use std::time::Duration;
/// use commerce_auth::RedisOptions;
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
}

impl RedisOptions {
    /// The version of the layout of the keys that this release knows. Of the second, the first would sign admin users in
    /// without their second factor, and could not read the grants that were obtained with one.
    const VERSION: u32 = 2;
    const MAX_PREFIX_BYTES: usize = 64;
    const MAX_CONNECTIONS: usize = 64;

    /// The server at `redis://[user][:password@]host[:port][/database]`, or at `redis+unix:///path`.
    ///
    /// There is no TLS: `rediss://` is refused. Let the server be reached over a private network only, or through a
    /// tunnel that encrypts.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            prefix: "commerce_auth".to_owned(),
            connections: 1,
            timeout: Duration::from_secs(5),
            replication: None,
            may_evict: false,
        }
    }

    /// What every key begins with, in braces: 1 to 64 of the characters A-Z, a-z, 0-9, `_`, `.` and `-`; `commerce_auth`
    /// by default. Several shops share a server by it.
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// How many connections share the calls, 1 to 64; 1 by default.
    pub const fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// How long a call waits for the server at most, connecting included; 5 s by default, at least 20 ms.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Lets what ends something (`take`, `discard`, and each kind of revoke) and what changes a second factor or the ledger of
    /// assistance return only once so many replicas have it. If they do not within `patience`, which is at most half of the [`timeout`](Self::timeout), the call is an error, and
    /// may have taken effect. See [the table](crate::store::redis#what-a-crash-or-a-failover-may-lose).
    pub const fn wait_for_replicas(mut self, replicas: u32, patience: Duration) -> Self {
        self.replication = Some((replicas, patience));
        self
    }

    /// Connects to a server that may evict what it holds.
    ///
    /// # Security
    ///
    /// When its memory is full, it forgets what it likes: that a code is spent, that an account is locked, that everything
    /// was revoked. Do not use it but for tests.
    pub const fn danger_allow_eviction(mut self) -> Self {
        self.may_evict = true;
        self
    }

    /// Connects. It is called in a tokio runtime, which then keeps the connections: the store can be called from outside of
    /// it, while it runs.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if an option is not sound, the server is not to be reached, older than Redis 7, a replica or evicting,
    /// does not permit what is needed, or holds keys of a newer release.
    pub async fn connect(self) -> Result<RedisStore, OpenError> {
        let server = self.check()?;
        let runtime = Handle::try_current()
            .map_err(|_| OpenError::Invalid("the store must be connected in a tokio runtime"))?;
        let link = || Link::keep(&runtime, server.clone(), self.timeout);
        let first = link();
        self.check_server(&first).await?;
        let keys = Keys::new(&self.prefix);
        check_scripts(&first, &keys).await?;
        let plain = [first].into_iter().chain((1..self.connections).map(|_| link())).collect();
        let replication =
            self.replication.map(|(replicas, patience)| Replication::new(link, replicas, patience));
        Ok(RedisStore(Arc::new(Shared { keys, links: Links::new(plain, replication) })))
    }

    fn check(&self) -> Result<ConnectionInfo, OpenError> {
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
            return Err(OpenError::Invalid("there are 1 to 64 connections"));
        }
        if self.timeout < Duration::from_millis(20) {
            return Err(OpenError::Invalid("the timeout is 20 ms at least"));
        }
        if let Some((replicas, patience)) = self.replication
            && (replicas == 0 || patience < Duration::from_millis(1) || patience > self.timeout / 2)
        {
            return Err(OpenError::Invalid(
                "one replica at least is waited for, for 1 ms at least and half of the timeout at most",
            ));
        }
        if ["rediss:", "valkeys:"].iter().any(|scheme| self.url.starts_with(scheme)) {
            return Err(OpenError::Invalid("there is no TLS to Redis: the address begins with redis://"));
        }
        let server = self.url.as_str().into_connection_info();
        let server = server.map_err(|_| OpenError::Invalid("the address is no URL of a Redis server"))?;
        match server.addr() {
            ConnectionAddr::Tcp(..) | ConnectionAddr::Unix(_) => Ok(server),
            _ => Err(OpenError::Invalid("the address is no URL of a Redis server")),
        }
    }

    async fn check_server(&self, link: &Link) -> Result<(), OpenError> {
        let info = match link.ask(&cmd("INFO")).await {
            Ok(Value::BulkString(info)) => String::from_utf8_lossy(&info).into_owned(),
            Ok(_) => return Err(OpenError::Unavailable(Failure::Corrupt("INFO").into())),
            Err(failure) => return Err(refused(failure, "sign in and ask for INFO")),
        };
        let field = |name: &str| {
            info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or_default()
        };
        // Valkey calls itself Redis 7.2 here, for those who do not know it.
        let major = field("redis_version").split('.').next().and_then(|major| major.parse().ok());
        if major.is_none_or(|major: u32| major < 7) {
            return Err(OpenError::Invalid("the server is older than Redis 7"));
        }
        let policy = field("maxmemory_policy");
        if policy != "noeviction" && !self.may_evict {
            return Err(OpenError::MayEvict { policy: policy.to_owned() });
        }
        Ok(())
    }
}

async fn check_scripts(link: &Link, keys: &Keys) -> Result<(), OpenError> {
    let answer = PROBE.on([keys.word("probe")]).run_in_full(link).await;
    answer.map_err(|failure| match failure {
        // Within a script, what is not permitted is an error like any other.
        Failure::Refused(_) if failure.is("ERR") => {
            OpenError::NotPermitted { what: "use every command that is needed", source: failure.into() }
        }
        failure => refused(failure, "run scripts"),
    })?;
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
            OpenError::Invalid("the server is a read-only replica: give its primary's address")
        }
        failure if failure.is_of_permission() => OpenError::NotPermitted { what, source: failure.into() },
        failure => OpenError::Unavailable(failure.into()),
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url: _, prefix, connections, timeout, replication, may_evict } = self;
        f.debug_struct("RedisOptions")
            .field("prefix", prefix)
            .field("connections", connections)
            .field("timeout", timeout)
            .field("replication", replication)
            .field("may_evict", may_evict)
            .finish_non_exhaustive()
    }
}
