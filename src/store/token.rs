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
    /// The id is random and not a counter. After a token store was wiped, an old id therefore never
    /// occurs again. A separate [`OtcStore`](super::OtcStore) may still hold credentials with the
    /// old id, and these credentials must not become valid again.
    #[derive(PartialEq)]
    pub struct GenerationId([u8; 16]);
}

impl GenerationId {
    /// Draws a new random id.
    ///
    /// # Errors
    ///
    /// If the random generator cannot supply random bytes.
    pub fn draw(random: &dyn SecureRandom) -> Result<Self, RandomError> {
        draw(random).map(Self)
    }
}

/// The generation under which a subject signs in. It is the pair of the shop's generation and the
/// subject's own generation. A subject is a customer or an admin user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)] // Backends make it from their columns.
pub struct Generation {
    /// The shop's generation. [`TokenStore::revoke_everything`] replaces this id.
    pub shop: GenerationId,
    /// The subject's own generation. [`TokenStore::revoke_all`] for this subject replaces this id.
    /// None until the first such call.
    pub subject: Option<GenerationId>,
}

/// The result of [`TokenStore::insert`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[allow(clippy::exhaustive_enums)] // A flow must handle each.
pub enum Insert {
    /// The grant is stored.
    Stored,
    /// Nothing is stored, because the generation was replaced since the sign-in read it.
    Revoked,
    /// Nothing is stored, because the grant's id was revoked before the grant was inserted.
    Barred,
    /// Nothing is stored, because a grant with this id exists. The existing grant is unchanged.
    Collision,
}

/// Keeps the grants behind bearer tokens.
///
/// A grant is live from its insertion until just before its `expires_at`. It ends earlier in three
/// cases:
///
/// - The grant is revoked.
/// - The shop's generation is replaced.
/// - The subject exceeds the maximum number of live grants (the `cap` of [`insert`](Self::insert)).
///
/// If a store holds no generation of the shop, for example because it was wiped, then no grant is
/// live.
///
/// You cannot shard a token store by subject, because all subjects share the shop's generation.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not keep tokens",
    label = "it must implement `TokenStore`, or be an `Arc` of a type that does",
    note = "write `#[async_trait] impl TokenStore for {Self}`; the attribute is `commerce_auth::async_trait`",
    note = "ready-made stores are `MemoryStore`, `SqliteStore` (feature `sqlite`), `PostgresStore` (feature `postgres`) and `RedisStore` (feature `redis`)"
)]
pub trait TokenStore: Debug + Send + Sync + 'static {
    /// Returns the generation under which the subject signs in. If the store holds no generation of
    /// the shop, stores `fresh` as the shop's generation in the same step.
    ///
    /// Several callers may call this at the same time on an empty store. The store then keeps the
    /// `fresh` of one caller, and all callers get that value. The library draws a new `fresh` for
    /// each call. A sign-in reads the generation before it checks a credential, and later passes
    /// the generation to [`insert`](Self::insert). If the tokens are revoked in between, then
    /// `insert` refuses the grant.
    ///
    /// # Security
    ///
    /// - It is a vulnerability to return a generation that was replaced before the call began, if a
    ///   later `insert` accepts this generation. Revoked sign-ins would then get live tokens.
    /// - It is a vulnerability if the store chooses a generation itself instead of storing `fresh`,
    ///   because the same value may occur again after a wipe.
    /// - If the store replaces an existing generation with `fresh`, or returns a value that it has
    ///   not stored, then users must sign in again.
    ///
    /// # Errors
    ///
    /// If the backend request failed. `fresh` may be stored.
    async fn generation(&self, subject: &Subject, fresh: GenerationId) -> Result<Generation, StoreError>;

    /// Stores a new grant, if the subject's tokens were not revoked since `generation` was read.
    /// Nothing is stored in three cases:
    ///
    /// - The current generation of the subject or of the shop differs from `generation`, or the
    ///   store holds no generation of the shop.
    /// - The grant's id was revoked before.
    /// - A grant with the same id exists.
    ///
    /// A subject has at most `cap` live grants at `now`, including the new one. If there are more,
    /// then the same step ends the excess grants, those with the earliest `issued_at` first. Among
    /// equal times the grant with the smallest id ends first. The new grant stays, even if its
    /// `issued_at` is the earliest. If nothing is stored, then no grant ends.
    ///
    /// # Security
    ///
    /// Three mistakes are vulnerabilities:
    ///
    /// - to store a grant under a replaced generation, because the token would stay live after a
    ///   revoke of all tokens;
    /// - to overwrite a grant;
    /// - to exceed `cap`, because one account could fill the store.
    ///
    /// If the store refuses a valid grant, then the user must sign in again. The same is true for
    /// the user of a grant that ends although the cap is not exceeded.
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

    /// Returns the grant with this id if the grant is live: it has not expired at `now` and was not
    /// revoked. The library calls this for every request that carries a bearer token.
    ///
    /// # Security
    ///
    /// It is a vulnerability to return an expired or revoked grant. If the store does not find a
    /// live grant, then its token is refused, so the user must sign in again.
    ///
    /// # Errors
    ///
    /// If the backend request failed.
    async fn find(&self, id: &GrantId, now: OffsetDateTime) -> Result<Option<Grant>, StoreError>;

    /// Revokes one grant. Returns true if the grant was live.
    ///
    /// Once this call has returned, no later [`find`](Self::find) on any node returns the grant. If
    /// the store has no grant with this id, then it bars the id: until `bar_until`,
    /// [`insert`](Self::insert) refuses a grant with this id. A revoke therefore also works if it
    /// reaches the store before the insertion of the grant. A later revoke never shortens a bar.
    ///
    /// # Security
    ///
    /// It is a vulnerability to leave the grant live, or to insert a grant whose id is barred. To
    /// revoke an id twice, or an unknown id, is harmless.
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

    /// Revokes every grant of a subject except the grant `keep`. Stores `fresh` as the subject's
    /// own generation, and returns the new pair of generations.
    ///
    /// Once this call has returned, no earlier grant of the subject except `keep` is live. Sign-ins
    /// that were in progress can no longer insert their grants. A sign-in that starts later gets a
    /// live token, even at the same `now`. If the store holds no generation of the shop, then
    /// `fresh` becomes the shop's generation as well.
    ///
    /// # Security
    ///
    /// - It is a vulnerability to leave an earlier grant of the subject live, except `keep`.
    /// - It is a vulnerability to treat `keep` as a grant of this subject if it belongs to another
    ///   subject.
    /// - It is a vulnerability to return a generation that is not stored. A grant under that
    ///   generation would be refused, or would stay live after the next revoke of all tokens.
    /// - If the store loses the kept grant, then its user must sign in again.
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

    /// Stores `fresh` as the shop's generation, and returns `fresh`. This one write ends every
    /// grant of every subject, because a grant is live only under the shop's generation at its
    /// insertion. The subjects' own generations stay.
    ///
    /// # Security
    ///
    /// The rules of [`revoke_all`](Self::revoke_all) hold for all subjects at once. Do not remove
    /// the grants in one step and replace the generation in a later step. Between the two steps a
    /// sign-in could insert a grant, which is a vulnerability.
    ///
    /// # Errors
    ///
    /// If the backend request failed. All grants of the shop may be revoked.
    async fn revoke_everything(
        &self,
        fresh: GenerationId,
        now: OffsetDateTime,
    ) -> Result<GenerationId, StoreError>;

    /// Returns at most `limit` live grants of a subject, each with the origin of the sign-in. The
    /// grant with the newest `issued_at` comes first. Among equal times the grant with the largest
    /// id comes first.
    ///
    /// # Security
    ///
    /// It is a vulnerability to omit a live grant, because the user could not see and end this
    /// session. It is a vulnerability, too, to return a grant of another subject. To return an
    /// ended grant only misleads the user.
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

    /// Removes at most `limit` expired or revoked grants and ended bars, and returns how many it
    /// removed. Generations stay. A bar stays until its `bar_until`.
    ///
    /// # Security
    ///
    /// - It is a vulnerability to remove a bar before its `bar_until`, because a grant with the
    ///   revoked id could then be inserted.
    /// - It is a vulnerability to remove a generation, because a sign-in that began before a revoke
    ///   of all tokens could then be accepted.
    /// - If a live grant is removed, then its user must sign in again.
    /// - If an expired grant stays, then it only takes space.
    ///
    /// # Errors
    ///
    /// If the backend request failed. Some records may be removed.
    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError>;
}
