//! Bearer tokens: how they are drawn, stored under a generation, verified and revoked.

use std::{num::NonZero, sync::Arc, time::Duration};

use time::OffsetDateTime;

use super::stop::Stop;
use crate::{
    audit::Refusal,
    clock::{Clock, after},
    error::{Error, InternalError, SignInError, StoreError, TokenError},
    random::{RandomError, SecureRandom},
    store::{Generation, GenerationId, Insert, TokenStore},
    token::{BearerToken, Grant, GrantId, Origin, Subject, TokenFormat},
};

#[derive(Debug)]
pub(crate) struct Tokens {
    store: Arc<dyn TokenStore>,
    format: TokenFormat,
    /// Maximum number of live tokens of a subject.
    cap: NonZero<usize>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn SecureRandom>,
}

/// A new token that is not stored yet.
pub(crate) struct Drawn {
    pub(crate) token: BearerToken,
    pub(crate) id: GrantId,
}

impl Tokens {
    pub(crate) fn new(
        store: Arc<dyn TokenStore>,
        format: TokenFormat,
        cap: NonZero<usize>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn SecureRandom>,
    ) -> Self {
        Self { store, format, cap, clock, random }
    }

    pub(crate) fn draw(&self) -> Result<Drawn, RandomError> {
        let token = self.format.mint(self.random.as_ref())?;
        let id = GrantId::of(token.expose().as_bytes());
        Ok(Drawn { token, id })
    }

    /// Returns the present time and the expiry of a token with this lifetime. The expiry is at most
    /// `until`. The present time is truncated to whole microseconds. A store keeps whole
    /// microseconds, so the returned times equal the stored times.
    pub(crate) fn lifespan(
        &self,
        lifetime: Duration,
        until: Option<OffsetDateTime>,
    ) -> (OffsetDateTime, OffsetDateTime) {
        let now = self.clock.now().truncate_to_microsecond();
        let end = after(now, lifetime);
        (now, until.map_or(end, |until| until.min(end)))
    }

    /// True if a grant that expires at this time has expired.
    pub(crate) fn is_past(&self, expires_at: OffsetDateTime) -> bool {
        self.clock.now() >= expires_at
    }

    /// Returns the live grant of a presented token.
    pub(crate) async fn present(&self, token: &str) -> Result<Grant, Error> {
        let id = self.id_of(token)?;
        self.find(&id).await?.ok_or(Error::Token(TokenError::Invalid))
    }

    /// Returns the id of a presented token's grant.
    pub(crate) fn id_of(&self, token: &str) -> Result<GrantId, TokenError> {
        self.format.grant_id(token).ok_or(TokenError::Invalid)
    }

    /// Returns the live grant of this id.
    pub(crate) fn find<'a>(
        &'a self,
        grant: &'a GrantId,
    ) -> impl Future<Output = Result<Option<Grant>, StoreError>> + 'a {
        self.store.find(grant, self.clock.coarse_now())
    }

    /// Returns the live grants of a subject, the newest first, with the origins of their sign-ins.
    pub(crate) async fn of(&self, subject: &Subject) -> Result<Vec<(Grant, Origin)>, StoreError> {
        self.store.grants(subject, self.cap.get(), self.clock.now()).await
    }

    /// Returns the present generation of a subject, a customer or an admin user.
    pub(crate) async fn generation(&self, subject: &Subject) -> Result<Generation, Error> {
        let fresh = self.draw_generation()?;
        Ok(self.store.generation(subject, fresh).await?)
    }

    /// Returns the generation of a subject that presented the token of `grant`. The caller has
    /// already verified the token, but another request has possibly revoked it before the
    /// generation was read. So this function looks the grant up once more, after it has read the
    /// generation.
    pub(crate) async fn generation_behind(
        &self,
        subject: &Subject,
        grant: &GrantId,
    ) -> Result<Generation, Stop> {
        let generation = self.generation(subject).await?;
        match self.find(grant).await? {
            Some(_) => Ok(generation),
            None => Err(Refusal::RevokedMeanwhile.told(TokenError::Invalid)),
        }
    }

    /// Stores the grant of a token. Refuses the grant if all tokens of the subject or of the shop
    /// were revoked since `generation` was read. If the subject then has more live grants than the
    /// maximum number, the oldest grant ends.
    pub(crate) async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
    ) -> Result<(), Stop> {
        match self.store.insert(grant, origin, generation, self.cap, grant.issued_at()).await? {
            // `Barred` means that this token was ended before its grant was stored, for example
            // because of a replay of the one-time credential. The caller still gets the token, but
            // the token is not valid.
            Insert::Stored | Insert::Barred => Ok(()),
            Insert::Revoked => Err(Refusal::RevokedMeanwhile.told(SignInError::Refused)),
            // The random source has returned the same 129 bits twice, so it cannot be trusted.
            Insert::Collision => Err(Error::from(InternalError::RepeatedSecret).into()),
        }
    }

    /// Revokes one token. Returns false if the token was not live.
    pub(crate) async fn revoke(&self, grant: &GrantId) -> Result<bool, StoreError> {
        let now = self.clock.now();
        self.store.revoke(grant, now, now).await
    }

    /// Revokes one token. Until the time `until`, the store also refuses to store a grant with this
    /// id. So a sign-in that is still running cannot store the grant later.
    pub(crate) async fn bar(&self, grant: &GrantId, until: OffsetDateTime) -> Result<bool, StoreError> {
        self.store.revoke(grant, self.clock.now(), until).await
    }

    /// Revokes one token, and [bars](Self::bar) the id of its grant for the time `lifetime` from
    /// now.
    pub(crate) async fn bar_for(&self, grant: &GrantId, lifetime: Duration) -> Result<bool, StoreError> {
        self.bar(grant, after(self.clock.now(), lifetime)).await
    }

    /// Revokes all tokens of a subject except `keep`.
    pub(crate) async fn revoke_all(&self, subject: &Subject, keep: Option<&GrantId>) -> Result<(), Error> {
        let fresh = self.draw_generation()?;
        self.store.revoke_all(subject, keep, fresh, self.clock.now()).await?;
        Ok(())
    }

    /// Revokes every token of the shop.
    pub(crate) async fn revoke_everything(&self) -> Result<(), Error> {
        let fresh = self.draw_generation()?;
        self.store.revoke_everything(fresh, self.clock.now()).await?;
        Ok(())
    }

    /// Removes at most `limit` expired or revoked grants, and returns their number.
    pub(crate) async fn purge(&self, limit: usize) -> Result<usize, StoreError> {
        self.store.purge_tokens(self.clock.now(), limit).await
    }

    fn draw_generation(&self) -> Result<GenerationId, RandomError> {
        GenerationId::draw(self.random.as_ref())
    }
}
