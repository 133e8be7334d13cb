//! Tokens and documents in Redis or Valkey.
//!
//! For a shop of many nodes that has such a server already: [`find`](crate::store::TokenStore::find) is one `MGET`. It
//! keeps no accounts and no audit trail; a shop with admin users names another sink
//! ([`AuthBuilder::audit`](crate::AuthBuilder::audit)).
//!
//! # What it guarantees
//!
//! Every verb is one command or one script, so one atomic step and one round trip. What one node was told, all nodes see
//! from then on: no code is handed out twice, no step of an authenticator is used twice, no budget is exceeded, nothing that
//! was revoked is found, whatever the number of nodes and processes. That holds as long as the server is one primary that
//! keeps what it acknowledged.
//!
//! # What a crash or a failover may lose
//!
//! Redis acknowledges before its replicas have a write, and, as a rule, before its disk has it. What is lost is as if it had
//! never been called:
//!
//! | | `appendfsync always` | `everysec` | `no` | snapshots only |
//! |---|---|---|---|---|
//! | the process dies, and starts again | nothing | nothing; up to 2 s, if its disk was behind | nothing | all since the last one |
//! | the machine dies, and starts again | nothing | up to 2 s | what the system had not written yet, often 30 s | all since the last one |
//! | a replica takes over | what had not reached it: as a rule less than a second, with no bound | the same | the same | the same |
//!
//! | if this is lost | then |
//! |---|---|
//! | a sign-in | whoever signed in last signs in again |
//! | a revoke | the token lives again, until it expires |
//! | that a one-time credential was spent | it can be bought again, until it expires |
//! | a failure that was counted | it is forgotten |
//! | that a code of an authenticator was used | it is good again, for about 90 s |
//! | that a recovery code was spent or replaced | it is good again, until it is spent |
//! | a second factor | its admin user has to enrol anew; where the policy lets those in who have none, the password alone does |
//! | that a second factor was removed or replaced | the earlier one is good again, though a thief may hold it |
//! | that an assistance began | the customer does not see it; the audit trail has it |
//! | that an assistance ended | it is noted later that it is over, and the customer may be told twice |
//! | a commit of [documents](crate::store::StateStore) | all documents of it are as they were before it |
//!
//! So a shop that keeps second factors here needs `appendfsync always`, and `wait_for_replicas` if it has any. Otherwise it
//! keeps documents in an SQL store, and tokens alone here:
//! [`AuthBuilder::tokens`](crate::AuthBuilder::tokens).
//!
//! With [`RedisOptions::wait_for_replicas`], each kind of revoke is acknowledged once so many replicas have it: it outlives
//! a failover to one of them. The same holds for each commit of documents, except for one that only puts expendable ones:
//! attempt budgets wait for no replica.
//!
//! In a network split, clients of an old primary may be answered by it until it learns that it is none. A store leaves a
//! primary that was made a replica within a quarter of its [`timeout`](RedisOptions::timeout), and connects again: to the
//! new one, if the address has moved, or if it is [found by Sentinels](RedisOptions::new). It asks them when a connection has
//! ended, not while one lasts. `min-replicas-to-write 1` on the server lets a primary that is cut off refuse writes.
//!
//! # What the server must be
//!
//! Redis 7 or newer, or Valkey; a primary; with `maxmemory-policy noeviction`; its clock within 30 s of the machine's. All of
//! this [`RedisStore::connect`] checks. When its memory is full, nobody signs in any more; what is there is found, can be spent, and can be revoked.
//! A commit that creates a document is then an error, and every other commit is made. The store never answers
//! [`Full`](crate::store::CommitOutcome::Full).
//!
//! Its user needs the keys of the shop and these commands:
//!
//! ```text
//! ACL SETUSER shop on >secret ~{commerce_auth}:* +info +select +wait +eval +evalsha +get +getrange +mget +set
//!     +del +pexpire +pttl +zadd +zcard +zrange +zrangebyscore +zrem +zremrangebyscore +scan +time
//! ```
//!
//! # What it keeps
//!
//! All keys begin with the shop's prefix as a hash tag, so that they are in one slot of a cluster: `{commerce_auth}:t` and a
//! digest for a grant or the bar of a digest, `s` and a subject for what it holds, `g` for its generation, and `everything`
//! for the shop's generation; `d` and a partition, kind and id for a document, `i` and a partition or nothing and a name
//! for an index of them. Digests and keys of accounts stand there, and an authenticator's secret, sealed by the
//! [`Keyring`](crate::Keyring); e-mail addresses, tokens and codes do not. A token takes about 550 bytes, with its subject's index and a usual
//! user agent.
//!
//! Records are compared with the time that a call is given, never with the server's clock, and keys go an hour after what
//! they hold has ended: clocks of nodes may be apart by less than that. Generations, locks until cleared and second
//! factors stay. The server tidies up the rest by itself, and [`Auth::purge`](crate::Auth::purge) does so sooner: a call
//! looks at about a thousand keys of the database, going round, and may find none of its own. It answers how many it
//! removed, not whether any are left.
//!
//! The server removes a document an hour after its `keep_until`. A document with index entries stays until a sweep removes it
//! together with its entries, which the server could not do. The server refuses a script that would exceed its memory before the
//! script begins, and a script is otherwise run to its end: a commit is never made in part.
//!
//! `{commerce_auth}:version` is the version of this layout. A release refuses to connect where a newer one has been.

mod address;
mod answer;
mod document_records;
mod documents;
mod failure;
mod keys;
mod line;
mod link;
mod links;
mod options;
mod records;
mod script;
mod sentinel;
mod tls;
mod tokens;

pub use options::RedisOptions;

use std::{fmt, sync::Arc};

use keys::Keys;
use links::Links;

use super::OpenError;

/// So many keys does a purge look at, whatever they hold: the server serves nobody else meanwhile, for about a
/// millisecond.
const PURGED_AT_ONCE: usize = 1000;

/// Tokens and documents in Redis or Valkey, version 7 or newer.
///
/// Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct RedisStore(Arc<Shared>);

struct Shared {
    keys: Keys,
    links: Links,
}

impl RedisStore {
    /// Connects to `redis://[user][:password@]host[:port][/database]`, or to another
    /// [address](RedisOptions::new). [`RedisOptions`] knows more.
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

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisStore(..)")
    }
}
