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
/// Sign-in, password, second factor and account changes of admin users.
impl Auth {
    /// Signs an admin user in by user name, password and second factor.
    ///
    /// Implements Commerce's `POST /V1/tfa/provider/google/authenticate` and, without a second
    /// factor, `POST /V1/integration/admin/token`.
    ///
    /// The code is checked only after the password was found right. It has a separate budget, and
    /// each code works once. If the admin user has a second factor, a sign-in without a right code
    /// gives no token.
    ///
    /// An admin user who must have a second factor but has none is mailed an enrolment token
    /// ([`AdminNotice::EnrolmentRequested`](crate::notifier::AdminNotice::EnrolmentRequested)). No mail is
    /// sent if the sign-in carries a code.
    ///
    /// The account's budgets are charged before the password is checked, as for customers, but in
    /// separate counters. Within the budget every refusal does the same work and returns the same
    /// error. The refusal does not show whether the user name is unknown, the account is disabled
    /// or has no password, or the password is wrong. A token is issued only after the audit sink
    /// has stored the record of the sign-in.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Username`], [`InputError::PasswordTooLong`]: the
    ///   input is malformed. No account was looked up.
    /// - [`SignInError::ChallengeRequired`]: the host's [`Challenge`](crate::challenge::Challenge) requires a
    ///   right answer. No account was looked up, and the attempt was not counted.
    /// - [`SignInError::Refused`]: the admin user does not exist or is disabled, the password is
    ///   wrong, the budget is spent, or all tokens were revoked during the sign-in. The error does
    ///   not distinguish these cases.
    /// - [`SecondFactorError::Required`], [`SecondFactorError::InvalidCode`]: the password is
    ///   right, but the code is missing, wrong or used before. Once the budget of codes is spent,
    ///   the error is [`SignInError::Refused`].
    /// - [`SecondFactorError::EnrolmentRequired`], [`SecondFactorError::EnrolmentNotSent`],
    ///   [`SecondFactorError::NotEnrolled`]: the password is right, but the admin user has no
    ///   second factor.
    /// - [`SignInError::TooManyRequests`]: too many enrolment mails were sent, or the source has
    ///   failed too often over all accounts.
    /// - [`Error::Overloaded`]: too many hashes are waiting.
    /// - [`InternalError::NotConfigured`]: there is no admin user table, or no keyring.
    /// - [`Error::Unavailable`], [`Error::Random`]: no token was issued.
    #[doc(alias("/V1/integration/admin/token", "/V1/tfa/provider/google/authenticate"))]
    pub async fn generate_admin_token(&self, sign_in: AdminSignIn) -> Result<AdminSignedIn, Error> {
        flow::generate_admin_token(&self.services, sign_in).await
    }

    /// Exchanges a signed-in admin user's token for a fresh one, by a code of the second factor.
    ///
    /// Call it after [`SecondFactorError::StepUpRequired`], which says that the sign-in is too old.
    /// The presented token ends now, and so does the assistance given through it (ASVS
    /// v5.0.0-7.2.4). The new token expires when the presented token would have expired.
    ///
    /// # Errors
    ///
    /// - As [`verify_admin`](Self::verify_admin).
    /// - [`InputError::Required`], [`InputError::PasswordTooLong`]: the code is malformed. Nothing
    ///   was looked up.
    /// - [`SecondFactorError::NotEnrolled`]: the admin user has no second factor.
    /// - [`SecondFactorError::InvalidCode`]: the code is wrong or was used before.
    /// - [`SignInError::Refused`]: too many wrong codes, or all tokens were revoked meanwhile.
    /// - [`TokenError::Invalid`]: the presented token ended meanwhile. The code is spent.
    /// - [`Error::Unavailable`], [`Error::Random`]: the code may be spent.
    pub async fn step_up(
        &self,
        bearer: impl Into<Bearer<'_>>,
        code: impl Into<Credential>,
    ) -> Result<AdminSignedIn, Error> {
        flow::step_up(&self.services, bearer.into(), code.into()).await
    }

    /// Ends the presented token of an admin user, and all assistance tokens obtained with it.
    ///
    /// # Errors
    ///
    /// As [`verify_admin`](Self::verify_admin).
    pub async fn revoke_admin_token(&self, bearer: impl Into<Bearer<'_>>) -> Result<(), Error> {
        flow::revoke_admin_token(&self.services, bearer.into()).await
    }

    /// Changes a signed-in admin user's password.
    ///
    /// The sign-in must be fresh. If the admin user has a second factor, the sign-in must have used
    /// it. Success ends all other tokens of the admin user. The presented token stays valid.
    ///
    /// # Errors
    ///
    /// - As [`verify_admin`](Self::verify_admin).
    /// - [`TokenError::Invalid`]: another request ended the presented token, or all tokens of the
    ///   admin user, meanwhile. The previous password is restored, and all tokens end.
    /// - [`InputError::Required`], [`InputError::PasswordTooLong`], [`InputError::Policy`]: the
    ///   current password was not checked. A password from a data breach is refused only after the
    ///   current password was found right.
    /// - [`SecondFactorError::StepUpRequired`]: the sign-in is older than
    ///   [`AuthConfig::fresh_for`](crate::AuthConfig::fresh_for).
    /// - [`SignInError::WrongPassword`], [`SignInError::Locked`]: as in
    ///   [`confirm_password`](Self::confirm_password).
    /// - [`Error::Overloaded`]: too many hashes are waiting.
    /// - [`Error::Conflict`]: another request changed the password at the same time.
    /// - [`Error::Unavailable`], [`Error::Random`]: as in
    ///   [`change_password`](Self::change_password).
    pub async fn change_admin_password(
        &self,
        bearer: impl Into<Bearer<'_>>,
        current: impl Into<Credential>,
        new: impl Into<Credential>,
    ) -> Result<(), Error> {
        flow::change_admin_password(&self.services, bearer.into(), current.into(), new.into()).await
    }

    /// Checks a new password of an admin user against the policy and returns the hash to store.
    ///
    /// Otherwise as [`hash_new_password`](Self::hash_new_password).
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

    /// Ends all tokens of an admin user whose account the host has changed.
    ///
    /// All assistance tokens obtained with these tokens end too, and sign-ins that are still
    /// running get no token. If the account was deleted, its second factor is removed. If the host
    /// set the password, the admin user is notified
    /// ([`AdminNotice::PasswordSetByHost`](crate::notifier::AdminNotice::PasswordSetByHost)).
    ///
    /// Call it after the change is stored. It may be called again. A disabled or missing admin user
    /// is refused even without this call, because every use of a token reads the account. Call it
    /// nevertheless, so that no old token works if the account is enabled again.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: the storage backend request failed, and some tokens may still be
    /// valid. Call it again.
    pub async fn admin_changed(&self, admin: &AdminId, change: AdminChange) -> Result<(), Error> {
        flow::admin_changed(&self.services, admin, change).await
    }

    /// Clears the failed attempts and locks of an admin user's account, for the password and the
    /// second factor.
    ///
    /// Otherwise as [`unlock_customer`](Self::unlock_customer).
    ///
    /// # Errors
    ///
    /// - [`InputError::Username`]: the user name is malformed.
    /// - [`Error::Unavailable`]: the storage backend request failed. The attempts may have been
    ///   cleared.
    pub async fn unlock_admin(&self, username: &str) -> Result<(), Error> {
        flow::unlock_admin(&self.services, username).await
    }

    /// Clears the failed attempts and locks of an admin user's account, by the link of a mailed
    /// notice.
    ///
    /// The link is mailed when the account is locked
    /// ([`AdminNotice::Locked`](crate::notifier::AdminNotice::Locked)). It works once, within
    /// [`AuthConfig::enrolment_lifetime`](crate::AuthConfig::enrolment_lifetime). It does not sign
    /// the admin user in.
    ///
    /// # Errors
    ///
    /// - [`InputError::Username`], [`InputError::Required`]: the input is malformed.
    /// - [`SignInError::InvalidUnlockToken`](crate::error::SignInError::InvalidUnlockToken): the token is
    ///   wrong, expired or spent.
    /// - [`SignInError::TooManyRequests`](crate::error::SignInError::TooManyRequests): the source has
    ///   failed too often.
    /// - [`Error::Unavailable`]: the storage backend request failed. The attempts may have been
    ///   cleared.
    pub async fn unlock_admin_by_link(
        &self,
        username: &str,
        token: impl Into<Credential>,
        origin: &Origin,
    ) -> Result<(), Error> {
        flow::unlock_admin_by_link(&self.services, username, token.into(), origin).await
    }

    /// Begins the enrolment of a new authenticator for a signed-in admin user.
    ///
    /// The present authenticator, if any, stays in use until
    /// [`activate_admin_factor`](Self::activate_admin_factor) accepts the first code of the new
    /// one.
    ///
    /// The enrolment ends as soon as the presented token ends. It also ends when the admin user's
    /// other tokens are ended: by a change of the password, by
    /// [`admin_changed`](Self::admin_changed) or by [`revoke_everything`](Self::revoke_everything).
    ///
    /// An admin user who must have an authenticator but has none cannot sign in to call this. In
    /// that case [`generate_admin_token`](Self::generate_admin_token) mails the enrolment token.
    ///
    /// # Errors
    ///
    /// - As [`verify_admin`](Self::verify_admin).
    /// - [`SecondFactorError::StepUpRequired`]: the sign-in is older than
    ///   [`AuthConfig::fresh_for`](crate::AuthConfig::fresh_for).
    /// - [`InternalError::NotConfigured`]: there is no keyring.
    /// - [`Error::Unavailable`], [`Error::Random`]: the enrolment may have begun. Call it again.
    pub async fn begin_admin_enrolment(
        &self,
        bearer: impl Into<Bearer<'_>>,
    ) -> Result<BegunEnrolment, Error> {
        flow::begin_admin_enrolment(&self.services, bearer.into()).await
    }

    /// Returns a fresh secret for an enrolment to the holder of the enrolment token: Commerce's
    /// `POST /V1/tfa/provider/google/configure`.
    ///
    /// It may be called again until the authenticator is activated. Each call replaces the secret,
    /// and only the newest secret can be activated. If another person opened the link earlier, the
    /// secret shown to that person is worthless. If another person opens it later, the owner's
    /// first code fails. The audit trail records each call.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`]: the token is empty.
    /// - [`SignInError::TooManyRequests`]: the secret was shown too often with this token, five
    ///   times in a quarter of an hour
    ///   ([`AuthConfig::second_factor_budget`](crate::AuthConfig::second_factor_budget)). Or the
    ///   source has failed too often over all accounts.
    /// - [`SecondFactorError::InvalidEnrolmentToken`]: the token is unknown, expired or replaced,
    ///   or the admin user's tokens were ended after it was made, for example by the activation of
    ///   another authenticator.
    /// - [`SecondFactorError::AlreadyEnrolled`]: the second factor has changed since the token was
    ///   made.
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

    /// Makes an authenticator the admin user's second factor, by its first right code: Commerce's
    /// `POST /V1/tfa/provider/google/activate`.
    ///
    /// Returns the recovery codes. Each recovery code replaces a code of the authenticator once.
    /// They cannot be shown again.
    ///
    /// Activation ends all tokens of the admin user. Once this returns `Ok`, every earlier token is
    /// refused, including those of sign-ins that were still running. If another request ends the
    /// tokens meanwhile, or if they cannot be ended, the activation is undone: the previous
    /// authenticator, if any, is restored.
    ///
    /// # Errors
    ///
    /// - As [`set_up_admin_factor`](Self::set_up_admin_factor).
    /// - [`SecondFactorError::InvalidCode`]: the code is wrong at this time, or it belongs to a
    ///   secret that a later call has replaced. The enrolment stays valid.
    /// - [`SignInError::TooManyRequests`]: too many wrong codes.
    /// - [`Error::Unavailable`], [`Error::Random`]: the authenticator may be activated, and the
    ///   recovery codes are lost. Sign in with a code and [replace
    ///   them](Self::replace_recovery_codes). An earlier token may still be valid: call
    ///   [`admin_changed`](Self::admin_changed) to end it. If the authenticator is not activated,
    ///   begin again, because the enrolment may have ended.
    ///
    /// The same holds if the call is dropped before it ends, as some servers do when a client
    /// disconnects. To prevent this, run the call in a separate task.
    #[doc(alias = "/V1/tfa/provider/google/activate")]
    pub async fn activate_admin_factor(
        &self,
        token: impl Into<Credential>,
        code: impl Into<Credential>,
        origin: &Origin,
    ) -> Result<Vec<RecoveryCode>, Error> {
        flow::activate_admin_factor(&self.services, token.into(), code.into(), origin).await
    }

    /// Returns the second factor of the signed-in admin user, if there is one.
    ///
    /// # Errors
    ///
    /// As [`verify_admin`](Self::verify_admin).
    pub async fn admin_factor(&self, bearer: impl Into<Bearer<'_>>) -> Result<Option<AdminFactor>, Error> {
        flow::admin_factor(&self.services, bearer.into()).await
    }

    /// Replaces all recovery codes of the signed-in admin user, and returns the new ones.
    ///
    /// The earlier recovery codes stop working. The new ones cannot be shown again.
    ///
    /// # Errors
    ///
    /// - As [`verify_admin`](Self::verify_admin).
    /// - [`TokenError::Invalid`]: another request ended the admin user's tokens meanwhile. The
    ///   earlier codes are restored, and all tokens end.
    /// - [`SecondFactorError::StepUpRequired`]: the sign-in is older than
    ///   [`AuthConfig::fresh_for`](crate::AuthConfig::fresh_for).
    /// - [`SecondFactorError::NotEnrolled`]: there is no second factor.
    /// - [`Error::Unavailable`], [`Error::Random`]: the codes may have been replaced. Call it
    ///   again.
    pub async fn replace_recovery_codes(
        &self,
        bearer: impl Into<Bearer<'_>>,
    ) -> Result<Vec<RecoveryCode>, Error> {
        flow::replace_recovery_codes(&self.services, bearer.into()).await
    }

    /// Imports the authenticator of an admin user who has no second factor yet.
    ///
    /// A shop uses this when it migrates admin users from another system with their authenticators.
    /// The call makes no recovery codes: make them with
    /// [`replace_recovery_codes`](Self::replace_recovery_codes). All of the admin user's tokens
    /// end.
    ///
    /// # Errors
    ///
    /// - [`SecondFactorError::AlreadyEnrolled`]: the admin user already has a second factor.
    ///   Nothing changed.
    /// - [`TokenError::Invalid`]: there is no active admin user with this id.
    /// - [`InternalError::NotConfigured`]: there is no keyring, or no admin user table.
    /// - [`Error::Conflict`]: another request ended the admin user's tokens at the same time. The
    ///   authenticator was not imported.
    /// - [`Error::Unavailable`], [`Error::Random`]: the authenticator may have been imported. Call
    ///   it again: [`SecondFactorError::AlreadyEnrolled`] then means that it was.
    pub async fn import_admin_factor(&self, admin: &AdminId, secret: &TotpSecret) -> Result<(), Error> {
        flow::import_admin_factor(&self.services, admin, secret).await
    }

    /// Removes an admin user's second factor, recovery codes and enrolment, and ends all tokens.
    ///
    /// Call it for a lost authenticator. First verify the identity of the person who asks, as
    /// thoroughly as at the enrolment (ASVS v5.0.0-6.4.4). The budget of wrong codes is cleared.
    /// Returns true if there was a second factor.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: the storage backend request failed. The second factor may have been
    /// removed. Call it again.
    pub async fn remove_admin_factor(&self, admin: &AdminId) -> Result<bool, Error> {
        flow::remove_admin_factor(&self.services, admin).await
    }

    /// Seals at most `limit` second factors again with the keyring's current key, and returns their
    /// number.
    ///
    /// Only second factors that another key has sealed are read. After a key rotation, call it
    /// until it returns 0, and only then [retire](crate::keyring::Keyring::retire) the old key. A sign-in
    /// seals the admin user's own factor again.
    ///
    /// # Errors
    ///
    /// - [`InternalError::NotConfigured`]: there is no keyring.
    /// - [`Error::Unavailable`]: some second factors could not be sealed again, for example because
    ///   no accepted key opens the secret. The others were. Do not retire a key then.
    pub async fn reseal_factors(&self, limit: usize) -> Result<usize, Error> {
        flow::reseal_factors(&self.services, limit).await
    }

    /// Checks that the keyring fits the second factors and audit records in the store.
    ///
    /// Call it at start, before the host serves requests.
    ///
    /// The check refuses a keyring if its keys open none of the second factors, or verify none of
    /// the newest audit records. Such a keyring belongs to another shop, or was made anew because
    /// the old file was missing. Without the check, admin users get status 503, and the audit trail
    /// continues under a key that its verifier does not have.
    ///
    /// If the store has no sealed and no signed data, every keyring is accepted. The check reads at
    /// most 128 second factors and 9 audit records, and writes nothing.
    ///
    /// The check also refuses a keyring if its old key was retired before a node signed one of the
    /// newest records with the new key. [`Keyring`] says how to rotate keys in a quiet shop.
    ///
    /// ```
    /// use commerce_auth::{
    ///     Auth,
    ///     keyring::{KeyId, Keyring},
    ///     store::memory::{MemoryCustomers, MemoryStore},
    /// };
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
    /// [`KeyringCheckError`] names the data that the keyring cannot open or verify. A shop without
    /// a keyring fails the check if the store has such data.
    ///
    /// # Security
    ///
    /// If the check fails, restore the earlier key. Never make a new one. The check finds mistakes,
    /// not attackers: only a [verifier](crate::audit) finds changed records.
    pub async fn check_keyring(&self) -> Result<KeyringReport, KeyringCheckError> {
        flow::check_keyring(&self.services).await
    }
}
