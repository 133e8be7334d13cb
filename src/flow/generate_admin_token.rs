use time::OffsetDateTime;

use futures_lite::future;

use super::{ending::Stop, second_factor::RightCode};
use crate::{
    account::{AccountStatus, AdminId, AdminRecord, Username},
    audit::{Action, Draft, Refusal},
    auth::Auth,
    credential::Credential,
    error::{Error, Field, Part},
    service::attempts::{Attempted, Charged, Opened, admin_partition},
    state::budgets::Outcome,
    store::Generation,
    token::{BearerToken, Grant, Obtained, Origin, Subject},
};

/// An admin user's sign-in, as a client sent it.
#[derive(Clone, Debug)]
#[must_use]
pub struct AdminSignIn {
    username: String,
    password: Credential,
    otp: Option<Credential>,
    origin: Origin,
}

impl AdminSignIn {
    /// A sign-in with the `username` and `password` arguments, as they came: neither is trimmed.
    pub fn new(username: impl Into<String>, password: impl Into<Credential>) -> Self {
        let (username, password) = (username.into(), password.into());
        Self { username, password, otp: None, origin: Origin::default() }
    }

    /// The second factor, the `otp` argument: the authenticator's code, or a recovery code. White
    /// space, hyphens and invisible characters in it do not count, and digits may be those of
    /// another script.
    pub fn otp(self, code: impl Into<Credential>) -> Self {
        Self { otp: Some(code.into()), ..self }
    }

    /// Where the request came from; as [`SignIn::from`](crate::SignIn::from).
    pub fn from(self, origin: impl Into<Origin>) -> Self {
        Self { origin: origin.into(), ..self }
    }
}

/// An admin user's token that was issued.
#[derive(Clone, Debug)]
pub struct AdminSignedIn {
    token: BearerToken,
    admin: AdminId,
    obtained: Obtained,
    expires_at: OffsetDateTime,
}

impl AdminSignedIn {
    /// The new bearer token, for the client alone.
    #[must_use]
    pub const fn token(&self) -> &BearerToken {
        &self.token
    }

    /// The admin user it speaks for.
    #[must_use]
    pub const fn admin_id(&self) -> &AdminId {
        &self.admin
    }

    /// Which credentials the sign-in matched.
    #[must_use]
    pub const fn obtained(&self) -> Obtained {
        self.obtained
    }

    /// When the token ends: at this instant it is expired.
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }
}

impl Auth {
    /// Signs an admin user in by user name, password and second factor: Commerce's
    /// `POST /V1/tfa/provider/google/authenticate`, and, without a second factor, `POST /V1/integration/admin/token`.
    ///
    /// The code is looked at once the password is right, within a budget of its own; each works once. Without it there is no
    /// token of any kind. An admin user who must have a second factor and has none is mailed an enrolment token
    /// ([`AdminNotice::EnrolmentRequested`](crate::AdminNotice::EnrolmentRequested)) if no code was presented.
    ///
    /// Budgets are charged first, as for customers, in counters of their own. Within budget every refusal is the same
    /// work and the same answer, whether the name is unknown, the account is disabled or has no password, or the password
    /// is wrong. Nothing is issued unless the audit sink has kept the record of it.
    ///
    /// # Errors
    ///
    /// - [`Error::Required`], [`Error::InvalidUsername`], [`Error::PasswordTooLong`]: nothing was looked up.
    /// - [`Error::SignInRefused`]: no such admin user, wrong password, disabled, spent budget, or a revoke-all during the
    ///   sign-in. Not told apart.
    /// - [`Error::SecondFactorRequired`], [`Error::InvalidCode`]: the password is right; the code is missing, wrong or used
    ///   before. Once the budget of codes is spent: [`Error::SignInRefused`].
    /// - [`Error::EnrolmentRequired`], [`Error::EnrolmentNotSent`], [`Error::NotEnrolled`]: the password is right, and there
    ///   is no second factor. [`Error::TooManyRequests`] once too many mails were sent.
    /// - [`Error::Overloaded`]: too many hashes are waiting.
    /// - [`Error::NotConfigured`]: there is no admin user table, or no keyring.
    /// - [`Error::Unavailable`], [`Error::Random`]: no token was issued.
    pub async fn generate_admin_token(&self, sign_in: AdminSignIn) -> Result<AdminSignedIn, Error> {
        if sign_in.username.is_empty() {
            return Err(Error::Required(Field::Username));
        }
        sign_in.password.check_bounds(Field::Password)?;
        if let Some(code) = &sign_in.otp {
            code.check_bounds(Field::Otp)?;
        }
        let username: Username = sign_in.username.parse().map_err(|_| Error::InvalidUsername)?;
        if self.parts.admins.is_none() {
            return Err(Error::NotConfigured(Part::Admins));
        }
        let mut event = Draft::about(Action::AdminSignIn, &sign_in.origin)
            .at_account(admin_partition(&username).digest());
        let attempted = Attempted::admin_sign_in(&username, sign_in.origin.source, self.config());
        let ended = match self.parts.attempts.open(attempted).await {
            Ok(Some(opened)) => self.admin_sign_in_within(&sign_in, &username, opened, &mut event).await,
            Ok(None) => Err(Refusal::BudgetSpent.told(Error::SignInRefused)),
            Err(error) => Err(error.into()),
        };
        self.conclude(&event, ended).await
    }

    async fn admin_sign_in_within(
        &self,
        sign_in: &AdminSignIn,
        username: &Username,
        opened: Opened<'_>,
        event: &mut Draft,
    ) -> Result<AdminSignedIn, Stop> {
        let (charged, sought) = future::zip(opened.reserve(), self.seek_admin(username)).await;
        let charged = charged?.ok_or(Refusal::BudgetSpent.told(Error::SignInRefused))?;
        // A wait for room may have been long.
        let sought = if charged.waited() { self.seek_admin(username).await } else { sought };
        let admitted = self.admit_admin(sign_in, username, sought?, &charged, event).await;
        let outcome = match &admitted {
            Ok(_) => Outcome::Succeeded,
            Err(Stop { told: Error::SignInRefused, .. }) => Outcome::Failed,
            Err(_) => charged.unknown_outcome(),
        };
        // Whatever becomes of the second factor: it has a budget of its own, which this does not clear.
        let settled = self.settle(charged, outcome, event).await;
        let (row, outdated, generation) = admitted?;
        // The password is right: a charge that could not be settled now is settled later.
        drop(settled);

        let right = self.second_factor_of(sign_in, &row, generation, event).await?;
        let signed_in = self.issue_admin_token(&row, right, None, generation, event).await?;
        if outdated {
            self.rehash_admin(&sign_in.password, &row).await;
        }
        Ok(signed_in)
    }

    /// Judges what stands beside the right password; none where nothing must.
    async fn second_factor_of(
        &self,
        sign_in: &AdminSignIn,
        row: &AdminRecord,
        generation: Generation,
        event: &Draft,
    ) -> Result<Option<RightCode<'_>>, Stop> {
        if let Some(code) = &sign_in.otp {
            return self.judge_code(&row.id, code, event).await.map(Some);
        }
        if self.parts.factors.factor(&row.id).await?.is_some() {
            return Err(Refusal::NoSecondFactor.told(Error::SecondFactorRequired));
        }
        if self.must_have_factor(row) {
            self.mail_enrolment(row, generation, event).await?;
            return Err(Refusal::NotEnrolled.told(Error::EnrolmentRequired));
        }
        Ok(None)
    }

    /// Issues an admin user's token once the right code, if there must be one, is spent. The one place where such a token
    /// is made.
    pub(super) async fn issue_admin_token(
        &self,
        row: &AdminRecord,
        right: Option<RightCode<'_>>,
        until: Option<OffsetDateTime>,
        generation: Generation,
        event: &mut Draft,
    ) -> Result<AdminSignedIn, Stop> {
        let drawn = self.draw_token()?;
        let (now, end) = self.lifespan(self.config().admin_token_lifetime, until);
        let obtained = right.as_ref().map_or(Obtained::Password, RightCode::obtained);
        let grant = Grant::admin(drawn.digest, row.id.clone(), obtained, now, end);
        event.about_grant(&grant);
        let begun = self.parts.trail.begin(event).await;
        match (right, begun) {
            (Some(right), Ok(())) => self.spend_code(row, right, event).await?,
            (Some(right), Err(error)) => {
                right.withdraw().await;
                return Err(error.into());
            }
            (None, begun) => begun?,
        }
        self.store_grant(&grant, &event.origin, generation).await?;
        Ok(AdminSignedIn { token: drawn.token, admin: row.id.clone(), obtained, expires_at: end })
    }

    /// The admin user of a name, and the generation of theirs, or of the decoy that stands in for none.
    async fn seek_admin(&self, username: &Username) -> Result<(Option<AdminRecord>, Generation), Stop> {
        let admins = self.parts.admins.as_ref().ok_or(Error::NotConfigured(Part::Admins))?;
        let row = admins.find_by_username(username).await?.filter(|row| row.is_of(username));
        let decoy = self.parts.decoys.admin(username);
        let id = row.as_ref().map_or(&decoy, |row| &row.id);
        let generation = self.generation(&Subject::Admin(id.clone())).await?;
        Ok((row, generation))
    }

    /// Judges the password and the account behind it: the account, whether its hash is outdated, and the generation that
    /// was read before. The same verbs in the same order for every refusal.
    async fn admit_admin(
        &self,
        sign_in: &AdminSignIn,
        username: &Username,
        (row, generation): (Option<AdminRecord>, Generation),
        charged: &Charged<'_>,
        event: &mut Draft,
    ) -> Result<(AdminRecord, bool, Generation), Stop> {
        event.subject = row.as_ref().map(|row| Subject::Admin(row.id.clone()));
        let enabled = row.as_ref().filter(|row| row.status == AccountStatus::Active);
        let hash = enabled.and_then(|row| row.password_hash.as_ref());
        let verified = self.parts.evaluator.pool().verify(&sign_in.password, hash, charged.begun()).await?;
        let Some(seen) = row else { return Err(Refusal::UnknownAccount.told(Error::SignInRefused)) };
        if seen.status != AccountStatus::Active {
            return Err(Refusal::AdminDisabled.told(Error::SignInRefused));
        }
        let Some(mut outdated) = verified.outdated() else {
            return Err(Refusal::WrongCredential.told(Error::SignInRefused));
        };
        // Read again, as in a customer's sign-in.
        let row = self.active_admin(&seen.id).await.map_err(|stop| stop.refused_as(Error::SignInRefused))?;
        if !row.is_of(username) {
            return Err(Refusal::UnknownAccount.told(Error::SignInRefused));
        }
        if !row.has_hash_of(&seen) {
            let hash = row.password_hash.as_ref();
            let verified =
                self.parts.evaluator.pool().verify(&sign_in.password, hash, charged.begun()).await?;
            outdated = verified.outdated().ok_or(Refusal::WrongCredential.told(Error::SignInRefused))?;
        }
        Ok((row, outdated, generation))
    }

    /// Makes an outdated hash anew. If it cannot be done now, the next sign-in does it.
    async fn rehash_admin(&self, password: &Credential, row: &AdminRecord) {
        let Some(admins) = &self.parts.admins else { return };
        if let Ok(new) = self.parts.evaluator.pool().hash(password, self.parts.random.as_ref()).await {
            let _ = admins.replace_password_hash(&row.id, row.password_hash.as_ref(), &new).await;
        }
    }
}
