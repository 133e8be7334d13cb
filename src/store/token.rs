use std::{fmt::Debug, num::NonZero};

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::{
    bytes::byte_newtype,
    error::StoreError,
    random::{RandomError, SecureRandom, draw},
    token::{Grant, GrantId, Origin, Subject},
};

byte_newtype! {
    /// The id of a generation: 128 random bits. The library draws it, and a backend stores and
    /// compares it.
    ///
    /// The id is random and not a counter. A token store that was wiped can therefore never draw an
    /// id again that another store still holds.
    #[derive(PartialEq)]
    pub struct GenerationId([u8; 16]);
}

impl GenerationId {
    /// Draws a new random id.
    ///
    /// # Errors
    ///
    /// If the source could not supply random bytes.
    pub fn draw(random: &dyn SecureRandom) -> Result<Self, RandomError> {
        draw(random).map(Self)
    }
}

/// The generation under which a subject signs in: the shop's generation together with the
/// subject's. It changes if either of the two changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)] // Backends make it from their columns.
pub struct Generation {
    /// The shop's generation. [`TokenStore::revoke_everything`] replaces it.
    pub shop: GenerationId,
    /// The subject's generation. [`TokenStore::revoke_all`] of this subject replaces it. None
    /// before the first call.
    pub subject: Option<GenerationId>,
}

/// The result of an insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[allow(clippy::exhaustive_enums)] // A flow must handle each.
pub enum Insert {
    /// The grant is stored.
    Stored,
    /// Nothing is stored: the generation changed since it was read.
    Revoked,
    /// Nothing is stored: the grant was revoked before it was inserted.
    Barred,
    /// Nothing is stored: a grant of this id exists, and is unchanged.
    Collision,
}

/// Keeps the grants behind bearer tokens.
///
/// A grant is live from its insertion until just before its `expires_at`. It ends earlier if it is
/// revoked, or if the shop's generation changes. A shop that has no generation has no live grant.
///
/// A token store cannot be sharded by subject, because all subjects share the shop's generation.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not keep tokens",
    label = "it must implement `TokenStore`, or be an `Arc` of a type that does",
    note = "write `#[async_trait] impl TokenStore for {Self}`; the attribute is `commerce_auth::async_trait`",
    note = "ready-made stores are `MemoryStore`, `SqliteStore` (feature `sqlite`), `PostgresStore` (feature `postgres`) and `RedisStore` (feature `redis`)"
)]
pub trait TokenStore: Debug + Send + Sync + 'static {
    /// Returns the subject's generation. If the shop has none, stores `fresh` as the shop's
    /// generation in the same step.
    ///
    /// If several callers call this at once on an empty store, then one value is stored and all
    /// callers get that value. The library draws a new `fresh` for each call. It reads the
    /// generation before it checks a credential, and then passes the generation to
    /// [`insert`](Self::insert).
    ///
    /// # Security
    ///
    /// Returning a generation that was replaced before the call began is a vulnerability if a later
    /// `insert` accepts it. Replacing an existing generation with `fresh`, or returning a value
    /// that is not stored, signs everybody out. If the store draws a generation itself, then this
    /// is a vulnerability, because the same value may occur again after a wipe.
    ///
    /// # Errors
    ///
    /// If the backend request failed. `fresh` may be stored.
    async fn generation(&self, subject: &Subject, fresh: GenerationId) -> Result<Generation, StoreError>;

    /// Stores a grant, unless the subject's tokens were revoked. Nothing is stored in three cases:
    /// the subject's generation is no longer `generation`, the grant's id was revoked before, or a
    /// grant of that id exists. A shop without a generation counts as changed.
    ///
    /// A subject has at most `cap` live grants at `now`, including this one. In the same step, the
    /// excess grants end, those with the earliest `issued_at` first. Among equal times the smallest
    /// id ends first. The inserted grant stays, even if it was issued first. If nothing is
    /// stored, then nothing ends.
    ///
    /// # Security
    ///
    /// Storing under a changed generation is a vulnerability: the token would survive a revoke-all
    /// that has returned. Overwriting a grant is a vulnerability. Exceeding `cap` is a
    /// vulnerability, too, because one account could fill the store. A needless refusal costs a
    /// sign-in. Ending a grant within the cap signs a user out.
    ///
    /// # Errors
    ///
    /// If the backend request failed. The grant may be stored.
    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
        cap: NonZero<usize>,
        now: OffsetDateTime,
    ) -> Result<Insert, StoreError>;

    /// Returns the live grant of this id: not expired at `now` and not revoked. The library calls
    /// this for every request that carries a token.
    ///
    /// # Security
    ///
    /// Returning an expired or revoked grant is a vulnerability. Missing a live grant signs a user
    /// out.
    ///
    /// # Errors
    ///
    /// If the backend request failed.
    async fn find(&self, id: &GrantId, now: OffsetDateTime) -> Result<Option<Grant>, StoreError>;

    /// Revokes one grant. Returns true if the grant was live.
    ///
    /// Once this call has returned, no later [`find`](Self::find) returns the grant, on any node.
    /// If there is no grant of this id, then the id is barred: it cannot be inserted until
    /// `bar_until`. A revoke therefore wins even if it arrives before the insertion of its grant. A
    /// later revoke never shortens a bar.
    ///
    /// # Security
    ///
    /// Leaving the grant live, or inserting a barred id, is a vulnerability. Revoking twice, or revoking
    /// an unknown id, is harmless.
    ///
    /// # Errors
    ///
    /// If the backend request failed. The grant may be revoked.
    async fn revoke(
        &self,
        id: &GrantId,
        now: OffsetDateTime,
        bar_until: OffsetDateTime,
    ) -> Result<bool, StoreError>;

    /// Revokes every grant of a subject except `keep`, makes `fresh` the subject's generation, and
    /// returns the new generation.
    ///
    /// Once this call has returned, no earlier grant except `keep` is live. This includes grants of
    /// sign-ins that were in progress. A sign-in that starts later gets a live token, even at the
    /// same `now`. If the shop has no generation, then `fresh` becomes the shop's generation as
    /// well.
    ///
    /// # Security
    ///
    /// It is a vulnerability to leave an earlier grant live, or to keep a grant of another subject.
    /// Returning a generation that is not stored is a vulnerability, too. Grants under such a
    /// generation would be refused, or would survive the next revoke-all. Losing the kept grant
    /// signs a user out.
    ///
    /// # Errors
    ///
    /// If the backend request failed. Some grants may be revoked.
    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&GrantId>,
        fresh: GenerationId,
        now: OffsetDateTime,
    ) -> Result<Generation, StoreError>;

    /// Makes `fresh` the shop's generation and returns it. This one write revokes every grant of
    /// every subject. The generations of subjects stay.
    ///
    /// # Security
    ///
    /// The rules of [`revoke_all`](Self::revoke_all) hold for every subject at once. If a store
    /// removes the grants and replaces the generation in two steps, then a sign-in can insert a
    /// grant between them.
    ///
    /// # Errors
    ///
    /// If the backend request failed. Everything may be revoked.
    async fn revoke_everything(
        &self,
        fresh: GenerationId,
        now: OffsetDateTime,
    ) -> Result<GenerationId, StoreError>;

    /// Returns at most `limit` live grants of a subject, with their origins. The newest `issued_at`
    /// comes first, and among equal times the largest id.
    ///
    /// # Security
    ///
    /// Omitting a live grant is a vulnerability, because its owner cannot end it. Returning a grant
    /// of another subject is a vulnerability, too. Returning an ended grant misleads its owner.
    ///
    /// # Errors
    ///
    /// If the backend request failed.
    async fn grants(
        &self,
        subject: &Subject,
        limit: usize,
        now: OffsetDateTime,
    ) -> Result<Vec<(Grant, Origin)>, StoreError>;

    /// Removes at most `limit` expired or revoked records, and returns their number. Generations
    /// stay. Bars stay until they end.
    ///
    /// # Security
    ///
    /// Removing a bar before its end is a vulnerability, because the revoked id could be inserted.
    /// Removing a generation is a vulnerability, because a sign-in from before a revoke-all could
    /// be accepted. Removing a live grant signs a user out. Leaving an expired grant costs space.
    ///
    /// # Errors
    ///
    /// If the backend request failed. Some records may be removed.
    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError>;
}
