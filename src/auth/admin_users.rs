use super::Auth;
#[cfg(doc)]
use crate::error::{InputError, InternalError, SecondFactorError, SignInError, TokenError};
#[cfg(doc)]
use crate::keyring::Keyring;
use crate::{
    account::{AdminId, PasswordHash},
    credential::{Credential, RecoveryCode, TotpSecret},
    error::Error,
    flow::{
        self, AdminChange, AdminFactor, AdminSignIn, AdminSignedIn, BegunEnrolment, FactorSetup,
        KeyringCheckError, KeyringReport,
    },
    token::{Bearer, Origin},
};

/// # Admin users
///
/// An admin user signs in with a second factor, and keeps it.
impl Auth {
    /// Signs an admin user in by user name, password and second factor: Commerce's
    /// `POST /V1/tfa/provider/google/authenticate`, and, without a second factor, `POST /V1/integration/admin/token`.
    ///
    /// The code is looked at once the password is right, within a budget of its own; each works once. Without
    /// it there is no token of any kind. An admin user who must have a second factor and has none is mailed an
    /// enrolment token ([`AdminNotice::EnrolmentRequested`](crate::AdminNotice::EnrolmentRequested)) if no code
    /// was presented.
    ///
    /// Budgets are charged first, as for customers, in counters of their own. Within budget every refusal is the same
    /// work and the same answer, whether the name is unknown, the account is disabled or has no password, or
    /// the password is wrong. Nothing is issued unless the audit sink has kept the record of it.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Username`], [`InputError::PasswordTooLong`]: nothing was looked up.
    /// - [`SignInError::ChallengeRequired`]: the host's [`Challenge`](crate::Challenge) asks for a right answer. Nothing was
    ///   looked up, and nothing counted.
    /// - [`SignInError::Refused`]: no such admin user, wrong password, disabled, spent budget, or a revoke-all
    ///   during the sign-in. Not told apart.
    /// - [`SecondFactorError::Required`], [`SecondFactorError::InvalidCode`]: the password is right; the code
    ///   is missing, wrong or used before. Once the budget of codes is spent: [`SignInError::Refused`].
    /// - [`SecondFactorError::EnrolmentRequired`], [`SecondFactorError::EnrolmentNotSent`],
    ///   [`SecondFactorError::NotEnrolled`]: the password is right, and there is no second factor.
    ///   [`SignInError::TooManyRequests`] once too many mails were sent, or if the source has failed too often over all
    ///   accounts.
    /// - [`Error::Overloaded`]: too many hashes are waiting.
    /// - [`InternalError::NotConfigured`]: there is no admin user table, or no keyring.
    /// - [`Error::Unavailable`], [`Error::Random`]: no token was issued.
    #[doc(alias("/V1/integration/admin/token", "/V1/tfa/provider/google/authenticate"))]
    pub async fn generate_admin_token(&self, sign_in: AdminSignIn) -> Result<AdminSignedIn, Error> {
        flow::generate_admin_token(&self.services, sign_in).await
    }

    /// Gives a signed-in admin user a fresh token for a code of the second factor, where
    /// [`SecondFactorError::StepUpRequired`] said that the sign-in is too old. It ends when the token presented
    /// would have, which ends now, and with it the assistance given through it (ASVS v5.0.0-7.2.4).
    ///
    /// # Errors
    ///
    /// - As [`verify_admin`](Self::verify_admin).
    /// - [`InputError::Required`], [`InputError::PasswordTooLong`]: nothing was looked up.
    /// - [`SecondFactorError::NotEnrolled`]: there is no second factor.
    /// - [`SecondFactorError::InvalidCode`]: wrong, or used before.
    /// - [`SignInError::Refused`]: too many wrong codes, or a revoke-all meanwhile.
    /// - [`TokenError::Invalid`]: the token presented ended meanwhile; the code is spent.
    /// - [`Error::Unavailable`], [`Error::Random`]: the code may be spent.
    pub async fn step_up(
        &self,
        bearer: impl Into<Bearer<'_>>,
        code: impl Into<Credential>,
    ) -> Result<AdminSignedIn, Error> {
        flow::step_up(&self.services, bearer.into(), code.into()).await
    }

    /// Ends an admin user's token, and with it every token of a customer that it gave rise to.
    ///
    /// # Errors
    ///
    /// As [`verify_admin`](Self::verify_admin).
    pub async fn revoke_admin_token(&self, bearer: impl Into<Bearer<'_>>) -> Result<(), Error> {
        flow::revoke_admin_token(&self.services, bearer.into()).await
    }

    /// Changes a signed-in admin user's password. The sign-in must be fresh, and with the second factor that there is.
    /// Success ends all the admin user's other tokens; the token presented stays good.
    ///
    /// # Errors
    ///
    /// - As [`verify_admin`](Self::verify_admin); [`TokenError::Invalid`] too if the admin user's tokens were ended by
    ///   somebody else meanwhile, or this token was. The password does not stand then: the earlier one is back, and all
    ///   tokens end.
    /// - [`InputError::Required`], [`InputError::PasswordTooLong`], [`InputError::Policy`]: the current password was not checked. A
    ///   password from a data breach is refused once it was found right.
    /// - [`SecondFactorError::StepUpRequired`]: the sign-in is older than
    ///   [`AuthConfig::fresh_for`](crate::AuthConfig::fresh_for).
    /// - [`SignInError::WrongPassword`], [`SignInError::Locked`]: as in [`confirm_password`](Self::confirm_password).
    /// - [`Error::Overloaded`]: too many hashes are waiting.
    /// - [`Error::Conflict`]: somebody else changed the password in this moment.
    /// - [`Error::Unavailable`], [`Error::Random`]: as in [`change_password`](Self::change_password).
    pub async fn change_admin_password(
        &self,
        bearer: impl Into<Bearer<'_>>,
        current: impl Into<Credential>,
        new: impl Into<Credential>,
    ) -> Result<(), Error> {
        flow::change_admin_password(&self.services, bearer.into(), current.into(), new.into()).await
    }

    /// As [`hash_new_password`](Self::hash_new_password), for an admin user.
    ///
    /// # Errors
    ///
    /// As [`hash_new_password`](Self::hash_new_password), with [`InputError::Username`].
    pub async fn hash_new_admin_password(
        &self,
        username: &str,
        password: impl Into<Credential>,
    ) -> Result<PasswordHash, Error> {
        flow::hash_new_admin_password(&self.services, username, password.into()).await
    }

    /// Tells the crate that the host changed an admin user's account: all its tokens end, those of sign-ins in flight
    /// too, and with them every token of a customer that they gave rise to. A disabled or missing admin user is refused
    /// without it, as the account is read at every use; call it after the change is stored all the same, so
    /// that nothing revives with the account. With a deleted account goes its second factor. An admin user whose password
    /// the host set is told ([`AdminNotice::PasswordSetByHost`](crate::AdminNotice::PasswordSetByHost)). It may be
    /// called again.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: some may still live; call it again.
    pub async fn admin_changed(&self, admin: &AdminId, change: AdminChange) -> Result<(), Error> {
        flow::admin_changed(&self.services, admin, change).await
    }

    /// As [`unlock_customer`](Self::unlock_customer), for an admin user: the password and the second factor.
    ///
    /// # Errors
    ///
    /// - [`InputError::Username`].
    /// - [`Error::Unavailable`]: they may be forgotten.
    pub async fn unlock_admin(&self, username: &str) -> Result<(), Error> {
        flow::unlock_admin(&self.services, username).await
    }

    /// Forgets the failed attempts at an admin user's account, and the locks they led to, for the holder of the link
    /// that was mailed at the lock ([`AdminNotice::Locked`](crate::AdminNotice::Locked)). The link works once, for
    /// [`AuthConfig::enrolment_lifetime`](crate::AuthConfig::enrolment_lifetime). It signs nobody in.
    ///
    /// # Errors
    ///
    /// - [`InputError::Username`], [`InputError::Required`].
    /// - [`SignInError::InvalidUnlockToken`](crate::SignInError::InvalidUnlockToken).
    /// - [`SignInError::TooManyRequests`](crate::SignInError::TooManyRequests): the source has failed too often.
    /// - [`Error::Unavailable`]: they may be forgotten.
    pub async fn unlock_admin_by_link(
        &self,
        username: &str,
        token: impl Into<Credential>,
        origin: &Origin,
    ) -> Result<(), Error> {
        flow::unlock_admin_by_link(&self.services, username, token.into(), origin).await
    }

    /// Begins the enrolment of an authenticator for a signed-in admin user, instead of the one there is, if
    /// any. Nothing changes until its first right code: [`activate_admin_factor`](Self::activate_admin_factor).
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
    /// - [`SecondFactorError::StepUpRequired`]: the sign-in is older than
    ///   [`AuthConfig::fresh_for`](crate::AuthConfig::fresh_for).
    /// - [`InternalError::NotConfigured`]: there is no keyring.
    /// - [`Error::Unavailable`], [`Error::Random`]: it may have begun; begin again.
    pub async fn begin_admin_enrolment(
        &self,
        bearer: impl Into<Bearer<'_>>,
    ) -> Result<BegunEnrolment, Error> {
        flow::begin_admin_enrolment(&self.services, bearer.into()).await
    }

    /// Shows a fresh secret for an enrolment to the holder of its token: Commerce's `POST
    /// /V1/tfa/provider/google/configure`. It may be called again until the authenticator is activated.
    ///
    /// The secret that was shown last is the one that activates. Whoever else opens the link gets a secret of their own: a
    /// copy that was shown before is worthless, and one that is shown later makes the owner's first code fail. The trail has
    /// a record of each showing.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`].
    /// - [`SignInError::TooManyRequests`]: the secret was shown too often with this token, five times in a quarter of an hour
    ///   ([`AuthConfig::second_factor_budget`](crate::AuthConfig::second_factor_budget)).
    /// - [`SecondFactorError::InvalidEnrolmentToken`]: unknown, expired or replaced, or the admin user's tokens
    ///   were ended since it was made, such as by the activation of another authenticator.
    /// - [`SecondFactorError::AlreadyEnrolled`]: there is another second factor than when the token was made.
    /// - [`InternalError::NotConfigured`]: there is no keyring, or no admin user table.
    /// - [`Error::Unavailable`], [`Error::Random`].
    #[doc(alias = "/V1/tfa/provider/google/configure")]
    pub async fn set_up_admin_factor(
        &self,
        token: impl Into<Credential>,
        origin: &Origin,
    ) -> Result<FactorSetup, Error> {
        flow::set_up_admin_factor(&self.services, token.into(), origin).await
    }

    /// Makes an authenticator the admin user's second factor by its first right code, and answers the recovery
    /// codes: each stands in once for a code, and they are shown now or never. Commerce's `POST
    /// /V1/tfa/provider/google/activate`.
    ///
    /// All of the admin user's tokens end with it: once this returns `Ok`, every token from before is refused, those of
    /// sign-ins in flight too. If somebody else ends the tokens meanwhile, or they cannot be ended, the authenticator does
    /// not stand: the earlier one is back, or none.
    ///
    /// # Errors
    ///
    /// - As [`set_up_admin_factor`](Self::set_up_admin_factor).
    /// - [`SecondFactorError::InvalidCode`]: not the code at this time, or the secret was shown to somebody after the one
    ///   that the code is of. The enrolment stays.
    /// - [`SignInError::TooManyRequests`]: too many wrong codes.
    /// - [`Error::Unavailable`], [`Error::Random`]: it may be activated, and the recovery codes lost: sign in
    ///   with a code and [make them anew](Self::replace_recovery_codes). A token from before may live: call
    ///   [`admin_changed`](Self::admin_changed) to end it. If the authenticator is not activated, begin again: the
    ///   enrolment may have ended.
    ///
    /// The same holds for a call that is dropped midway, as some servers do when a client goes away: run it to its end
    /// (in a task of its own).
    #[doc(alias = "/V1/tfa/provider/google/activate")]
    pub async fn activate_admin_factor(
        &self,
        token: impl Into<Credential>,
        code: impl Into<Credential>,
        origin: &Origin,
    ) -> Result<Vec<RecoveryCode>, Error> {
        flow::activate_admin_factor(&self.services, token.into(), code.into(), origin).await
    }

    /// The second factor of the signed-in admin user, if there is one.
    ///
    /// # Errors
    ///
    /// As [`verify_admin`](Self::verify_admin).
    pub async fn admin_factor(&self, bearer: impl Into<Bearer<'_>>) -> Result<Option<AdminFactor>, Error> {
        flow::admin_factor(&self.services, bearer.into()).await
    }

    /// Makes the signed-in admin user's recovery codes anew, as a set: all earlier ones are no good any more.
    /// They are shown now or never.
    ///
    /// # Errors
    ///
    /// - As [`verify_admin`](Self::verify_admin); [`TokenError::Invalid`] too if the admin user's tokens were ended by
    ///   somebody else meanwhile. The earlier codes are back then, and all tokens end.
    /// - [`SecondFactorError::StepUpRequired`]: the sign-in is older than
    ///   [`AuthConfig::fresh_for`](crate::AuthConfig::fresh_for).
    /// - [`SecondFactorError::NotEnrolled`]: there is no second factor.
    /// - [`Error::Unavailable`], [`Error::Random`]: the codes may be replaced; call it again.
    pub async fn replace_recovery_codes(
        &self,
        bearer: impl Into<Bearer<'_>>,
    ) -> Result<Vec<RecoveryCode>, Error> {
        flow::replace_recovery_codes(&self.services, bearer.into()).await
    }

    /// Gives an admin user without a second factor the authenticator that the admin user has already: for a team that
    /// brings its admin users along. There are no recovery codes; they are made with
    /// [`replace_recovery_codes`](Self::replace_recovery_codes). All of the admin user's tokens end.
    ///
    /// # Errors
    ///
    /// - [`SecondFactorError::AlreadyEnrolled`]: nothing is changed.
    /// - [`TokenError::Invalid`]: there is no active admin user of this id.
    /// - [`InternalError::NotConfigured`]: there is no keyring, or no admin user table.
    /// - [`Error::Conflict`]: the admin user's tokens were ended by somebody else in this moment. There is no second factor.
    /// - [`Error::Unavailable`], [`Error::Random`]: it may be done; call it again.
    ///   [`SecondFactorError::AlreadyEnrolled`] says then that it was.
    pub async fn import_admin_factor(&self, admin: &AdminId, secret: &TotpSecret) -> Result<(), Error> {
        flow::import_admin_factor(&self.services, admin, secret).await
    }

    /// Removes an admin user's second factor, recovery codes and enrolment, and ends all tokens: for a lost
    /// authenticator, once the host has made sure who asks, as well as when it was enrolled (ASVS
    /// v5.0.0-6.4.4). The budget of wrong codes is opened again. Answers whether there was a second factor.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: it may be done; call it again.
    pub async fn remove_admin_factor(&self, admin: &AdminId) -> Result<bool, Error> {
        flow::remove_admin_factor(&self.services, admin).await
    }

    /// Seals at most `limit` second factors with the keyring's current key that another key has sealed, and returns
    /// their number. Call it after a rotation until it returns 0, before the old key is
    /// [retired](crate::Keyring::retire). A sign-in seals its own factor.
    ///
    /// # Errors
    ///
    /// - [`InternalError::NotConfigured`]: there is no keyring.
    /// - [`Error::Unavailable`]: some could not be done, and the others are. A secret that no accepted key
    ///   opens is among the reasons; retire nothing then.
    pub async fn reseal_factors(&self, limit: usize) -> Result<usize, Error> {
        flow::reseal_factors(&self.services, limit).await
    }

    /// Compares the keyring with the stored data that was sealed and signed with one: call it at start, before
    /// requests are served.
    ///
    /// A keyring whose keys open no second factor, or verify none of the newest audit records, is refused: the
    /// key material is another shop's, or was made anew because the old file was missing. Without the check
    /// admin users meet it as status 503, and the audit trail goes on under a key that its verifier does not
    /// have. A store without sealed and signed data accepts every keyring. The check reads at most 128 second
    /// factors and 9 audit records, and writes nothing.
    ///
    /// The check also refuses a keyring whose old key was retired too early: before a node signed one of the
    /// newest records with the new key. [`Keyring`] says how to rotate keys in a quiet shop.
    ///
    /// ```
    /// use commerce_auth::{Auth, KeyId, Keyring, MemoryCustomers, MemoryStore};
    ///
    /// # fn secret() -> [u8; 32] { [7; 32] }
    /// # pollster::block_on(async {
    /// let auth = Auth::builder(MemoryStore::new())
    ///     .customers(MemoryCustomers::new())
    ///     .without_notifier()
    ///     .keyring(Keyring::new(KeyId(1), secret())?)
    ///     .build()?;
    /// let report = auth.check_keyring().await?;
    /// assert!(report.unopened.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyringCheckError`] says what the keyring does not open. A shop without a keyring opens nothing.
    ///
    /// # Security
    ///
    /// Never answer the error with a new key: restore the earlier one. The check finds mistakes, not attackers: only a
    /// [verifier](crate::audit) finds changed records.
    pub async fn check_keyring(&self) -> Result<KeyringReport, KeyringCheckError> {
        flow::check_keyring(&self.services).await
    }
}
