use std::collections::BTreeMap;

use super::second_factor::context;
use crate::{
    account::AdminId,
    audit::SignatureCheck,
    auth::Auth,
    error::StoreError,
    keyring::{KeyId, Keyring},
    state::factor::Factor,
};

/// Number of second factors of each kind that are opened at most.
const SAMPLE: usize = 64;

/// Result of a [keyring check](Auth::check_keyring) that found the right keyring.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "admin users whose second factor does not open can sign in with a recovery code only"]
#[non_exhaustive]
pub struct KeyringReport {
    /// Admin users whose second factor no key of the keyring opens, while it opens those of others. They can sign in with a
    /// recovery code only. Accept the key that sealed their second factors, or
    /// [remove](Auth::remove_admin_factor) these.
    pub unopened: Vec<AdminId>,
}

/// Why [`Auth::check_keyring`] refuses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringCheckError {
    /// Second factors are sealed, and no key of the keyring opens any of them; these admin users have them.
    #[error(
        "no key of the keyring opens a sealed second factor: restore the key that sealed them, or remove them \
         with Auth::remove_admin_factor"
    )]
    Factors(Vec<AdminId>),
    /// The audit trail is signed, and no key of the keyring verifies any of its newest records.
    #[error(
        "no key of the keyring verifies the newest signed audit records: restore the key that signed them; if it was \
         retired, accept it until the current key has signed a record, such as that of an admin user's sign-in"
    )]
    AuditTrail,
    /// The store or the audit sink failed.
    #[error(transparent)]
    Unavailable(#[from] StoreError),
}

impl Auth {
    /// Compares the keyring with the stored data that was sealed and signed with one: call it at start, before requests are
    /// served.
    ///
    /// A keyring whose keys open no second factor, or verify none of the newest audit records, is refused: the key material is
    /// another shop's, or was made anew because the old file was missing. Without the check admin users meet it as status 503,
    /// and the audit trail goes on under a key that its verifier does not have. A store without sealed and signed data accepts
    /// every keyring. The check reads at most 128 second factors and 9 audit records, and writes nothing.
    ///
    /// The check also refuses a keyring whose old key was retired too early: before a node signed one of the newest records
    /// with the new key. [`Keyring`] says how to rotate keys in a quiet shop.
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
        let keyring = self.parts.keyring.as_ref();
        let (mut opened, mut unopened) = (0_usize, Vec::new());
        for (admin, Factor { name, secret, .. }) in self.sealed_factors().await? {
            match keyring.and_then(|keyring| keyring.open(&secret, &context(&admin, &name))) {
                Some(_) => opened += 1,
                None => unopened.push(admin),
            }
        }
        if opened == 0 && !unopened.is_empty() {
            return Err(KeyringCheckError::Factors(unopened));
        }
        match self.parts.trail.check_signatures().await? {
            SignatureCheck::Unverified => Err(KeyringCheckError::AuditTrail),
            SignatureCheck::Verified | SignatureCheck::NothingSigned => Ok(KeyringReport { unopened }),
        }
    }

    /// A sample of the second factors: those that other keys sealed than the current one, and those that it sealed.
    async fn sealed_factors(&self) -> Result<BTreeMap<AdminId, Factor>, StoreError> {
        let factors = &self.parts.factors;
        let current = self.parts.keyring.as_ref().map_or(KeyId(0), Keyring::current);
        let mut sample = factors.sealed_by_others(current, None, SAMPLE).await?;
        // One key is left out: leave out another one than the current.
        let other = sample.first().map_or(KeyId(!current.0), |(_, factor)| factor.secret.key);
        sample.extend(factors.sealed_by_others(other, None, SAMPLE).await?);
        Ok(sample.into_iter().map(|(_, factor)| (factor.admin.clone(), factor)).collect())
    }
}
