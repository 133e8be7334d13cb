//! An admin user's second factor once it is there.

use time::OffsetDateTime;

use super::{Bearer, ending::Stop, enrolment::digests};
use crate::{
    account::AdminId,
    audit::{Action, Draft, Refusal},
    auth::Auth,
    credential::{EnrolmentToken, RecoveryCode, TotpSecret},
    error::Error,
    notifier::AdminNotice,
    state::factor::Factor,
    token::{AdminIdentity, Origin, Subject},
};

/// The number of second factors that are read at once to be resealed.
const PAGE: usize = 100;

/// An admin user's second factor, as the admin user may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdminFactor {
    /// When the authenticator was activated.
    pub activated_at: OffsetDateTime,
    /// So many recovery codes are left.
    pub recovery_codes_left: usize,
}

impl Auth {
    /// The second factor of the signed-in admin user, if there is one.
    ///
    /// # Errors
    ///
    /// As [`verify_admin`](Self::verify_admin).
    pub async fn admin_factor(&self, bearer: impl Into<Bearer<'_>>) -> Result<Option<AdminFactor>, Error> {
        let who = self.verify_admin(bearer).await?;
        let factor = self.parts.factors.factor(who.admin_id()).await?;
        Ok(factor.map(|factor| AdminFactor {
            activated_at: factor.activated_at,
            recovery_codes_left: factor.recovery_codes.len(),
        }))
    }

    /// Makes the signed-in admin user's recovery codes anew, as a set: all earlier ones are no good any more. They are shown
    /// now or never.
    ///
    /// # Errors
    ///
    /// - As [`verify_admin`](Self::verify_admin).
    /// - [`Error::StepUpRequired`]: the sign-in is older than [`AuthConfig::fresh_for`](crate::AuthConfig::fresh_for).
    /// - [`Error::NotEnrolled`]: there is no second factor.
    /// - [`Error::Unavailable`], [`Error::Random`]: the codes may be replaced; call it again.
    pub async fn replace_recovery_codes(
        &self,
        bearer: impl Into<Bearer<'_>>,
    ) -> Result<Vec<RecoveryCode>, Error> {
        let bearer = bearer.into();
        let who = self.verify_admin(bearer.clone()).await?;
        let event = Draft::about(Action::RecoveryCodes, bearer.origin()).of_admin(who.admin_id());
        let ended = self.replace_codes(&who, &event).await;
        self.conclude(&event, ended).await
    }

    async fn replace_codes(&self, who: &AdminIdentity, event: &Draft) -> Result<Vec<RecoveryCode>, Stop> {
        let factor = self.require_fresh_sign_in(who).await?;
        let factor = factor.ok_or(Refusal::NotEnrolled.told(Error::NotEnrolled))?;
        let codes = self.draw_recovery_codes()?;
        self.parts.trail.begin(event).await?;
        let id = who.admin_id();
        if !self.parts.factors.replace_recovery_codes(id, &factor.name, &digests(&codes)).await? {
            return Err(Refusal::RevokedMeanwhile.told(Error::NotEnrolled));
        }
        self.notify_admin(&who.admin, AdminNotice::RecoveryCodesReplaced, &event.origin);
        Ok(codes)
    }

    /// Gives an admin user without a second factor the authenticator that the admin user has already: for a team that
    /// brings its admin users along. There are no recovery codes; they are made with
    /// [`replace_recovery_codes`](Self::replace_recovery_codes). All of the admin user's tokens end.
    ///
    /// # Errors
    ///
    /// - [`Error::AlreadyEnrolled`]: nothing is changed.
    /// - [`Error::InvalidToken`]: there is no active admin user of this id.
    /// - [`Error::NotConfigured`]: there is no keyring, or no admin user table.
    /// - [`Error::Unavailable`], [`Error::Random`]: it may be done; call it again. [`Error::AlreadyEnrolled`] says then that
    ///   it was.
    pub async fn import_admin_factor(&self, admin: &AdminId, secret: &TotpSecret) -> Result<(), Error> {
        let event = Draft::about(Action::FactorActivation, &Origin::default()).of_admin(admin);
        let ended = self.import_factor(admin, secret, &event).await;
        self.conclude(&event, ended).await
    }

    async fn import_factor(&self, admin: &AdminId, secret: &TotpSecret, event: &Draft) -> Result<(), Stop> {
        let admin = self.active_admin(admin).await?;
        let taken = || Refusal::AlreadyEnrolled.told(Error::AlreadyEnrolled);
        if self.parts.factors.factor(&admin.id).await?.is_some() {
            return Err(taken());
        }
        let name = EnrolmentToken::generate(self.parts.random.as_ref())?.digest();
        let secret = self.seal_secret(&admin.id, &name, secret)?;
        let factor = Factor {
            admin: admin.id.clone(),
            name,
            secret,
            activated_at: self.parts.clock.now().truncate_to_microsecond(),
            // No step of it was used here.
            last_step: 0,
            recovery_codes: Vec::new(),
        };
        self.parts.trail.begin(event).await?;
        // Before, so that a store that cannot end tokens stops it early; and after, for those that came in between.
        self.end_admin_tokens(&admin.id, event).await?;
        if !self.parts.factors.import(&factor).await? {
            return Err(taken());
        }
        self.notify_admin(&admin, AdminNotice::FactorActivated, &event.origin);
        self.end_admin_tokens(&admin.id, event).await
    }

    /// Removes an admin user's second factor, recovery codes and enrolment, and ends all tokens: for a lost authenticator,
    /// once the host has made sure who asks, as well as when it was enrolled (ASVS v5.0.0-6.4.4). The budget of wrong codes
    /// is opened again. Answers whether there was a second factor.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: it may be done; call it again.
    pub async fn remove_admin_factor(&self, admin: &AdminId) -> Result<bool, Error> {
        let event = Draft::about(Action::FactorRemoval, &Origin::default()).of_admin(admin);
        let ended = self.remove_factor(admin, &event).await;
        self.conclude(&event, ended).await
    }

    async fn remove_factor(&self, admin: &AdminId, event: &Draft) -> Result<bool, Stop> {
        self.parts.trail.begin(event).await?;
        let removed = self.parts.factors.remove(admin).await?;
        // Whatever the account's standing.
        if removed
            && let Some(admins) = &self.parts.admins
            && let Some(row) = admins.find_by_id(admin).await?.filter(|row| row.id == *admin)
        {
            self.notify_admin(&row, AdminNotice::FactorRemoved, &event.origin);
        }
        self.clear_code_budgets(admin).await?;
        self.end_admin_tokens(admin, event).await?;
        Ok(removed)
    }

    async fn end_admin_tokens(&self, admin: &AdminId, event: &Draft) -> Result<(), Stop> {
        let subject = Subject::Admin(admin.clone());
        self.end_tokens(&subject, None).await?;
        self.settle_ledger_by(admin, &event.origin).await;
        Ok(())
    }

    /// Seals at most `limit` second factors with the keyring's current key that another key has sealed, and returns
    /// their number. Call it after a rotation until it returns 0, before the old key is
    /// [retired](crate::Keyring::retire). A sign-in seals its own factor.
    ///
    /// # Errors
    ///
    /// - [`Error::NotConfigured`]: there is no keyring.
    /// - [`Error::Unavailable`]: some could not be done, and the others are. A secret that no accepted key opens is among the
    ///   reasons; retire nothing then.
    pub async fn reseal_factors(&self, limit: usize) -> Result<usize, Error> {
        let current = self.keyring()?.current();
        let (mut done, mut failed, mut after) = (0, None, None);
        while done < limit {
            let asked = PAGE.min(limit - done);
            let page = self.parts.factors.sealed_by_others(current, after.as_ref(), asked).await?;
            for (_, factor) in &page {
                match self.reseal(&factor.admin, factor).await {
                    // Where it was not, somebody else has done it.
                    Ok(resealed) => done += usize::from(resealed),
                    // One secret that does not open is no reason to leave the others.
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
            let is_last = page.len() < asked;
            after = page.into_iter().last().map(|(position, _)| position);
            if is_last {
                break;
            }
        }
        failed.map_or(Ok(done), Err)
    }
}
