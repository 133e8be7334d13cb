//! The backend that keeps tokens and documents in Redis or Valkey.
//!
//! Use this backend for a shop of many nodes that has such a server already. The look-up of a token
//! is one `MGET` command. The backend keeps no account tables and no audit trail. If the shop has
//! admin users, then it needs an audit sink that is not in Redis: see
//! [`AuthBuilder::audit`](crate::AuthBuilder::audit).
//!
//! # What it guarantees
//!
//! Every verb is one command or one script of the server, so it is one atomic step. A verb usually
//! takes one round trip. A second round trip follows if the server does not know the script yet, or
//! if the server holds no generation of the shop yet. As soon as a write is acknowledged, all nodes
//! see the write.
//!
//! Whatever the number of nodes and processes:
//!
//! - no one-time code and no code of an authenticator is accepted twice;
//! - no budget is exceeded;
//! - no revoked token is found.
//!
//! These guarantees hold while there is a single primary server, which loses no acknowledged write.
//!
//! # What a crash or a failover may lose
//!
//! Redis acknowledges a write before the replicas have the write, and usually before the write is
//! on the disk. A crash or a failover can therefore lose acknowledged writes. The first table shows
//! which writes may be lost. The second table shows the consequences of a lost write:
//!
//! | | `appendfsync always` | `everysec` | `no` | snapshots only |
//! |---|---|---|---|---|
//! | the process crashes and restarts | nothing | nothing; the last 2 s if the disk was slow | nothing | all since the last snapshot |
//! | the machine crashes and restarts | nothing | up to the last 2 s | all that the operating system had not written to the disk, often the last 30 s | all since the last snapshot |
//! | a replica takes over | all that this replica had not received: usually less than the last second, but without a limit | the same | the same | the same |
//!
//! | lost write | consequence |
//! |---|---|
//! | a sign-in | the user must sign in again |
//! | a revoke | the token is live again until it expires |
//! | the use of a one-time credential | the credential can be used again until it expires |
//! | a counted failure | the failure is not counted |
//! | the use of an authenticator's code | the code is valid again for about 90 s |
//! | the use or replacement of a recovery code | the code is valid again until it is used |
//! | a second factor | the admin user must set up the second factor again; if the policy allows admin users without a second factor, the password alone is enough |
//! | the removal or replacement of a second factor | the earlier second factor is valid again, even if a thief has it |
//! | the beginning of an assistance | the customer does not see the assistance, but the audit trail has it |
//! | the end of an assistance | the end is recorded later, and the customer may be notified twice |
//! | a commit of [documents](crate::store::StateStore) | all documents of the commit are as they were before it |
//!
//! If a shop keeps second factors in Redis, then it therefore needs `appendfsync always`. If the
//! server has replicas, then it also needs `wait_for_replicas`. Otherwise keep the documents in an
//! SQL store, and only the tokens in Redis: see
//! [`AuthBuilder::tokens`](crate::AuthBuilder::tokens).
//!
//! With [`RedisOptions::wait_for_replicas`], a revoke is acknowledged only when the given number of
//! replicas have the write. The revoke then survives a failover to one of these replicas. The same
//! is true for a commit of documents. There is one exception: a commit that stores only expendable
//! documents waits for no replica. Attempt budgets are such documents, so a failover can lose
//! counted failures.
//!
//! If the network is split, then an old primary may still serve requests until it learns that
//! another server is the primary. Then the old primary becomes a replica. The store checks its
//! server after every quarter of the [`timeout`](RedisOptions::timeout). When a check finds a
//! replica, the store closes the connection.
//!
//! The store then connects again. It reaches the new primary in two cases: the host name in the
//! connection URL now leads to the new primary, or the URL [names Sentinels](RedisOptions::new).
//! The store asks the Sentinels only when it connects.
//!
//! Set `min-replicas-to-write 1` on the server, so that a primary that has lost its replicas
//! refuses writes.
//!
//! # Requirements of the server
//!
//! [`RedisStore::connect`] checks that the server fulfils these requirements:
//!
//! - The server is Redis 7 or newer, or Valkey.
//! - The server is a primary and not a replica.
//! - The setting `maxmemory-policy` is `noeviction`.
//! - The clocks of the server and of this machine are at most 30 s apart.
//!
//! If the server's memory is full, then nobody can sign in, because the server refuses to store new
//! records. The store can still find, spend and revoke existing records. A commit that creates a
//! document fails. Every other commit is made. The store never returns
//! [`Full`](crate::store::CommitOutcome::Full).
//!
//! The Redis user of the store needs access to the shop's Redis keys, and to these commands:
//!
//! ```text
//! ACL SETUSER shop on >secret ~{commerce_auth}:* +info +select +wait +eval +evalsha +get +getrange +mget +set
//!     +del +pexpire +pttl +zadd +zcard +zrange +zrangebyscore +zrem +zremrangebyscore +scan +time
//! ```
//!
//! # Stored data
//!
//! All Redis keys begin with the shop's prefix as a hash tag, so that a Redis cluster keeps them on
//! one server:
//!
//! - `{commerce_auth}:t` and the id of a grant: the grant, or the bar of a revoked id;
//! - `s` and a subject: the ids of the subject's grants;
//! - `g` and a subject: the subject's generation;
//! - `everything`: the shop's generation;
//! - `d`, a partition, a kind and a document id: a document;
//! - `i`, a partition and a name: an index of that partition;
//! - `i` and a name: an index of the whole shop.
//!
//! The server holds digests in place of bearer tokens, one-time codes and e-mail addresses. It
//! holds account ids, and the IP address, user agent and assistance reason of a sign-in in clear
//! text. It also holds the secrets of authenticators, which the
//! [`Keyring`](crate::keyring::Keyring) encrypts. A grant takes about 550 bytes, including its
//! entry in the list of the subject and a usual user agent.
//!
//! A script compares the expiry of a record with the time that the node passes, and never with the
//! server's clock. The server removes a Redis key one hour after the expiry of its record, so the
//! clocks of two nodes may differ by up to an hour. The server never removes generations, permanent
//! locks and second factors.
//!
//! [`Auth::purge`](crate::Auth::purge) removes ended grants and bars sooner. One call looks at
//! about a thousand Redis keys of the database to find grants, and at about a thousand to find
//! documents. The next call continues after these keys. All of these keys may belong to other
//! shops, so a call that removes nothing does not mean that no expired record is left.
//!
//! The server removes a document one hour after its `keep_until`. A document with index entries has
//! no expiry in the server, because the server would remove only the document and not the entries.
//! Such a document stays until a purge removes it together with its entries.
//!
//! If the server's memory is full, then the server refuses a script that adds data before the
//! script begins. A script that has begun runs to its end. The server therefore never makes only a
//! part of a commit.
//!
//! The Redis key `{commerce_auth}:version` holds the version of this layout. If a newer release of
//! this library has changed the layout, then this release refuses to connect.
#![doc = concat!("\n", include_str!("../../../docs/redis.md"))]

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

/// Number of Redis keys that one script of a purge looks at. The script takes about a millisecond.
/// During this time the server serves no other client.
const PURGED_AT_ONCE: usize = 1000;

/// A store that keeps tokens and documents in Redis (version 7 or newer) or Valkey.
///
/// Clones are cheap and share the connections.
#[derive(Clone)]
pub struct RedisStore(Arc<Shared>);

struct Shared {
    keys: Keys,
    links: Links,
}

impl RedisStore {
    /// Connects to the server that a URL names: `redis://[user][:password@]host[:port][/database]`,
    /// or [another form](RedisOptions::new). Uses the default options: see [`RedisOptions`].
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), commerce_auth::store::OpenError> {
    /// use commerce_auth::store::redis::RedisStore;
    ///
    /// let store = RedisStore::connect("redis://cache.internal/").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The same as for [`RedisOptions::connect`].
    pub async fn connect(url: impl Into<String>) -> Result<Self, OpenError> {
        RedisOptions::new(url).connect().await
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisStore(..)")
    }
}
