use std::collections::BTreeMap;

use crate::{
    account::AdminId, audit::SignatureCheck, error::StoreError, keyring::KeyId, service::Services,
    state::factor::Factor,
};

/// Maximum number of second factors of each kind that are opened.
const SAMPLE: usize = 64;

/// Result of a [keyring check](crate::Auth::check_keyring) that accepted the keyring.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "admin users whose second factor does not open can sign in with a recovery code only"]
#[non_exhaustive]
pub struct KeyringReport {
    /// Admin users whose second factor no key of the keyring opens, although the keyring opens
    /// other second factors. The check reads at most 128 second factors.
    ///
    /// These admin users can sign in with a recovery code only. Add the key that sealed their
    /// second factors to the keyring, or [remove](crate::Auth::remove_admin_factor) the second
    /// factors.
    pub unopened: Vec<AdminId>,
}

/// The reason why [`Auth::check_keyring`](crate::Auth::check_keyring) failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringCheckError {
    /// No key of the keyring opens any of the sealed second factors. Contains the admin users of
    /// these factors.
    #[error(
        "no key of the keyring opens a sealed second factor: restore the key that sealed them, or remove them \
         with Auth::remove_admin_factor"
    )]
    Factors(Vec<AdminId>),
    /// No key of the keyring verifies any of the newest records of the signed audit trail.
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

/// Returns a sample of the second factors: some sealed by the current key, and some by other keys.
async fn sample(services: &Services) -> Result<BTreeMap<AdminId, Factor>, StoreError> {
    let factors = &services.factors;
    let current = factors.current_key().unwrap_or(KeyId(0));
    let mut sample = factors.sealed_by_others(current, None, SAMPLE).await?;
    // This query returns the factors of every key except one. The first query left out the current
    // key, so the second query leaves out another key.
    let other = sample.first().map_or(KeyId(!current.0), |(_, factor)| factor.secret.key);
    sample.extend(factors.sealed_by_others(other, None, SAMPLE).await?);
    Ok(sample.into_iter().map(|(_, factor)| (factor.admin.clone(), factor)).collect())
}
