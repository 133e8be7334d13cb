//! Tokens and documents in Redis or Valkey.
//!
//! It is for a shop of many nodes that already has such a server. The look-up of a token is one
//! `MGET`. The store keeps no accounts and no audit trail. A shop with admin users needs another
//! sink for its audit trail ([`AuthBuilder::audit`](crate::AuthBuilder::audit)).
//!
//! # What it guarantees
//!
//! Every verb is one command or one script, and therefore one atomic step. It usually takes one
//! round trip. Another one follows if the server does not know the script yet, or if the shop has
//! no generation yet. All nodes immediately see every acknowledged write. Whatever the number of
//! nodes and processes:
//!
//! - no code is used twice, and no step of an authenticator is used twice;
//! - no budget is exceeded;
//! - no revoked token is found.
//!
//! This holds if the server is a single primary that keeps every acknowledged write.
//!
//! # What a crash or a failover may lose
//!
//! Redis acknowledges a write before its replicas have it and usually before its disk has it. A
//! write that is lost is as if it had never happened:
//!
//! | | `appendfsync always` | `everysec` | `no` | snapshots only |
//! |---|---|---|---|---|
//! | the process crashes and restarts | nothing | nothing; up to 2 s if its disk was slow | nothing | all since the last snapshot |
//! | the machine crashes and restarts | nothing | up to 2 s | what the system had not written yet, often 30 s | all since the last snapshot |
//! | a replica takes over | writes that it had not received: usually less than a second, without a limit | the same | the same | the same |
//!
//! | lost write | consequence |
//! |---|---|
//! | a sign-in | the user must sign in again |
//! | a revoke | the token is live again until it expires |
//! | the use of a one-time credential | it can be used again until it expires |
//! | a counted failure | the failure is not counted |
//! | the use of an authenticator's code | the code is valid again for about 90 s |
//! | the use or replacement of a recovery code | the code is valid again until it is used |
//! | a second factor | the admin user must enrol again; if the policy allows admin users without a factor, the password alone is enough |
//! | the removal or replacement of a second factor | the earlier factor is valid again, even if a thief has it |
//! | the beginning of an assistance | the customer does not see it; the audit trail has it |
//! | the end of an assistance | it is recorded later, and the customer may be notified twice |
//! | a commit of [documents](crate::store::StateStore) | all its documents are as before the commit |
//!
//! A shop that keeps second factors here therefore needs `appendfsync always`, and
//! `wait_for_replicas` if the server has replicas. Otherwise keep documents in an SQL store, and
//! only tokens here: [`AuthBuilder::tokens`](crate::AuthBuilder::tokens).
//!
//! With [`RedisOptions::wait_for_replicas`], a revoke is acknowledged once the given number of
//! replicas have it. It then survives a failover to one of these replicas. The same holds for each
//! commit of documents, except for a commit that only puts expendable ones: attempt budgets wait
//! for no replica.
//!
//! In a network split, an old primary may still answer until it learns that it is no longer the
//! primary. Once the old primary has become a replica, a store closes its connection to it within a
//! quarter of the [`timeout`](RedisOptions::timeout). The store then connects to the new primary,
//! if the host name now leads there or if the address [names Sentinels](RedisOptions::new). It asks
//! the Sentinels only when it connects. With `min-replicas-to-write 1` on the server, a primary
//! that has lost its replicas refuses writes.
//!
//! # Requirements of the server
//!
//! [`RedisStore::connect`] checks these requirements:
//!
//! - Redis 7 or newer, or Valkey;
//! - a primary;
//! - `maxmemory-policy noeviction`;
//! - a clock within 30 s of the machine's clock.
//!
//! If the server's memory is full, then nobody can sign in. Existing records can still be found,
//! spent and revoked. A commit that creates a document fails. Every other commit is made. The store
//! never returns [`Full`](crate::store::CommitOutcome::Full).
//!
//! The server's user needs the keys of the shop and these commands:
//!
//! ```text
//! ACL SETUSER shop on >secret ~{commerce_auth}:* +info +select +wait +eval +evalsha +get +getrange +mget +set
//!     +del +pexpire +pttl +zadd +zcard +zrange +zrangebyscore +zrem +zremrangebyscore +scan +time
//! ```
//!
//! # Stored data
//!
//! All keys begin with the shop's prefix as a hash tag, so that a cluster keeps them in one slot:
//!
//! - `{commerce_auth}:t` and the id of a grant: the grant, or the bar of its id;
//! - `s` and a subject: the grants of the subject;
//! - `g` and a subject: its generation;
//! - `everything`: the shop's generation;
//! - `d`, a partition, a kind and an id: a document;
//! - `i`, a partition or nothing, and a name: an index of documents.
//!
//! The server holds digests and the keys of accounts. It also holds the secrets of authenticators,
//! sealed by the [`Keyring`](crate::keyring::Keyring). It holds no e-mail addresses, tokens or
//! codes. A token takes about 550 bytes, including its subject's index and a usual user agent.
//!
//! Scripts compare a record with the time that the node passes, never with the server's clock. The
//! server removes a key one hour after the end of its record, so the clocks of nodes may differ by
//! up to an hour. It never removes generations, permanent locks and second factors.
//!
//! [`Auth::purge`](crate::Auth::purge) removes ended tokens sooner. Each call looks at about a
//! thousand keys of the database for tokens, and at as many for documents. It continues where the
//! last call stopped. These keys may all belong to other shops, so a result of 0 does not mean that
//! no ended record is left.
//!
//! The server removes a document one hour after its `keep_until`. A document with index entries
//! stays until a purge removes the document and its entries, because the server itself would remove
//! only the document.
//!
//! If the server's memory is full, then the server refuses a script that adds data, before the
//! script begins. A script that has begun runs to its end. A commit is therefore never made in
//! part.
//!
//! `{commerce_auth}:version` is the version of this layout. A release refuses to connect if a newer
//! release has changed the layout.
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

/// Number of keys that one script of a purge looks at. The script takes about a millisecond, during
/// which the server serves no other client.
const PURGED_AT_ONCE: usize = 1000;

/// Tokens and documents in Redis or Valkey, version 7 or newer.
///
/// Clones are cheap and share the connections.
#[derive(Clone)]
pub struct RedisStore(Arc<Shared>);

struct Shared {
    keys: Keys,
    links: Links,
}

impl RedisStore {
    /// Connects to `redis://[user][:password@]host[:port][/database]`, or to another
    /// [address](RedisOptions::new). [`RedisOptions`] has more options.
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
