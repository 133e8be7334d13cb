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
    /// Implements Commerce's `POST /V1/tfa/provider/google/authenticate`. For an admin user without
    /// a second factor, it implements `POST /V1/integration/admin/token`.
    ///
    /// The code of the second factor is checked only after the password was found right. Each code
    /// works once. Wrong codes count in
    /// [`Budgets::second_factor`](crate::config::Budgets::second_factor), and not as wrong
    /// passwords. If the admin user has a second factor, a sign-in without a right code gives no
    /// token.
    ///
    /// If the password is right but the admin user has no second factor, the result depends on the
    /// sign-in:
    ///
    /// - If the sign-in contains a code, the library returns [`SecondFactorError::NotEnrolled`].
    /// - If it contains no code, and the admin user must have a second factor, the library mails an
    ///   enrolment token
    ///   ([`AdminNotice::EnrolmentRequested`](crate::notifier::AdminNotice::EnrolmentRequested)).
    ///   It returns [`SecondFactorError::EnrolmentRequired`].
    /// - If it contains no code, and the admin user needs no second factor, the admin user is
    ///   signed in.
    ///
    /// The library charges the account's budgets before it checks the password. Failed sign-ins of
    /// customers and of admin users are counted separately. Until a budget is spent, the library
    /// does the same work and returns the same error for every refusal because of the account or
    /// the password. So an attacker cannot see whether the user name is unknown, the account is
    /// disabled, the account has no password, or the password is wrong. A token is issued only
    /// after the audit sink has stored the record of the sign-in.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`], [`InputError::Username`], [`InputError::PasswordTooLong`]: the
    ///   input is malformed. No account was looked up.
    /// - [`SignInError::ChallengeRequired`]: the attempt needs a response to the host's
    ///   [`Challenge`](crate::challenge::Challenge), and the response is missing or wrong. No
    ///   account was looked up, and the attempt was not counted.
    /// - [`SignInError::Refused`]: the error does not distinguish these cases:
    ///   - The admin user does not exist or is disabled.
    ///   - The password is wrong.
    ///   - A budget is spent.
    ///   - All tokens were revoked during the sign-in.
    /// - [`SecondFactorError::Required`], [`SecondFactorError::InvalidCode`]: the password is
    ///   right, but the code is missing, wrong or used before. Once the budget of second-factor
    ///   codes is spent, the error is [`SignInError::Refused`].
    /// - [`SecondFactorError::EnrolmentRequired`], [`SecondFactorError::EnrolmentNotSent`],
    ///   [`SecondFactorError::NotEnrolled`]: the password is right, but the admin user has no
    ///   second factor.
    /// - [`SignInError::TooManyRequests`]: too many enrolment mails were sent, or the source has
    ///   failed too often over all accounts.
    /// - [`Error::Overloaded`]: too many hashes are waiting, or other attempts at the account took
    ///   too long.
    /// - [`InternalError::NotConfigured`]: there is no admin user table, or no keyring.
    /// - [`Error::Unavailable`], [`Error::Random`]: no token was issued.
    #[doc(alias("/V1/integration/admin/token", "/V1/tfa/provider/google/authenticate"))]
    pub async fn generate_admin_token(&self, sign_in: AdminSignIn) -> Result<AdminSignedIn, Error> {
        flow::generate_admin_token(&self.services, sign_in).await
    }

    /// Steps up: exchanges a signed-in admin user's token for a new token, after a check of a code
    /// of the second factor.
    ///
    /// Call this method if an operation returned [`SecondFactorError::StepUpRequired`], because the
    /// sign-in was too old for this operation or was made without a second factor. The presented
    /// token ends, and so do the assistance tokens that were obtained with it (ASVS v5.0.0-7.2.4).
    /// The new token expires at the time at which the presented token would have expired.
    ///
    /// # Errors
    ///
    /// - The errors of [`verify_admin`](Self::verify_admin).
    /// - [`InputError::Required`], [`InputError::PasswordTooLong`]: the code is malformed. Nothing
    ///   was looked up.
    /// - [`SecondFactorError::NotEnrolled`]: the admin user has no second factor.
    /// - [`SecondFactorError::InvalidCode`]: the code is wrong or was used before.
    /// - [`SignInError::Refused`]: too many wrong codes were presented, or another request revoked
    ///   all tokens during this call.
    /// - [`TokenError::Invalid`]: the presented token ended during this call. The code of the
    ///   second factor is spent.
    /// - [`Error::Overloaded`]: other attempts at the same account took too long.
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
    /// The errors of [`verify_admin`](Self::verify_admin).
    pub async fn revoke_admin_token(&self, bearer: impl Into<Bearer<'_>>) -> Result<(), Error> {
        flow::revoke_admin_token(&self.services, bearer.into()).await
    }

    /// Changes a signed-in admin user's password.
    ///
    /// The admin user must have signed in or stepped up recently, within
    /// [`Lifetimes::fresh_sign_in`](crate::config::Lifetimes::fresh_sign_in). If the admin user has
    /// a second factor, the sign-in must have used it. After a successful change, the presented
    /// token stays valid. All other tokens of the admin user end, and all enrolments.
    ///
    /// # Errors
    ///
    /// - The errors of [`verify_admin`](Self::verify_admin).
    /// - [`TokenError::Invalid`]: while the password was changed, another request ended the
    ///   presented token or all tokens of the admin user. The previous password is restored, and
    ///   all tokens end.
    /// - [`InputError::Required`], [`InputError::PasswordTooLong`], [`InputError::Policy`]: the
    ///   input is malformed, or the new password breaks the policy. The current password was not
    ///   checked, with one exception: a new password from a data breach is refused after the
    ///   current password was found right.
    /// - [`SecondFactorError::StepUpRequired`]: the sign-in is older than
    ///   [`Lifetimes::fresh_sign_in`](crate::config::Lifetimes::fresh_sign_in).
    /// - [`SignInError::WrongPassword`], [`SignInError::Locked`]: as in
    ///   [`confirm_password`](Self::confirm_password).
    /// - [`Error::Overloaded`]: too many hashes are waiting, or other attempts at the account took
    ///   too long.
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

    /// Checks an admin user's new password against the password policy, and returns the password
    /// hash for the host's table.
    ///
    /// The rest is as in [`hash_new_password`](Self::hash_new_password).
    ///
    /// # Errors
    ///
    /// The errors of [`hash_new_password`](Self::hash_new_password), with [`InputError::Username`]
    /// for a malformed user name.
    pub async fn hash_new_admin_password(
        &self,
        username: &str,
        password: impl Into<Credential>,
    ) -> Result<PasswordHash, Error> {
        flow::hash_new_admin_password(&self.services, username, password.into()).await
    }

    /// Ends all tokens of an admin user whose account the host has changed.
    ///
    /// The assistance tokens that the admin user has obtained end too, and sign-ins of the admin
    /// user that are still running get no token. If the host deleted the account, the library
    /// removes the account's second factor. If the host set a new password, the library notifies
    /// the admin user
    /// ([`AdminNotice::PasswordSetByHost`](crate::notifier::AdminNotice::PasswordSetByHost)).
    ///
    /// Call this method after the host has stored the change. The host can safely repeat the call.
    /// The tokens of a disabled or deleted admin user are refused even without the call, because
    /// every use of a token reads the account row. But without the call, these tokens would work
    /// again once the host enables the account again.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: the storage backend request failed, and some tokens may still be
    /// valid. Call the method again.
    pub async fn admin_changed(&self, admin: &AdminId, change: AdminChange) -> Result<(), Error> {
        flow::admin_changed(&self.services, admin, change).await
    }

    /// Clears the failed attempts and locks of an admin user's account, for the password and the
    /// second factor.
    ///
    /// The failed attempts from all sources are cleared. A support desk calls this method after it
    /// has verified the admin user's identity.
    ///
    /// # Errors
    ///
    /// - [`InputError::Username`]: the user name is malformed.
    /// - [`Error::Unavailable`]: the storage backend request failed. The attempts may have been
    ///   cleared.
    pub async fn unlock_admin(&self, username: &str) -> Result<(), Error> {
        flow::unlock_admin(&self.services, username).await
    }

    /// Clears the failed attempts and locks of an admin user's account, if the unlock token from a
    /// mailed link is valid.
    ///
    /// The library mails the unlock token when the account is locked
    /// ([`AdminNotice::Locked`](crate::notifier::AdminNotice::Locked)). The token works once,
    /// within [`Lifetimes::enrolment_token`](crate::config::Lifetimes::enrolment_token). It does
    /// not sign the admin user in.
    ///
    /// # Errors
    ///
    /// - [`InputError::Username`], [`InputError::Required`]: the input is malformed.
    /// - [`SignInError::InvalidUnlockToken`](crate::error::SignInError::InvalidUnlockToken): the
    ///   token is wrong, expired or spent.
    /// - [`SignInError::TooManyRequests`](crate::error::SignInError::TooManyRequests): the source
    ///   has failed too often.
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
    /// If the admin user already has an authenticator, the codes of this authenticator are accepted
    /// until [`activate_admin_factor`](Self::activate_admin_factor) accepts the first code of the
    /// new one.
    ///
    /// The enrolment ends as soon as the presented token ends. A change of the password,
    /// [`admin_changed`](Self::admin_changed) and [`revoke_everything`](Self::revoke_everything)
    /// end the enrolment too.
    ///
    /// This method is for an admin user who has signed in. An admin user who must have an
    /// authenticator, but has none, cannot sign in. At the attempt to sign in, such an admin user
    /// gets an enrolment token by mail ([`generate_admin_token`](Self::generate_admin_token)).
    ///
    /// # Errors
    ///
    /// - The errors of [`verify_admin`](Self::verify_admin).
    /// - [`SecondFactorError::StepUpRequired`]: the sign-in is older than
    ///   [`Lifetimes::fresh_sign_in`](crate::config::Lifetimes::fresh_sign_in).
    /// - [`InternalError::NotConfigured`]: there is no keyring.
    /// - [`Error::Unavailable`], [`Error::Random`]: the enrolment may have begun. Call the method
    ///   again.
    pub async fn begin_admin_enrolment(
        &self,
        bearer: impl Into<Bearer<'_>>,
    ) -> Result<BegunEnrolment, Error> {
        flow::begin_admin_enrolment(&self.services, bearer.into()).await
    }

    /// Returns a new authenticator secret to the holder of an enrolment token: Commerce's `POST
    /// /V1/tfa/provider/google/configure`.
    ///
    /// Until the authenticator is activated, the method can be called again. Each call replaces the
    /// secret, and only the newest secret can be activated. This helps if an attacker also opens
    /// the mailed link. If the attacker opens the link before the admin user, the attacker's secret
    /// is replaced and useless. If the attacker opens the link after the admin user, the secret of
    /// the admin user is replaced. The admin user then notices that the first code fails. The audit
    /// trail records each call.
    ///
    /// # Errors
    ///
    /// - [`InputError::Required`]: the token is empty.
    /// - [`SignInError::TooManyRequests`]: this enrolment token was used too often to show a
    ///   secret. By default, five times in 15 minutes are allowed
    ///   ([`Budgets::second_factor`](crate::config::Budgets::second_factor)). Or the source has
    ///   failed too often over all accounts.
    /// - [`SecondFactorError::InvalidEnrolmentToken`]: the enrolment token is unknown, expired or
    ///   replaced. Or the admin user's tokens have ended after the enrolment began, for example by
    ///   the activation of another authenticator.
    /// - [`SecondFactorError::AlreadyEnrolled`]: the second factor has changed since the token was
    ///   made.
    /// - [`InternalError::NotConfigured`]: there is no keyring, or no admin user table.
    /// - [`Error::Overloaded`]: other attempts at the same account took too long.
    /// - [`Error::Unavailable`], [`Error::Random`].
    #[doc(alias = "/V1/tfa/provider/google/configure")]
    pub async fn set_up_admin_factor(
        &self,
        token: impl Into<Credential>,
        origin: &Origin,
    ) -> Result<FactorSetup, Error> {
        flow::set_up_admin_factor(&self.services, token.into(), origin).await
    }

    /// Activates an authenticator: after its first right code, it is the admin user's second
    /// factor. This is Commerce's `POST /V1/tfa/provider/google/activate`.
    ///
    /// Returns the recovery codes. Each recovery code can be used once, in place of a code of the
    /// authenticator. Show them to the admin user now, because no later call returns these recovery
    /// codes again.
    ///
    /// The activation ends all tokens of the admin user. Once the method returns `Ok`, every token
    /// from before the activation is refused, and sign-ins that began before the activation get no
    /// token. If another request ends the tokens during the activation, or if the tokens cannot be
    /// ended, the library undoes the activation. Then the previous authenticator, if the admin user
    /// had one, is the second factor again.
    ///
    /// # Errors
    ///
    /// - The errors of [`set_up_admin_factor`](Self::set_up_admin_factor).
    /// - [`SecondFactorError::InvalidCode`]: the code is wrong or no longer current, or it comes
    ///   from an authenticator with a secret that has been replaced. The enrolment stays valid.
    /// - [`SignInError::TooManyRequests`]: too many wrong codes.
    /// - [`Error::Overloaded`]: other attempts at the same account took too long.
    /// - [`Error::Unavailable`], [`Error::Random`]: the authenticator may be activated. If it is,
    ///   the recovery codes are lost: the admin user signs in with a code of the authenticator and
    ///   [replaces them](Self::replace_recovery_codes). An earlier token may still be valid: call
    ///   [`admin_changed`](Self::admin_changed) to end it. If the authenticator is not activated,
    ///   the admin user begins a new enrolment, because the present one may have ended.
    ///
    /// If the future of this call is dropped before it completes, the activation can be half done,
    /// as after [`Error::Unavailable`]. Some servers drop the future when a client disconnects. To
    /// prevent this, run the call in a separate task.
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
    /// The errors of [`verify_admin`](Self::verify_admin).
    pub async fn admin_factor(&self, bearer: impl Into<Bearer<'_>>) -> Result<Option<AdminFactor>, Error> {
        flow::admin_factor(&self.services, bearer.into()).await
    }

    /// Replaces all recovery codes of the signed-in admin user, and returns the new ones.
    ///
    /// The earlier recovery codes stop working. No later call returns the new recovery codes again.
    ///
    /// # Errors
    ///
    /// - The errors of [`verify_admin`](Self::verify_admin).
    /// - [`TokenError::Invalid`]: another request ended the admin user's tokens during this call.
    ///   The earlier recovery codes are restored, and all tokens end.
    /// - [`SecondFactorError::StepUpRequired`]: the sign-in is older than
    ///   [`Lifetimes::fresh_sign_in`](crate::config::Lifetimes::fresh_sign_in).
    /// - [`SecondFactorError::NotEnrolled`]: there is no second factor.
    /// - [`Error::Unavailable`], [`Error::Random`]: the codes may have been replaced. Call the
    ///   method again.
    pub async fn replace_recovery_codes(
        &self,
        bearer: impl Into<Bearer<'_>>,
    ) -> Result<Vec<RecoveryCode>, Error> {
        flow::replace_recovery_codes(&self.services, bearer.into()).await
    }

    /// Imports the authenticator of an admin user who has no second factor yet.
    ///
    /// Use this method to move admin users from another system, so that they keep their
    /// authenticators. The method makes no recovery codes. After the next sign-in, the admin user
    /// gets recovery codes by [`replace_recovery_codes`](Self::replace_recovery_codes). The import
    /// ends all tokens of the admin user.
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
    ///   the method again: if the result is [`SecondFactorError::AlreadyEnrolled`], the first call
    ///   imported the authenticator.
    pub async fn import_admin_factor(&self, admin: &AdminId, secret: &TotpSecret) -> Result<(), Error> {
        flow::import_admin_factor(&self.services, admin, secret).await
    }

    /// Removes an admin user's second factor, recovery codes and enrolment, and ends all tokens.
    ///
    /// Call this method if an admin user has lost the authenticator. Before the call, verify the
    /// identity of the person who asks, as thoroughly as at the enrolment (ASVS v5.0.0-6.4.4). The
    /// method also clears the budget of wrong codes. It returns true if the admin user had a second
    /// factor.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: the storage backend request failed. The second factor may have been
    /// removed. Call the method again.
    pub async fn remove_admin_factor(&self, admin: &AdminId) -> Result<bool, Error> {
        flow::remove_admin_factor(&self.services, admin).await
    }

    /// Encrypts the secrets of at most `limit` second factors again, with the current secret key of
    /// the keyring. Returns the count of these second factors.
    ///
    /// The method reads only the second factors that are not encrypted with the current secret key.
    /// After a rotation of the secret keys, call the method until it returns 0, and only then
    /// [retire](crate::keyring::Keyring::retire) the old secret key. A sign-in with a second factor
    /// also encrypts that second factor again.
    ///
    /// # Errors
    ///
    /// - [`InternalError::NotConfigured`]: there is no keyring.
    /// - [`Error::Unavailable`]: some second factors could not be encrypted again, because a
    ///   storage request failed or no secret key of the keyring decrypts them. Do not retire a
    ///   secret key then. If one second factor cannot be decrypted, the method still encrypts the
    ///   others.
    pub async fn reseal_factors(&self, limit: usize) -> Result<usize, Error> {
        flow::reseal_factors(&self.services, limit).await
    }

    /// Checks that the keyring fits the second factors and audit records in the store.
    ///
    /// Call this method when the host starts, before it serves requests.
    ///
    /// The check refuses a keyring whose secret keys decrypt none of the second factors, or verify
    /// none of the newest audit records. Such a keyring belongs to another shop, or was generated
    /// again because the file with the old secret keys was missing. With a wrong keyring, the
    /// sign-ins of admin users would fail with status 503. New audit records would be signed with a
    /// secret key that the verifier of the trail does not have.
    ///
    /// If the store has no second factors and no signed audit records, the check accepts every
    /// keyring, because there is nothing to compare it with. The check reads at most 128 second
    /// factors and 9 audit records, and writes nothing.
    ///
    /// The check also refuses a keyring whose old secret key was retired too early: before any node
    /// has signed an audit record with the new one. In a shop with few audit events, the first
    /// record with the new key can be written long after the rotation. [`Keyring`] says how to
    /// rotate the secret keys in such a shop.
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
    /// [`KeyringCheckError`] names the data that the keyring cannot decrypt or verify. If the host
    /// has no keyring but the store has second factors or signed audit records, the check fails
    /// too.
    ///
    /// # Security
    ///
    /// If the check fails, restore the earlier secret key. Never generate a new one, because no new
    /// key decrypts the old data. The check finds mistakes in the configuration. To find audit
    /// records that an attacker has changed, use a [verifier](crate::audit).
    pub async fn check_keyring(&self) -> Result<KeyringReport, KeyringCheckError> {
        flow::check_keyring(&self.services).await
    }
}
