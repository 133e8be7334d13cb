use std::{fmt::Debug, num::NonZero};

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::{
    error::StoreError,
    random::{RandomError, SecureRandom},
    token::{Digest, Grant, Origin, Subject},
};

/// The name of a generation: 128 random bits. The library draws it; a backend keeps it and compares it.
///
/// It is random and no counter, so that a token store that was wiped never comes back to a name that another
/// engine keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GenerationId([u8; 16]);

impl GenerationId {
    /// Draws a new name.
    ///
    /// # Errors
    ///
    /// The source has no random bytes.
    pub fn draw(random: &dyn SecureRandom) -> Result<Self, RandomError> {
        let mut bytes = [0; 16];
        random.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// A name from a backend's column.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes for a backend's column.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// The generation under which a subject signs in: the shop's, and the subject's own. It has moved if either
/// has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)] // Backends make it from their columns.
pub struct Generation {
    /// Replaced by [`TokenStore::revoke_everything`].
    pub shop: GenerationId,
    /// Replaced by [`TokenStore::revoke_all`] of this subject. None until its first.
    pub subject: Option<GenerationId>,
}

/// The result of an insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[allow(clippy::exhaustive_enums)] // A flow must handle each.
pub enum Insert {
    /// The grant is stored.
    Stored,
    /// Nothing is stored: the generation moved since it was read.
    Revoked,
    /// Nothing is stored: the digest was revoked before it was inserted.
    Barred,
    /// Nothing is stored: there is a grant of this digest already, which is unchanged.
    Collision,
}

/// Keeps the grants behind bearer tokens.
///
/// A grant is live from its insertion until just before its `expires_at`, as long as it is not revoked and
/// the shop's generation is the one it was inserted under. A shop that has no generation has no live grant.
///
/// The shop's generation needs one place: a token store cannot be sharded by subject.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not keep tokens",
    label = "it must implement `TokenStore`, or be an `Arc` of a type that does",
    note = "write `#[async_trait] impl TokenStore for {Self}`; the attribute is `commerce_auth::async_trait`",
    note = "ready-made stores are `MemoryStore`, `SqliteStore` (feature `sqlite`), `PostgresStore` (feature `postgres`) and `RedisStore` (feature `redis`)"
)]
pub trait TokenStore: Debug + Send + Sync + 'static {
    /// Returns the subject's generation. If the shop has none, stores `fresh` as the shop's in the same step:
    /// of parallel calls on an empty store one wins, and all answer the winner's.
    ///
    /// The library draws a new `fresh` for each call. It reads the generation before it checks a credential,
    /// and hands it to [`insert`](Self::insert) afterwards.
    ///
    /// # Security
    ///
    /// A generation that was replaced before the call began is a vulnerability if a later `insert` accepts
    /// it. A `fresh` that replaces a generation, or an answer that is not stored, signs everybody out. A
    /// generation of the store's own making is a vulnerability: after a wipe it may come back.
    ///
    /// # Errors
    ///
    /// The backend failed; `fresh` may be stored.
    async fn generation(&self, subject: &Subject, fresh: GenerationId) -> Result<Generation, StoreError>;

    /// Stores a grant, unless its subject's generation is no longer `generation`, its digest was revoked
    /// already, or there is a grant of that digest. A shop without a generation counts as moved.
    ///
    /// A subject has at most `cap` live grants at `now`, this one among them. Beyond that the others end in
    /// the same step, the one with the earliest `issued_at` first; of equal times the smallest digest. The
    /// grant that is inserted stays, however early it was issued. If nothing is stored, nothing ends.
    ///
    /// # Security
    ///
    /// Storing in spite of a generation that moved is a vulnerability: the token would outlive a revoke-all
    /// that has returned. So is overwriting. More grants than `cap` let one account fill the
    /// store. Refusing too often costs a sign-in; ending a grant within the cap signs somebody out.
    ///
    /// # Errors
    ///
    /// The backend failed; the grant may be stored.
    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
        cap: NonZero<usize>,
        now: OffsetDateTime,
    ) -> Result<Insert, StoreError>;

    /// Returns the live grant of this digest: neither expired at `now` nor revoked. The hot path.
    ///
    /// # Security
    ///
    /// To find what is expired or revoked is a vulnerability. Not to find a live grant signs somebody out.
    ///
    /// # Errors
    ///
    /// The backend failed.
    async fn find(&self, digest: &Digest, now: OffsetDateTime) -> Result<Option<Grant>, StoreError>;

    /// Revokes one grant and returns true if a live one was there. Once it has returned, no later
    /// [`find`](Self::find) returns the grant, on any node.
    ///
    /// A digest that is not there is barred from being inserted until `bar_until`: a revoke that overtakes
    /// the insertion it is meant for wins. A later revoke never shortens a bar.
    ///
    /// # Security
    ///
    /// A grant that lives on is a vulnerability, and so is one that is inserted in spite of a bar. To revoke
    /// twice, or nothing, is fine.
    ///
    /// # Errors
    ///
    /// The backend failed; the grant may be revoked.
    async fn revoke(
        &self,
        digest: &Digest,
        now: OffsetDateTime,
        bar_until: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Revokes every grant of a subject except the one named `keep`, makes `fresh` the subject's generation,
    /// and returns the new generation. Once it has returned, no grant from before lives, not even one whose
    /// sign-in is in flight; a sign-in that starts later gives a live token, at the same `now` too.
    ///
    /// If the shop has no generation, `fresh` becomes the shop's as well.
    ///
    /// # Security
    ///
    /// A grant that lives on is a vulnerability, and so is one kept that is not the subject's. So is an
    /// answer other than what is stored: what is made under it would be refused, or outlive the next
    /// revoke-all. A kept grant that is lost signs somebody out.
    ///
    /// # Errors
    ///
    /// The backend failed; grants may be revoked.
    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&Digest>,
        fresh: GenerationId,
        now: OffsetDateTime,
    ) -> Result<Generation, StoreError>;

    /// Makes `fresh` the shop's generation, which revokes every grant of every subject in one write, whatever
    /// their number. Returns the shop's generation. A subject's own generation stays.
    ///
    /// # Security
    ///
    /// As [`revoke_all`](Self::revoke_all), for every subject at once. A store that removes the grants and
    /// replaces the generation in two steps lets a sign-in insert between them.
    ///
    /// # Errors
    ///
    /// The backend failed; everything may be revoked.
    async fn revoke_everything(
        &self,
        fresh: GenerationId,
        now: OffsetDateTime,
    ) -> Result<GenerationId, StoreError>;

    /// Returns at most `limit` live grants of a subject, with their origins: the newest first by `issued_at`;
    /// of equal times the largest digest first.
    ///
    /// # Security
    ///
    /// A live grant that is missing cannot be ended by its owner: a vulnerability, as is a grant of another
    /// subject. One that has ended misleads its owner.
    ///
    /// # Errors
    ///
    /// The backend failed.
    async fn grants(
        &self,
        subject: &Subject,
        limit: usize,
        now: OffsetDateTime,
    ) -> Result<Vec<(Grant, Origin)>, StoreError>;

    /// Removes at most `limit` records that are expired or revoked, and returns how many. Generations stay,
    /// and so do bars that have not ended.
    ///
    /// # Security
    ///
    /// A bar that is removed before its end is a vulnerability: what was revoked would be inserted. So is a
    /// generation that is removed: a sign-in from before a revoke-all could be taken for a later one. To
    /// remove a live grant signs somebody out; to leave an expired one costs space.
    ///
    /// # Errors
    ///
    /// The backend failed; records may be removed.
    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError>;
}
