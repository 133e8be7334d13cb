use std::collections::BTreeMap;

use crate::{
    account::AdminId, audit::SignatureCheck, error::StoreError, keyring::KeyId, service::Services,
    state::factor::Factor,
};

/// Maximum number of second factors that each of the two queries of [`sample`] returns.
const SAMPLE: usize = 64;

/// The result of a successful [check of the keyring](crate::Auth::check_keyring).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "admin users whose second factor does not open can sign in with a recovery code only"]
#[non_exhaustive]
pub struct KeyringReport {
    /// Admin users whose second factor no secret key of the keyring decrypts. The check looks only
    /// at a sample of at most 128 second factors of the shop. If no second factor of the sample can
    /// be decrypted, the check fails instead ([`KeyringCheckError`]).
    ///
    /// These admin users cannot sign in with a code of the authenticator, only with a recovery
    /// code. Add the secret key that encrypted their second factors to the keyring again, or
    /// [remove](crate::Auth::remove_admin_factor) these second factors.
    pub unopened: Vec<AdminId>,
}

/// The reason why [`Auth::check_keyring`](crate::Auth::check_keyring) failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringCheckError {
    /// No secret key of the keyring decrypts any of the second factors that the check has read. The
    /// variant contains the admin users of these second factors.
    #[error(
        "no key of the keyring opens a sealed second factor: restore the key that sealed them, or remove them \
         with Auth::remove_admin_factor"
    )]
    Factors(Vec<AdminId>),
    /// No secret key of the keyring verifies the signature of any of the newest audit records.
    #[error(
        "no key of the keyring verifies the newest signed audit records: restore the key that signed them; if it was \
         retired, accept it until the current key has signed a record, such as that of an admin user's sign-in"
    )]
    AuditTrail,
    /// The store or the audit sink failed.
    #[error(transparent)]
    Unavailable(#[from] StoreError),
}

pub(crate) async fn check_keyring(services: &Services) -> Result<KeyringReport, KeyringCheckError> {
    let (mut opened, mut unopened) = (0_usize, Vec::new());
    for (admin, factor) in sample(services).await? {
        if services.factors.opens(&factor) {
            opened += 1;
        } else {
            unopened.push(admin);
        }
    }
    if opened == 0 && !unopened.is_empty() {
        return Err(KeyringCheckError::Factors(unopened));
    }
    match services.trail.check_signatures().await? {
        SignatureCheck::Unverified => Err(KeyringCheckError::AuditTrail),
        SignatureCheck::Verified | SignatureCheck::NothingSigned => Ok(KeyringReport { unopened }),
    }
}

/// Returns a sample of the shop's second factors. If second factors are encrypted with the current
/// secret key of the keyring and others with older secret keys, the sample contains both.
async fn sample(services: &Services) -> Result<BTreeMap<AdminId, Factor>, StoreError> {
    let factors = &services.factors;
    let current = factors.current_key().unwrap_or(KeyId(0));
    let mut sample = factors.sealed_by_others(current, None, SAMPLE).await?;
    // `sealed_by_others` returns the second factors of every secret key except the given one. The
    // first query left out the current key. The second query leaves out an older key, so that the
    // sample also has second factors of the current key.
    let other = sample.first().map_or(KeyId(!current.0), |(_, factor)| factor.secret.key);
    sample.extend(factors.sealed_by_others(other, None, SAMPLE).await?);
    Ok(sample.into_iter().map(|(_, factor)| (factor.admin.clone(), factor)).collect())
}
