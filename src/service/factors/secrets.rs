//! The secrets of authenticators, sealed by a key of the keyring for one admin user and one factor.

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
    /// Returns the key that seals secrets now.
    pub(crate) fn current_key(&self) -> Result<KeyId, Error> {
        Ok(self.keyring()?.current())
    }

    /// Draws a secret for a new factor, and seals it. The factor has the id of the enrolment.
    pub(crate) fn draw_secret(&self, admin: &AdminId) -> Result<(EnrolmentToken, Sealed), Error> {
        let token = EnrolmentToken::generate(self.random.as_ref())?;
        let secret = TotpSecret::generate(self.random.as_ref())?;
        let sealed = self.seal(admin, EnrolmentId::from_digest(token.digest()).factor(), &secret)?;
        Ok((token, sealed))
    }

    /// Gives a live enrolment a new secret, and returns the secret. Earlier shown secrets become
    /// invalid. Returns none if the enrolment has ended.
    pub(crate) async fn draw_again(&self, enrolment: &Enrolment) -> Result<Option<TotpSecret>, Error> {
        let secret = TotpSecret::generate(self.random.as_ref())?;
        let sealed = self.seal(&enrolment.admin, enrolment.id.factor(), &secret)?;
        Ok(self.redraw(enrolment, &sealed).await?.then_some(secret))
    }

    /// Creates a factor for an existing secret of the admin user, with a random id. It has no
    /// recovery codes.
    pub(crate) fn adopt(&self, admin: &AdminId, secret: &TotpSecret) -> Result<Factor, Error> {
        let id = EnrolmentId::from_digest(EnrolmentToken::generate(self.random.as_ref())?.digest()).factor();
        Ok(Factor {
            admin: admin.clone(),
            id,
            secret: self.seal(admin, id, secret)?,
            activated_at: self.clock.now().truncate_to_microsecond(),
            // No step of this factor has been used in this shop.
            last_step: 0,
            recovery_codes: Vec::new(),
        })
    }

    pub(crate) fn draw_recovery_codes(&self) -> Result<Vec<RecoveryCode>, RandomError> {
        (0..RECOVERY_CODES).map(|_| RecoveryCode::generate(self.random.as_ref())).collect()
    }

    /// Opens a sealed secret. If no key opens it, then the error is not a refusal, so the code does
    /// not count as wrong.
    pub(crate) fn open(&self, admin: &AdminId, id: FactorId, sealed: &Sealed) -> Result<TotpSecret, Error> {
        self.keyring()?;
        self.try_open(admin, id, sealed).ok_or_else(|| StoreError::new(Unopened).into())
    }

    /// True if a key of the keyring opens the factor's secret.
    pub(crate) fn opens(&self, factor: &Factor) -> bool {
        self.try_open(&factor.admin, factor.id, &factor.secret).is_some()
    }

    /// Seals the secret of a factor with the current key, if another key sealed it. Returns true if
    /// it was sealed again.
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

/// Returns the context of a sealed secret: the admin user and the factor. The secret does not open
/// in another context.
fn context(admin: &AdminId, id: FactorId) -> Vec<u8> {
    [b"totp", id.as_bytes().as_slice(), admin.to_string().as_bytes()].concat()
}
