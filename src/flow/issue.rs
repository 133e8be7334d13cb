//! Drawing a token and storing the grant behind it; storing a one-time credential.

use std::time::Duration;

use time::OffsetDateTime;

use super::ending::Stop;
use crate::{
    audit::Refusal,
    auth::Auth,
    clock::after,
    error::Error,
    random::RandomError,
    store::{Generation, Insert, OneTimeCredential},
    token::{BearerToken, Digest, Grant, Origin},
};

/// A token that is drawn and not yet stored.
pub(super) struct Drawn {
    pub(super) token: BearerToken,
    pub(super) digest: Digest,
}

impl Auth {
    pub(super) fn draw_token(&self) -> Result<Drawn, Error> {
        let token = self.parts.format.mint(self.parts.random.as_ref())?;
        let digest = Digest::of(token.expose().as_bytes());
        Ok(Drawn { token, digest })
    }

    /// From now, for so long, but not beyond `until`. In microseconds, the finest grain that every store keeps: what is
    /// answered is what is stored.
    pub(super) fn lifespan(
        &self,
        lifetime: Duration,
        until: Option<OffsetDateTime>,
    ) -> (OffsetDateTime, OffsetDateTime) {
        let now = self.parts.clock.now().truncate_to_microsecond();
        let end = after(now, lifetime);
        (now, until.map_or(end, |until| until.min(end)))
    }

    /// Stores a one-time credential. Its generation was read before the row that it is made for: a change of
    /// the row since then moves the generation, and the credential is good for nothing.
    pub(super) async fn put_credential(&self, record: &OneTimeCredential) -> Result<(), Stop> {
        // If it is there, of 2^128 secrets one was drawn twice: the source of randomness repeats itself.
        if self.parts.codes.put(record).await? { Ok(()) } else { Err(RandomError.into()) }
    }

    /// Stores the grant behind a token, unless its subject's tokens were revoked since `generation` was read. Beyond the
    /// cap it takes the place of the subject's oldest one.
    pub(super) async fn store_grant(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
    ) -> Result<(), Stop> {
        let cap = self.config().tokens_per_subject;
        match self.parts.tokens.insert(grant, origin, generation, cap, grant.issued_at).await? {
            // A code that was presented again before its token was stored: the token is issued, and has ended.
            Insert::Stored | Insert::Barred => Ok(()),
            Insert::Revoked => Err(Refusal::RevokedMeanwhile.told(Error::SignInRefused)),
            // Of 2^129 tokens this one was drawn before: the source of randomness repeats itself.
            Insert::Collision => Err(RandomError.into()),
        }
    }
}
