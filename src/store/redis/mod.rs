//! Tokens, one-time credentials and attempt budgets in Redis or Valkey.

mod answer;
mod codes;
mod failure;
mod keys;
mod link;
mod links;
mod options;
mod records;
mod script;
mod throttle;
mod tokens;

pub use options::RedisOptions;

use std::{fmt, sync::Arc};

use keys::Keys;
use links::Links;

use super::{OpenError, Store};
use crate::audit::AuditSink;

/// So many keys does a purge look at, whatever they hold: the server serves nobody else meanwhile, for about a
/// millisecond.
const PURGED_AT_ONCE: usize = 1000;

/// Tokens, one-time credentials and attempt budgets in Redis or Valkey, version 7 or newer.
///
/// Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct RedisStore(Arc<Shared>);

struct Shared {
    keys: Keys,
    links: Links,
}

impl RedisStore {
    /// Connects to `redis://[user][:password@]host[:port][/database]`. [`RedisOptions`] knows more.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), commerce_auth::store::OpenError> {
    /// use commerce_auth::RedisStore;
    ///
    /// let store = RedisStore::connect("redis://cache.internal/").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`RedisOptions::connect`].
    pub async fn connect(url: impl Into<String>) -> Result<Self, OpenError> {
        RedisOptions::new(url).connect().await
    }
}

impl Store for RedisStore {
    /// None: what may be lost in a failover is no place for an audit trail.
    fn audit_sink(&self) -> Option<Arc<dyn AuditSink>> {
        None
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisStore(..)")
    }
}
