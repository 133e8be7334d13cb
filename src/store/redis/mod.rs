//! Tokens, one-time credentials and attempt budgets in Redis or Valkey.
//!
//! For a shop of many nodes that has such a server already: [`find`](crate::store::TokenStore::find) is one `MGET`. It
//! keeps no accounts and no audit trail; a shop with admin users names another sink
//! ([`AuthBuilder::audit`](crate::AuthBuilder::audit)).
//!
//! # What it guarantees
//!
//! Every verb is one command or one script, so one atomic step and one round trip. What one node was told, all nodes see
//! from then on: no code is handed out twice, no budget is exceeded, nothing that was revoked is found, whatever the
//! number of nodes and processes. That holds as long as the server is one primary that keeps what it acknowledged.
//!
//! # What a crash or a failover may lose
//!
//! Redis acknowledges before its replicas have a write, and, as a rule, before its disk has it. What is lost is as if it had
//! never been called: a revoked token lives again, a spent code can be bought again, counted failures are forgotten, and
//! whoever signed in last signs in again.
//!
//! | | `appendfsync always` | `everysec` | `no` | snapshots only |
//! |---|---|---|---|---|
//! | the process dies, and starts again | nothing | nothing; up to 2 s, if its disk was behind | nothing | all since the last one |
//! | the machine dies, and starts again | nothing | up to 2 s | what the system had not written yet, often 30 s | all since the last one |
//! | a replica takes over | what had not reached it: as a rule less than a second, with no bound | the same | the same | the same |
//!
//! With [`RedisOptions::wait_for_replicas`], what ends something (`take`, `discard`, each kind of revoke) is acknowledged
//! once so many replicas have it: it outlives a failover to one of them.
//!
//! In a network split, clients of an old primary may be answered by it until it learns that it is none. A store leaves a
//! primary that was made a replica within a quarter of its [`timeout`](RedisOptions::timeout), and connects again: to the
//! new one, if the address has moved. `min-replicas-to-write 1` on the server lets a primary that is cut off refuse writes.
//!
//! # What the server must be
//!
//! Redis 7 or newer, or Valkey; a primary; with `maxmemory-policy noeviction`, which [`RedisStore::connect`] checks. When
//! its memory is full, nobody signs in any more; what is there is found, can be spent, and can be revoked.
//!
//! Its user needs the keys of the shop and these commands:
//!
//! ```text
//! ACL SETUSER shop on >secret ~{commerce_auth}:* +info +select +wait +eval +evalsha +get +mget +set +del
//!     +incr +pexpire +pttl +hget +hgetall +hset +hdel +zadd +zrange +zrangebyscore +zrem +zremrangebyscore +scan
//! ```
//!
//! # What it keeps
//!
//! All keys begin with the shop's prefix as a hash tag, so that they are in one slot of a cluster: `{commerce_auth}:t` and a
//! digest for a grant or the bar of a digest, `s` and a subject for what it holds, `g` for its generation, `c` and a customer
//! for one-time credentials, `a` and an account's digest for its budgets, and `everything`. Digests and keys of accounts
//! stand there; e-mail addresses, tokens and codes do not. A token takes about 550 bytes, with its subject's index and
//! a usual user agent.
//!
//! Records are compared with the time that a call is given, never with the server's clock, and keys go an hour after what
//! they hold has ended: clocks of nodes may be apart by less than that. Generations and locks until cleared stay. So the
//! server tidies up by itself; [`Auth::purge`](crate::Auth::purge) does it sooner. A call looks at about a thousand keys of
//! the database, going round, and may find none of its own: it answers how many it removed, not whether any are left.
//!
//! `{commerce_auth}:version` is the version of this layout. A release refuses to connect where a newer one has been.

mod answer;
mod codes;
mod factor_records;
mod factors;
mod failure;
mod keys;
mod ledger;
mod ledger_records;
mod line;
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
use crate::{audit::AuditSink, keyring::Keyring};

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
    fn audit_sink(&self, _keyring: Option<&Keyring>) -> Option<Arc<dyn AuditSink>> {
        None
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisStore(..)")
    }
}
