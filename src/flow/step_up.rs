use time::OffsetDateTime;

use super::{AdminSignedIn, Bearer, ending::Stop};
use crate::{
    audit::{Action, Draft, Refusal},
    auth::Auth,
    clock::after,
    credential::Credential,
    error::{Error, Field},
    state::factor::Factor,
    token::{AdminIdentity, Digest, Grant, Obtained, Subject},
};

impl Auth {
    /// Gives a signed-in admin user a fresh token for a code of the second factor, where
    /// [`Error::StepUpRequired`] said that the sign-in is too old. It ends when the token presented would have, which ends
    /// now, and with it the assistance given through it (ASVS v5.0.0-7.2.4).
    ///
    /// # Errors
    ///
    /// - As [`verify_admin`](Self::verify_admin).
    /// - [`Error::Required`], [`Error::PasswordTooLong`]: nothing was looked up.
    /// - [`Error::NotEnrolled`]: there is no second factor.
    /// - [`Error::InvalidCode`]: wrong, or used before.
    /// - [`Error::SignInRefused`]: too many wrong codes, or a revoke-all meanwhile.
    /// - [`Error::InvalidToken`]: the token presented ended meanwhile; the code is spent.
    /// - [`Error::Unavailable`], [`Error::Random`]: the code may be spent.
    pub async fn step_up(
        &self,
        bearer: impl Into<Bearer<'_>>,
        code: impl Into<Credential>,
    ) -> Result<AdminSignedIn, Error> {
        let (bearer, code) = (bearer.into(), code.into());
        code.check_bounds(Field::Otp)?;
        let who = self.verify_admin(bearer.clone()).await?;
        let mut event = Draft::about(Action::StepUp, bearer.origin()).of_admin(who.admin_id());
        let ended = self.freshen(&who, &code, &mut event).await;
        self.conclude(&event, ended).await
    }

    async fn freshen(
        &self,
        who: &AdminIdentity,
        code: &Credential,
        event: &mut Draft,
    ) -> Result<AdminSignedIn, Stop> {
        let id = who.admin_id();
        let generation = self.generation(&Subject::Admin(id.clone())).await?;
        let right = self.judge_code(id, code, event).await?;
        let signed_in = self
            .issue_admin_token(&who.admin, Some(right), Some(who.expires_at()), generation, event)
            .await?;
        if !self.revoke(who.grant()).await? {
            // It was ended meanwhile, or stepped up by somebody else: what it was exchanged for must not live on.
            self.revoke(&Digest::of(signed_in.token().expose().as_bytes())).await?;
            return Err(Refusal::RevokedMeanwhile.told(Error::InvalidToken));
        }
        self.settle_ledger_by(id, &event.origin).await;
        Ok(signed_in)
    }

    /// Refuses assistance to an admin user whose second factor is not fresh, where the shop demands it.
    pub(super) fn require_fresh_factor(&self, own: &Grant) -> Result<(), Stop> {
        if !self.config().assistance_step_up {
            return Ok(());
        }
        self.require_fresh(own.issued_at, own.obtained, true)
    }

    /// Refuses a change of an admin user's own credentials to a sign-in that is not fresh, or was without the second
    /// factor that there is. Answers that one.
    pub(super) async fn require_fresh_sign_in(&self, who: &AdminIdentity) -> Result<Option<Factor>, Stop> {
        let factor = self.parts.factors.factor(who.admin_id()).await?;
        self.require_fresh(who.auth_time(), who.obtained, factor.is_some())?;
        Ok(factor)
    }

    fn require_fresh(
        &self,
        signed_in_at: OffsetDateTime,
        obtained: Obtained,
        with_factor: bool,
    ) -> Result<(), Stop> {
        let limit = self.config().fresh_for;
        if with_factor && !obtained.has_second_factor()
            || self.parts.clock.now() >= after(signed_in_at, limit)
        {
            return Err(Refusal::NotFresh.told(Error::StepUpRequired(limit)));
        }
        Ok(())
    }
}
