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
    /// The id of a generation: 128 random bits. The library draws the id, and a backend stores and
    /// compares it.
    ///
    /// The id is random and not a counter, so an id from before a wipe of the token store does not
    /// occur again. This matters if the host uses an [`OtcStore`](super::OtcStore) that was not
    /// wiped. That store may still hold one-time credentials with the old id, and these credentials
    /// must not become valid again.
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

/// The generation under which a subject signs in. It consists of two ids: the generation of the
/// shop, and the generation of this subject alone. A subject is a customer or an admin user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)] // Backends make it from their columns.
pub struct Generation {
    /// The shop's generation. [`TokenStore::revoke_everything`] replaces this id.
    pub shop: GenerationId,
    /// The generation of this subject alone. [`TokenStore::revoke_all`] for this subject replaces
    /// this id. None until the first call of `revoke_all` for this subject.
    pub subject: Option<GenerationId>,
}

/// The result of [`TokenStore::insert`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[allow(clippy::exhaustive_enums)] // A flow must handle each.
pub enum Insert {
    /// The grant is stored.
    Stored,
    /// Nothing is stored, because the generation of the shop or of the subject was replaced since
    /// the sign-in read it.
    Revoked,
    /// Nothing is stored, because the grant's id was revoked before the grant was inserted.
    Barred,
    /// Nothing is stored, because a grant with this id exists. The existing grant is unchanged.
    Collision,
}

/// Keeps the grants behind bearer tokens.
///
/// A grant is live from its insertion until just before its `expires_at`. It ends before
/// `expires_at` in three cases:
///
/// - The grant is revoked.
/// - The shop's generation is replaced.
/// - The subject exceeds the maximum number of live grants (the `cap` of [`insert`](Self::insert)).
///
/// If a store holds no generation of the shop, for example because the store was wiped, then no
/// grant is live.
///
/// Do not shard a token store by subject: all subjects share the shop's generation, so one atomic
/// step needs both the shop's generation and the subject's grants.
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
    /// the generation to [`insert`](Self::insert). If all tokens of the subject or of the shop are
    /// revoked between these two calls, then `insert` refuses the grant.
    ///
    /// # Security
    ///
    /// - It is a vulnerability to return a generation that was replaced before the call began, if a
    ///   later `insert` accepts this generation. A sign-in that a revoke should have stopped would
    ///   then get a live token.
    /// - It is a vulnerability if the store chooses a generation itself instead of storing `fresh`,
    ///   because the same value may occur again after a wipe.
    /// - If the store replaces an existing generation with `fresh`, then all live grants end. If
    ///   the store returns a generation that it has not stored, then `insert` refuses the grant. In
    ///   each of the two cases users must sign in again, but there is no vulnerability.
    ///
    /// # Errors
    ///
    /// If the backend request failed. The store may have stored `fresh`.
    async fn generation(&self, subject: &Subject, fresh: GenerationId) -> Result<Generation, StoreError>;

    /// Stores a new grant, if nobody has revoked all tokens of the subject or of the shop since the
    /// sign-in read `generation`. The store stores nothing in three cases:
    ///
    /// - The current generation of the subject or of the shop differs from `generation`, or the
    ///   store holds no generation of the shop.
    /// - The grant's id is barred, because it was revoked before (see [`revoke`](Self::revoke)).
    /// - A grant with the same id exists.
    ///
    /// After the insertion, the subject has at most `cap` live grants at `now`, including the new
    /// one. If there would be more, then the insertion also ends the excess grants, in the same
    /// step. It ends the grants with the earliest `issued_at` first. Among grants with equal
    /// `issued_at`, it ends the grant with the smallest id first. The new grant stays, even if its
    /// `issued_at` is the earliest. If the new grant is not stored, then no grant ends.
    ///
    /// # Security
    ///
    /// Three mistakes are vulnerabilities:
    ///
    /// - to store a grant under a replaced generation, because the token would stay live after a
    ///   revoke of all tokens;
    /// - to overwrite an existing grant that has the same id;
    /// - to exceed `cap`, because one account could fill the store.
    ///
    /// Two other mistakes are no vulnerabilities, but a user must sign in again: to refuse a valid
    /// grant, and to end a live grant although the cap is not exceeded.
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
    /// revoked. The library calls this for each request that carries a bearer token of the right
    /// format.
    ///
    /// # Security
    ///
    /// It is a vulnerability to return an expired or revoked grant. It is no vulnerability to miss
    /// a live grant: the library then refuses the token, so the user must sign in again.
    ///
    /// # Errors
    ///
    /// If the backend request failed.
    async fn find(&self, id: &GrantId, now: OffsetDateTime) -> Result<Option<Grant>, StoreError>;

    /// Revokes one grant, and bars its id. Returns true if the grant was live.
    ///
    /// If [`find`](Self::find) starts after this call has returned, then it does not return the
    /// grant, on any node. To bar an id means: until `bar_until`, [`insert`](Self::insert) refuses
    /// a grant with this id, even if the store had no such grant. If `bar_until` is not after
    /// `now`, the id need not be barred. A revoke with a bar therefore also works if it reaches the
    /// store before the insertion of the grant. A second revoke of the same id never
    /// shortens the bar.
    ///
    /// # Security
    ///
    /// It is a vulnerability to leave the grant live, or to insert a grant whose id is barred. It
    /// is not an error to revoke an id twice, or an id that the store does not know.
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

    /// Revokes every grant of a subject except the grant `keep`. Stores `fresh` as the generation
    /// of this subject, and returns it together with the generation of the shop.
    ///
    /// Once this call has returned, no earlier grant of the subject except `keep` is live. A
    /// sign-in that read the earlier generation can no longer insert its grant. A sign-in that
    /// starts after the call gets a live token, even if its `now` is the same. If the store holds
    /// no generation of the shop, then `fresh` becomes the shop's generation as well.
    ///
    /// # Security
    ///
    /// - It is a vulnerability if an earlier grant of the subject, except `keep`, stays live.
    /// - The grant `keep` may belong to another subject. It is a vulnerability to treat it as a
    ///   grant of this subject.
    /// - It is a vulnerability to return a generation that is not stored. The store would refuse a
    ///   grant of that generation, or the grant would stay live after the next revoke of all
    ///   tokens.
    /// - If the store loses the kept grant, then its user must sign in again.
    ///
    /// # Errors
    ///
    /// If the backend request failed. None, some or all of the grants may be revoked.
    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&GrantId>,
        fresh: GenerationId,
        now: OffsetDateTime,
    ) -> Result<Generation, StoreError>;

    /// Stores `fresh` as the shop's generation, and returns `fresh`. A grant is live only while the
    /// shop's generation is the one at the grant's insertion. So this one write ends all grants of
    /// all subjects. The generations of the subjects stay.
    ///
    /// # Security
    ///
    /// The rules of [`revoke_all`](Self::revoke_all) hold for all subjects at once, and there is no
    /// `keep`. Do not remove the grants in one step and replace the generation in a later step.
    /// Otherwise a sign-in could insert a grant between the two steps, and this grant could stay
    /// live.
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
    /// grant with the newest `issued_at` comes first. Among grants with equal `issued_at`, the
    /// grant with the largest id comes first.
    ///
    /// # Security
    ///
    /// It is a vulnerability to omit a live grant although the limit is not reached, because the
    /// user could not see and end this session. It is a vulnerability, too, to return a grant of
    /// another subject. It is no vulnerability to return an ended grant, but it misleads the user.
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

    /// Removes expired or revoked grants, and bars that have ended. Removes at most `limit` of
    /// these records, and returns how many it removed. Generations stay. A bar ends at its
    /// `bar_until`.
    ///
    /// # Security
    ///
    /// - It is a vulnerability to remove a bar before its `bar_until`, because a grant with the
    ///   revoked id could then be inserted.
    /// - It is a vulnerability to remove a generation, because a sign-in that began before a revoke
    ///   of all tokens could then be accepted.
    /// - To remove a live grant is no vulnerability, but its user must sign in again.
    /// - If an expired or revoked grant stays, then it only takes space.
    ///
    /// # Errors
    ///
    /// If the backend request failed. Some records may have been removed.
    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError>;
}
