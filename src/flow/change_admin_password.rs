use super::{Bearer, ending::Stop};
use crate::{
    account::{AdminRecord, Username},
    audit::{Action, Draft, Refusal},
    auth::Auth,
    credential::Credential,
    error::{Error, Field, Part},
    notifier::AdminNotice,
    service::attempts::Attempted,
    state::budgets::Outcome,
    token::{AdminIdentity, Subject},
};

impl Auth {
    /// Changes a signed-in admin user's password. The sign-in must be fresh, and with the second factor that there is.
    /// Success ends all the admin user's other tokens; the token presented stays good.
    ///
    /// # Errors
    ///
    /// - As [`verify_admin`](Self::verify_admin); [`Error::InvalidToken`] too if the admin user's tokens were ended by
    ///   somebody else meanwhile. The password does not stand then: the earlier one is back, and all tokens end.
    /// - [`Error::Required`], [`Error::PasswordTooLong`], [`Error::PasswordPolicy`]: nothing was checked.
    /// - [`Error::StepUpRequired`]: the sign-in is older than [`AuthConfig::fresh_for`](crate::AuthConfig::fresh_for).
    /// - [`Error::WrongPassword`], [`Error::Locked`]: as in [`confirm_password`](Self::confirm_password).
    /// - [`Error::Overloaded`]: too many hashes are waiting, or the password was changed by somebody else.
    /// - [`Error::Unavailable`], [`Error::Random`]: the password may be changed, and other tokens may live. Try again with
    ///   either password.
    pub async fn change_admin_password(
        &self,
        bearer: impl Into<Bearer<'_>>,
        current: impl Into<Credential>,
        new: impl Into<Credential>,
    ) -> Result<(), Error> {
        let (bearer, current, new) = (bearer.into(), current.into(), new.into());
        current.check_bounds(Field::CurrentPassword)?;
        self.check_new_password_bounds(&new, Field::NewPassword)?;
        let who = self.verify_admin(bearer.clone()).await?;
        let event = Draft::about(Action::PasswordChange, bearer.origin()).of_admin(who.admin_id());
        let ended = self.change_admins(&who, &current, &new, &event).await;
        self.conclude(&event, ended).await
    }

    async fn change_admins(
        &self,
        who: &AdminIdentity,
        current: &Credential,
        new: &Credential,
        event: &Draft,
    ) -> Result<(), Stop> {
        let admins = self.parts.admins.as_ref().ok_or(Error::NotConfigured(Part::Admins))?;
        let username: Username = who.admin.username.parse().map_err(|_| Error::ForeignRow)?;
        self.config().password_policy.judge_admins(&username, new).map_err(Error::from)?;
        self.require_fresh_sign_in(who).await?;
        let subject = Subject::Admin(who.admin_id().clone());
        let generation = self.generation_behind(&subject, who.grant()).await?;
        let row = self.confirm_admins(who, &username, current, event).await?;
        let pool = self.parts.evaluator.pool();
        let hash = pool.hash(new, self.parts.random.as_ref()).await?;
        self.parts.trail.begin(event).await?;
        if !admins.replace_password_hash(&row.id, row.password_hash.as_ref(), &hash).await? {
            // Made anew by a sign-in, or changed by somebody else: not the one that was checked.
            return Err(Error::Overloaded.into());
        }
        self.notify_admin(&row, AdminNotice::PasswordChanged, &event.origin);
        // A password was checked, so there is one.
        let undo =
            admins.replace_password_hash(&row.id, Some(&hash), row.password_hash.as_ref().unwrap_or(&hash));
        let end = self.end_tokens(&subject, None);
        let stands = self.lets_stand(&subject, generation, undo, end).await?;
        if stands {
            self.end_tokens(&subject, Some(who.grant())).await?;
        }
        self.settle_ledger_by(&row.id, &event.origin).await;
        if stands { Ok(()) } else { Err(Refusal::RevokedMeanwhile.told(Error::InvalidToken)) }
    }

    /// Checks the current password within its budget; answers the row whose hash it was checked against.
    async fn confirm_admins(
        &self,
        who: &AdminIdentity,
        username: &Username,
        password: &Credential,
        event: &Draft,
    ) -> Result<AdminRecord, Stop> {
        let attempted = Attempted::admin_confirmation(username, self.config());
        let charged = self.parts.attempts.reserve(attempted).await?;
        let charged = charged.ok_or(Refusal::BudgetSpent.told(Error::Locked))?;
        // Read again: the wait for a turn may have been long.
        let row = self.active_admin(who.admin_id()).await?;
        let hash = row.password_hash.as_ref();
        let right = self.parts.evaluator.is_password(password, hash, charged.begun()).await;
        let outcome = match &right {
            Ok(true) => Outcome::Succeeded,
            Ok(false) => Outcome::Failed,
            Err(_) => charged.unknown_outcome(),
        };
        let settled = self.settle(charged, outcome, event).await;
        if !right? {
            return Err(Refusal::WrongCredential.told(Error::WrongPassword));
        }
        // The password is right: a charge that could not be settled now is settled later.
        drop(settled);
        Ok(row)
    }
}
