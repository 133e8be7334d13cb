//! The secrets of authenticators. A secret key of the keyring encrypts each authenticator's secret,
//! bound to one admin user and one second factor. In the code, "seal" means encrypt and "open"
//! means decrypt.

use super::Factors;
use crate::{
    account::AdminId,
    credential::{EnrolmentToken, RecoveryCode, TotpSecret},
    error::{Error, InternalError, Part, StoreError},
    keyring::{KeyId, Keyring, Sealed},
    random::RandomError,
    state::factor::{Enrolment, EnrolmentId, Factor, FactorId},
};

/// Number of recovery codes in a set.
const RECOVERY_CODES: usize = 10;

#[derive(Debug, thiserror::Error)]
#[error("cannot open a sealed second factor: its key is not in the keyring, or the data was changed")]
struct Unopened;

impl Factors {
    /// Returns the id of the secret key that encrypts new secrets.
    pub(crate) fn current_key(&self) -> Result<KeyId, Error> {
        Ok(self.keyring()?.current())
    }

    /// Draws an enrolment token and a secret for a new second factor, and encrypts the secret. The
    /// second factor will have the id of the enrolment.
    pub(crate) fn draw_secret(&self, admin: &AdminId) -> Result<(EnrolmentToken, Sealed), Error> {
        let token = EnrolmentToken::generate(self.random.as_ref())?;
        let secret = TotpSecret::generate(self.random.as_ref())?;
        let sealed = self.seal(admin, EnrolmentId::from_digest(token.digest()).factor(), &secret)?;
        Ok((token, sealed))
    }

    /// Draws a new secret for a live enrolment, stores this secret and returns it. An earlier
    /// secret of the enrolment becomes invalid. Returns none if the enrolment has ended.
    pub(crate) async fn draw_again(&self, enrolment: &Enrolment) -> Result<Option<TotpSecret>, Error> {
        let secret = TotpSecret::generate(self.random.as_ref())?;
        let sealed = self.seal(&enrolment.admin, enrolment.id.factor(), &secret)?;
        Ok(self.redraw(enrolment, &sealed).await?.then_some(secret))
    }

    /// Creates a second factor from a secret that the admin user's authenticator already has. The
    /// second factor gets a random id and has no recovery codes.
    pub(crate) fn adopt(&self, admin: &AdminId, secret: &TotpSecret) -> Result<Factor, Error> {
        let id = EnrolmentId::from_digest(EnrolmentToken::generate(self.random.as_ref())?.digest()).factor();
        Ok(Factor {
            admin: admin.clone(),
            id,
            secret: self.seal(admin, id, secret)?,
            activated_at: self.clock.now().truncate_to_microsecond(),
            // No time step of this second factor has been used in this shop.
            last_step: 0,
            recovery_codes: Vec::new(),
        })
    }

    pub(crate) fn draw_recovery_codes(&self) -> Result<Vec<RecoveryCode>, RandomError> {
        (0..RECOVERY_CODES).map(|_| RecoveryCode::generate(self.random.as_ref())).collect()
    }

    /// Decrypts an authenticator's secret. If no secret key of the keyring decrypts the secret, the
    /// error is that of a failed storage. So the admin user's code does not count as wrong.
    pub(crate) fn open(&self, admin: &AdminId, id: FactorId, sealed: &Sealed) -> Result<TotpSecret, Error> {
        self.keyring()?;
        self.try_open(admin, id, sealed).ok_or_else(|| StoreError::new(Unopened).into())
    }

    /// True if a secret key of the keyring decrypts the secret of the second factor.
    pub(crate) fn opens(&self, factor: &Factor) -> bool {
        self.try_open(&factor.admin, factor.id, &factor.secret).is_some()
    }

    /// Encrypts the secret of a second factor with the current secret key of the keyring, if the
    /// secret is encrypted with an older one. Returns true if the stored secret was replaced.
    pub(crate) async fn reseal(&self, factor: &Factor) -> Result<bool, Error> {
        let Factor { admin, id, secret, .. } = factor;
        if secret.key == self.current_key()? {
            return Ok(false);
        }
        let sealed = self.seal(admin, *id, &self.open(admin, *id, secret)?)?;
        Ok(self.replace_sealed(admin, *id, secret, &sealed).await?)
    }

    fn seal(&self, admin: &AdminId, id: FactorId, secret: &TotpSecret) -> Result<Sealed, Error> {
        self.keyring()?.seal(secret.bytes(), &context(admin, id), self.random.as_ref())
    }

    fn try_open(&self, admin: &AdminId, id: FactorId, sealed: &Sealed) -> Option<TotpSecret> {
        let opened = self.keyring.as_ref()?.open(sealed, &context(admin, id))?;
        TotpSecret::from_bytes(opened)
    }

    fn keyring(&self) -> Result<&Keyring, Error> {
        self.keyring.as_ref().ok_or(Error::Internal(InternalError::NotConfigured(Part::Keyring)))
    }
}

/// Returns the context of an encrypted secret: the admin user and the second factor. The encryption
/// binds the secret to this context. If somebody copies the secret to another admin user or second
/// factor in the database, it cannot be decrypted there.
fn context(admin: &AdminId, id: FactorId) -> Vec<u8> {
    [b"totp", id.as_bytes().as_slice(), admin.to_string().as_bytes()].concat()
}
