//! The generation of a subject: read before a credential is checked, moved when its tokens end, and read again
//! after a password was written.

use super::ending::Stop;
use crate::{
    audit::Refusal,
    auth::Auth,
    error::{Error, StoreError},
    store::{Generation, GenerationId},
    token::{Digest, Subject},
};

impl Auth {
    /// The subject's generation at this moment.
    pub(super) async fn generation(&self, subject: &Subject) -> Result<Generation, Error> {
        let fresh = self.draw_generation()?;
        Ok(self.parts.tokens.generation(subject, fresh).await?)
    }

    /// The same, of a subject that presented this token, which is looked at once more: a revoke that came between the
    /// first look and this reading would be overlooked.
    pub(super) async fn generation_behind(
        &self,
        subject: &Subject,
        grant: &Digest,
    ) -> Result<Generation, Stop> {
        let generation = self.generation(subject).await?;
        match self.parts.tokens.find(grant, self.parts.clock.now()).await? {
            Some(_) => Ok(generation),
            None => Err(Refusal::RevokedMeanwhile.told(Error::InvalidToken)),
        }
    }

    /// Ends all tokens of a subject but one.
    pub(super) async fn end_tokens(&self, subject: &Subject, keep: Option<&Digest>) -> Result<(), Error> {
        let fresh = self.draw_generation()?;
        self.parts.tokens.revoke_all(subject, keep, fresh, self.parts.clock.now()).await?;
        Ok(())
    }

    /// Returns true if nobody has moved the generation since it was read. Otherwise the password that was written
    /// meanwhile must not stand: `undo` puts the earlier one back, unless the password was changed again, and `end`
    /// ends what was had for the new one.
    pub(super) async fn lets_stand(
        &self,
        subject: &Subject,
        generation: Generation,
        undo: impl Future<Output = Result<bool, StoreError>>,
        end: impl Future<Output = Result<(), Error>>,
    ) -> Result<bool, Error> {
        if self.generation(subject).await? == generation {
            return Ok(true);
        }
        let undone = undo.await;
        // Whether or not it could be undone.
        end.await?;
        undone?;
        Ok(false)
    }

    pub(super) fn draw_generation(&self) -> Result<GenerationId, Error> {
        Ok(GenerationId::draw(self.parts.random.as_ref())?)
    }
}
