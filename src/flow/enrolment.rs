//! How an admin user comes to an authenticator: an enrolment token, the secret for it, the first right code.

use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;

use super::{Bearer, ending::Stop};
use crate::{
    account::{AdminId, AdminRecord},
    audit::{Action, Draft, Outcome as Told, Refusal},
    auth::Auth,
    credential::{Credential, EnrolmentToken, RecoveryCode, TotpSecret, TypedCode},
    error::{Error, Field},
    notifier::AdminNotice,
    service::attempts::Attempted,
    state::{budgets::Outcome, factor::Enrolment},
    store::Generation,
    token::{AdminIdentity, Digest, Origin, Subject},
};

/// An enrolment that was begun.
#[derive(Clone, Debug)]
pub struct BegunEnrolment {
    token: EnrolmentToken,
    expires_at: OffsetDateTime,
}

impl BegunEnrolment {
    /// What the authenticator is set up and activated with.
    #[must_use]
    pub const fn token(&self) -> &EnrolmentToken {
        &self.token
    }

    /// When it ends: at this instant it is expired.
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }
}

/// What an authenticator app is set up with. Its `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct FactorSetup {
    secret: TotpSecret,
    uri: SecretString,
    expires_at: OffsetDateTime,
}

impl FactorSetup {
    /// The secret, for an authenticator that is typed into.
    #[must_use]
    pub const fn secret(&self) -> &TotpSecret {
        &self.secret
    }

    /// The `otpauth` URI, for a link or a QR code.
    ///
    /// # Security
    ///
    /// It holds the secret. It belongs on one page, and in no log.
    #[must_use]
    pub fn uri(&self) -> &str {
        self.uri.expose_secret()
    }

    /// The `otpauth` URI as a QR code, an SVG picture of black and white squares. None if the shop's and the admin user's
    /// name together do not fit into one.
    ///
    /// # Security
    ///
    /// As [`uri`](Self::uri).
    #[cfg(feature = "qr")]
    #[must_use]
    pub fn qr_svg(&self) -> Option<SecretString> {
        crate::credential::qr_svg(&self.uri)
    }

    /// The same as a PNG picture in base64, as Commerce answers it.
    ///
    /// # Security
    ///
    /// As [`uri`](Self::uri).
    #[cfg(feature = "qr")]
    #[must_use]
    pub fn qr_png_base64(&self) -> Option<SecretString> {
        crate::credential::qr_png_base64(&self.uri)
    }

    /// Until when its first code is awaited.
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }
}

/// So many recovery codes an admin user is given, as a set.
const RECOVERY_CODES: usize = 10;

impl Auth {
    /// Begins the enrolment of an authenticator for a signed-in admin user, instead of the one there is, if any. Nothing
    /// changes until its first right code: [`activate_admin_factor`](Self::activate_admin_factor).
    ///
    /// The enrolment ends with the token presented, whatever ends that token, and as soon as the admin user's other
    /// tokens are ended: by a change of the password, [`admin_changed`](Self::admin_changed), or
    /// [`revoke_everything`](Self::revoke_everything).
    ///
    /// An admin user without an authenticator who must have one cannot sign in: the token is mailed then, see
    /// [`generate_admin_token`](Self::generate_admin_token).
    ///
    /// # Errors
    ///
    /// - As [`verify_admin`](Self::verify_admin).
    /// - [`Error::StepUpRequired`]: the sign-in is older than [`AuthConfig::fresh_for`](crate::AuthConfig::fresh_for).
    /// - [`Error::NotConfigured`]: there is no keyring.
    /// - [`Error::Unavailable`], [`Error::Random`]: it may have begun; begin again.
    pub async fn begin_admin_enrolment(
        &self,
        bearer: impl Into<Bearer<'_>>,
    ) -> Result<BegunEnrolment, Error> {
        let bearer = bearer.into();
        let who = self.verify_admin(bearer.clone()).await?;
        let event = Draft::about(Action::FactorEnrolment, bearer.origin()).of_admin(who.admin_id());
        let ended = match self.require_fresh_sign_in(&who).await {
            Ok(present) => {
                let replaces = present.map(|factor| factor.name);
                self.begin_own_enrolment(&who, replaces, &event).await
            }
            Err(stop) => Err(stop),
        };
        self.conclude(&event, ended).await
    }

    async fn begin_own_enrolment(
        &self,
        who: &AdminIdentity,
        replaces: Option<Digest>,
        event: &Draft,
    ) -> Result<BegunEnrolment, Stop> {
        // If the token presented has ended by now, the enrolment is never accepted, whatever the generation.
        let generation = self.generation(&Subject::Admin(who.admin_id().clone())).await?;
        self.begin_enrolment(who.admin_id(), replaces, Some(*who.grant()), generation, event).await
    }

    /// Mails an admin user whose password is right an enrolment token. `generation` was read before the password was
    /// checked.
    pub(super) async fn mail_enrolment(
        &self,
        admin: &AdminRecord,
        generation: Generation,
        event: &Draft,
    ) -> Result<(), Stop> {
        self.keyring()?;
        let attempted = Attempted::enrolment_request(&admin.id, self.config());
        let charged = self.parts.attempts.reserve(attempted).await?;
        let charged = charged.ok_or(Refusal::BudgetSpent.told(Error::TooManyRequests))?;
        // Each request counts, whatever comes of it.
        self.settle(charged, Outcome::Failed, event).await?;
        let event = Draft { action: Action::FactorEnrolment, ..event.clone() };
        let BegunEnrolment { token, expires_at } =
            self.begin_enrolment(&admin.id, None, None, generation, &event).await?;
        let notice = AdminNotice::EnrolmentRequested { token, expires_at };
        if !self.notify_admin(admin, notice, &event.origin) {
            self.parts.trail.record(&event, Told::Failed).await?;
            return Err(Error::EnrolmentNotSent.into());
        }
        Ok(self.parts.trail.record(&event, Told::Succeeded).await?)
    }

    async fn begin_enrolment(
        &self,
        admin: &AdminId,
        replaces: Option<Digest>,
        begun_with: Option<Digest>,
        generation: Generation,
        event: &Draft,
    ) -> Result<BegunEnrolment, Stop> {
        self.keyring()?;
        let token = EnrolmentToken::generate(self.parts.random.as_ref())?;
        let secret = TotpSecret::generate(self.parts.random.as_ref())?;
        let (_, expires_at) = self.lifespan(self.config().enrolment_lifetime, None);
        let secret = self.seal_secret(admin, &token.digest(), &secret)?;
        let enrolment = Enrolment {
            token: token.digest(),
            admin: admin.clone(),
            secret,
            replaces,
            begun_with,
            generation,
            expires_at,
        };
        self.parts.trail.begin(event).await?;
        self.parts.factors.begin_enrolment(&enrolment).await?;
        Ok(BegunEnrolment { token, expires_at })
    }

    /// Shows the secret of an enrolment to the holder of its token: Commerce's `POST /V1/tfa/provider/google/configure`.
    /// It may be called again until the authenticator is activated.
    ///
    /// # Errors
    ///
    /// - [`Error::Required`].
    /// - [`Error::InvalidEnrolmentToken`]: unknown, expired or replaced, or the admin user's tokens were ended since it
    ///   was made, such as by the activation of another authenticator.
    /// - [`Error::AlreadyEnrolled`]: there is another second factor than when the token was made.
    /// - [`Error::NotConfigured`]: there is no keyring, or no admin user table.
    /// - [`Error::Unavailable`], [`Error::Random`].
    pub async fn set_up_admin_factor(
        &self,
        token: impl Into<Credential>,
        origin: &Origin,
    ) -> Result<FactorSetup, Error> {
        let token = token.into();
        let mut event = Draft::about(Action::FactorSetup, origin);
        let ended = self.set_up(&token, &mut event).await;
        self.conclude(&event, ended).await
    }

    async fn set_up(&self, token: &Credential, event: &mut Draft) -> Result<FactorSetup, Stop> {
        let (enrolment, admin) = self.live_enrolment(token, event).await?;
        let secret = self.open_secret(&admin.id, &enrolment.token, &enrolment.secret)?;
        let uri = secret.uri(&self.config().issuer, &admin.username).ok_or(Error::InvalidUsername)?;
        self.parts.trail.begin(event).await?;
        Ok(FactorSetup { secret, uri, expires_at: enrolment.expires_at })
    }

    /// Makes an authenticator the admin user's second factor by its first right code, and answers the recovery codes: each
    /// stands in once for a code, and they are shown now or never. Commerce's `POST /V1/tfa/provider/google/activate`.
    ///
    /// All of the admin user's tokens end, before the authenticator is activated and again after it: once this returns
    /// `Ok`, every token from before is refused, those of sign-ins in flight too. Enrolments end with the tokens. So an
    /// activation that fails after the first of the two leaves an enrolment that is never accepted.
    ///
    /// # Errors
    ///
    /// - As [`set_up_admin_factor`](Self::set_up_admin_factor).
    /// - [`Error::InvalidCode`]: not the code at this time. The enrolment stays.
    /// - [`Error::TooManyRequests`]: too many wrong codes.
    /// - [`Error::Unavailable`], [`Error::Random`]: it may be activated, and the recovery codes lost: sign in with a code and
    ///   [make them anew](Self::replace_recovery_codes). A token of a sign-in that was in flight may live: call
    ///   [`admin_changed`](Self::admin_changed) to end it. If the authenticator is not activated, begin again: the
    ///   enrolment may have ended.
    pub async fn activate_admin_factor(
        &self,
        token: impl Into<Credential>,
        code: impl Into<Credential>,
        origin: &Origin,
    ) -> Result<Vec<RecoveryCode>, Error> {
        let (token, code) = (token.into(), code.into());
        code.check_bounds(Field::Otp)?;
        let mut event = Draft::about(Action::FactorActivation, origin);
        let ended = self.activate(&token, &code, &mut event).await;
        self.conclude(&event, ended).await
    }

    async fn activate(
        &self,
        token: &Credential,
        code: &Credential,
        event: &mut Draft,
    ) -> Result<Vec<RecoveryCode>, Stop> {
        let (enrolment, admin) = self.live_enrolment(token, event).await?;
        let charged = self.parts.attempts.reserve(Attempted::activation(&admin.id, self.config())).await?;
        let charged = charged.ok_or(Refusal::BudgetSpent.told(Error::TooManyRequests))?;
        let secret = self.open_secret(&admin.id, &enrolment.token, &enrolment.secret)?;
        let Some(step) = secret.step_of(&TypedCode::of(code), self.parts.clock.now()) else {
            self.settle(charged, Outcome::Failed, event).await?;
            return Err(Refusal::WrongCredential.told(Error::InvalidCode));
        };
        self.settle(charged, Outcome::Succeeded, event).await?;
        let codes = self.draw_recovery_codes()?;
        self.parts.trail.begin(event).await?;
        let subject = Subject::Admin(admin.id.clone());
        // Before, so that a store that cannot end tokens stops it early; and after, for those that came in between.
        self.end_tokens(&subject, None).await?;
        if !self.parts.factors.activate(&admin.id, &enrolment.token, step, &digests(&codes)).await? {
            return Err(Refusal::RevokedMeanwhile.told(Error::InvalidEnrolmentToken));
        }
        self.notify_admin(&admin, AdminNotice::FactorActivated, &event.origin);
        self.end_tokens(&subject, None).await?;
        self.settle_ledger_by(&admin.id, &event.origin).await;
        Ok(codes)
    }

    pub(super) fn draw_recovery_codes(&self) -> Result<Vec<RecoveryCode>, Error> {
        let draw = |_| RecoveryCode::generate(self.parts.random.as_ref());
        Ok((0..RECOVERY_CODES).map(draw).collect::<Result<_, _>>()?)
    }

    /// The enrolment of a token, if it still may become what it was begun for, and whose it is.
    async fn live_enrolment(
        &self,
        token: &Credential,
        event: &mut Draft,
    ) -> Result<(Enrolment, AdminRecord), Stop> {
        token.check_bounds(Field::TfaToken)?;
        self.keyring()?;
        let digest = Digest::of(token.bytes());
        let unknown = Refusal::WrongCredential;
        let found = self.parts.factors.enrolment(&digest).await?;
        let found = found.ok_or(unknown.told(Error::InvalidEnrolmentToken))?;
        let subject = Subject::Admin(found.admin().clone());
        event.subject = Some(subject.clone());
        let admin = self.active_admin(found.admin()).await;
        let admin = admin.map_err(|stop| stop.refused_as(Error::InvalidEnrolmentToken))?;
        let found = found.under(self.generation(&subject).await?);
        let revoked = Refusal::RevokedMeanwhile;
        let (enrolment, present) = found.ok_or(revoked.told(Error::InvalidEnrolmentToken))?;
        // Whatever ended the session ends what was begun with it.
        if let Some(grant) = &enrolment.begun_with
            && self.parts.tokens.find(grant, self.parts.clock.now()).await?.is_none()
        {
            return Err(Refusal::AdminSignedOut.told(Error::InvalidEnrolmentToken));
        }
        if present.map(|factor| factor.name) != enrolment.replaces {
            return Err(Refusal::AlreadyEnrolled.told(Error::AlreadyEnrolled));
        }
        Ok((enrolment, admin))
    }
}

pub(super) fn digests(codes: &[RecoveryCode]) -> Vec<Digest> {
    codes.iter().map(RecoveryCode::digest).collect()
}
