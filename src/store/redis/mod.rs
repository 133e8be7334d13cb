//! The backend that keeps tokens and documents in Redis or Valkey.
//!
//! Use this backend for a shop of many nodes that has a Redis or Valkey server already. The look-up
//! of a token is one `MGET` command. This backend keeps no account tables and no audit trail. If
//! the shop has admin users, then it needs an audit sink of a different kind: see
//! [`AuthBuilder::audit`](crate::AuthBuilder::audit).
//!
//! # What it guarantees
//!
//! A verb sends one command or runs one script, which the server executes as one atomic step. A
//! verb usually takes one round trip. It takes a second round trip if the server does not know the
//! script yet, or holds no generation of the shop yet. A commit also takes a second round trip if a
//! cluster has moved the shop's Redis keys. As soon as the server has acknowledged a write, all
//! nodes see the write.
//!
//! With any number of nodes and processes, this backend guarantees:
//!
//! - no one-time code and no code of an authenticator is accepted twice;
//! - no budget is exceeded;
//! - no revoked token is found.
//!
//! These guarantees hold while the shop has only one primary server, and this server loses no
//! acknowledged write.
//!
//! # What a crash or a failover may lose
//!
//! Redis acknowledges a write before the replicas have the write, and usually before the write is
//! on the disk. A crash or a failover can therefore lose acknowledged writes. The first table
//! shows, for each setting of the server, which writes may be lost. The second table shows the
//! consequences of a lost write:
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
//! A lost second factor is a risk for the shop. So if a shop keeps second factors in Redis, then
//! set `appendfsync always` on the server. If the server has replicas, then also call
//! [`RedisOptions::wait_for_replicas`]. Or keep the documents, which hold the second factors, in an
//! SQL store, and only the tokens in Redis: see
//! [`AuthBuilder::tokens`](crate::AuthBuilder::tokens).
//!
//! With [`RedisOptions::wait_for_replicas`], a revoke returns without an error only if the given
//! number of replicas have the write. The revoke then survives a failover to one of these replicas.
//! A commit waits for replicas, too, if it deletes a document, or if it stores a document that is
//! not [expendable](crate::store::Put::expendable). The documents that count failed attempts are
//! expendable. So a commit that only counts failed attempts does not wait, and a failover can lose
//! counted failures. The insertion of a grant does not wait for replicas.
//!
//! If the network is split, then two servers may act as primary for a time. The old primary serves
//! requests until it learns that a replica has become the new primary. Then the old primary becomes
//! a replica. The store checks its server again and again, with a pause of a quarter of the
//! [`timeout`](RedisOptions::timeout). When a check finds that the server is a replica, the store
//! closes the connection.
//!
//! After the store has closed a connection, it connects again. It reaches the new primary in two
//! cases: the host name in the connection URL now leads to the new primary, or the URL [names
//! Sentinels](RedisOptions::new). The store asks the Sentinels only when it connects.
//!
//! Set `min-replicas-to-write 1` on the server. A primary that has lost the connection to its
//! replicas, such as an old primary in a split network, then refuses writes.
//!
//! # Requirements of the server
//!
//! [`RedisStore::connect`] checks that the server fulfils these requirements:
//!
//! - The server is Redis 7 or newer, or Valkey.
//! - The server is a primary, and not a replica.
//! - The setting `maxmemory-policy` is `noeviction`. For tests,
//!   [`RedisOptions::danger_allow_eviction`] permits other policies.
//! - The clocks of the server and of this machine are at most 30 s apart.
//!
//! If the server's memory is full, then the server refuses to store new grants and new documents,
//! so nobody can sign in. A commit that creates a document fails with an error. The store can still
//! find and revoke tokens, and can make commits that only replace, delete or check documents, for
//! example to spend a one-time code. This store never returns
//! [`Full`](crate::store::CommitOutcome::Full).
//!
//! The Redis user of the store needs access to the shop's Redis keys, and to the commands in this
//! rule:
//!
//! ```text
//! ACL SETUSER shop on >secret ~{commerce_auth}:* +info +select +wait +eval +evalsha +get +getrange +mget +set
//!     +del +pexpire +pttl +zadd +zcard +zrange +zrangebyscore +zrem +zremrangebyscore +scan +time
//! ```
//!
//! # Stored data
//!
//! All Redis keys of a shop begin with the shop's prefix as a hash tag, so that a Redis cluster
//! keeps them on one server. These are the keys and their values:
//!
//! - `{commerce_auth}:t` and the id of a grant: the grant, or the bar of a revoked id;
//! - `s` and a subject (a customer or an admin user): the ids of the subject's grants;
//! - `g` and a subject: the subject's generation;
//! - `everything`: the shop's generation;
//! - `d`, a partition, a kind and a document id: a document;
//! - `i`, a partition and a name: an index of that partition;
//! - `i` and a name: an index of the whole shop;
//! - `purged-t` and `purged-d`: the position at which the next purge continues;
//! - `version`: the version of this layout;
//! - `probe`: a value that [`connect`](RedisStore::connect) writes to check the permissions, and
//!   deletes again.
//!
//! In place of bearer tokens, one-time codes and e-mail addresses, the server holds their digests.
//! In clear text, it holds account ids, and of a sign-in the IP address, the user agent and the
//! reason for assistance. It also holds the secrets of authenticators, which the
//! [`Keyring`](crate::keyring::Keyring) encrypts. A grant takes about 550 bytes, including a usual
//! user agent, and including the entry of the grant in the list of its subject.
//!
//! A script compares the expiry of a record with the time that the node passes, and not with the
//! server's clock. The server removes the Redis key of a grant or a bar one hour after its expiry.
//! The hour is needed because the clocks of two nodes may differ. Records without an expiry, such
//! as generations, permanent locks and second factors, have no time at which the server removes
//! them.
//!
//! [`Auth::purge`](crate::Auth::purge) removes ended grants and bars sooner than the server. One
//! call looks at about a thousand Redis keys of the database to find grants, and at about a
//! thousand to find documents. The next call continues after these keys. The keys may belong to
//! other shops or other programs that use the same database. So if a call removes nothing, there
//! may still be expired records.
//!
//! If a document has a `keep_until` and no index entries, then the server removes the document one
//! hour after its `keep_until`. If a document has index entries, then the server does not remove
//! it, because the entries would stay. A purge removes this document together with its entries.
//!
//! If the server's memory is full, then the server refuses a script that adds records before the
//! script has changed anything. The server does not stop a script that has begun for lack of
//! memory. So the server does not make only a part of a commit because its memory is full.
//!
//! The Redis key `{commerce_auth}:version` holds the version of this layout. An older release of
//! this library refuses to connect to a server whose layout a newer release has changed.
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
/// During this time the server does not serve other clients, so the number is small.
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
