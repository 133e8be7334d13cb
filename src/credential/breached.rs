//! An interface to services that list passwords from data breaches.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Credential, password::normalised};
use crate::error::StoreError;

/// A list of passwords from data breaches, such as a client of Have I Been Pwned or a copy of its
/// list.
///
/// A host sets the list with
/// [`AuthBuilder::breached_passwords`](crate::AuthBuilder::breached_passwords). The library looks
/// up a new password only if the password satisfies the
/// [`PasswordPolicy`](crate::credential::PasswordPolicy). It does so in these operations:
///
/// - in a password reset, after the reset token was verified;
/// - in a password change, after the current password was verified;
/// - in a registration, and when the host asks for the hash of a new password.
///
/// A sign-in does not look up the password. If the list contains a new password, the operation
/// refuses it with [`PolicyViolation::Breached`](crate::error::PolicyViolation::Breached).
///
/// `examples/breached_passwords` has a client of Have I Been Pwned.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use commerce_auth::{
///     Auth, async_trait,
///     credential::{BreachedPasswords, PasswordSha1},
///     error::StoreError,
///     store::memory::{MemoryCustomers, MemoryStore},
/// };
///
/// /// Five digits of a SHA-1, and the other 35 of each breached password that begins with them.
/// #[derive(Debug)]
/// struct OwnCopy(BTreeMap<String, Vec<String>>);
///
/// #[async_trait]
/// impl BreachedPasswords for OwnCopy {
///     async fn contains(&self, password: &PasswordSha1) -> Result<bool, StoreError> {
///         let range = self.0.get(password.prefix()).into_iter().flatten();
///         Ok(range.fold(false, |found, suffix| found | password.ends_with(suffix)))
///     }
/// }
///
/// let auth = Auth::builder(MemoryStore::new())
///     .customers(MemoryCustomers::new())
///     .breached_passwords(OwnCopy(BTreeMap::new()))
///     .without_notifier()
///     .build()?;
/// # Ok::<(), commerce_auth::config::ConfigError>(())
/// ```
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not know breached passwords",
    label = "it must implement `BreachedPasswords`, or be an `Arc` of a type that does",
    note = "write `#[async_trait] impl BreachedPasswords for {Self}` with the function `contains`; the attribute is `commerce_auth::async_trait`"
)]
pub trait BreachedPasswords: Debug + Send + Sync + 'static {
    /// Returns true if the password has appeared in a data breach.
    ///
    /// # Security
    ///
    /// Send no more than the [prefix](PasswordSha1::prefix) to an external service. Limit the time
    /// of the request, because the caller waits for it.
    ///
    /// # Errors
    ///
    /// If the request to the service failed. Then the new password is not set, and the operation
    /// fails with [`Error::Unavailable`](crate::Error::Unavailable). If the host prefers to accept
    /// a password that could not be checked, return `Ok(false)` in place of the error.
    async fn contains(&self, password: &PasswordSha1) -> Result<bool, StoreError>;
}

/// The SHA-1 of a new password, to look the password up in a list of breached passwords. `Debug`
/// does not show it.
///
/// An attacker who has the SHA-1 of a weak password can find the password. So this type returns
/// only the first five of the 40 hexadecimal digits. An external service may see these five digits,
/// because hundreds of breached passwords begin with the same ones. The remaining 35 digits can be
/// compared, but not read.
pub struct PasswordSha1(SecretString);

impl PasswordSha1 {
    /// Number of digits that an external service may see.
    const PREFIX: usize = 5;

    pub(crate) fn of(password: &Credential) -> Self {
        let digest: Zeroizing<[u8; 20]> = Zeroizing::new(Sha1::digest(normalised(password)).into());
        Self(base16ct::upper::encode_string(digest.as_slice()).into())
    }

    fn halves(&self) -> (&str, &str) {
        self.0.expose_secret().split_at(Self::PREFIX)
    }

    /// Returns the first five digits in upper case, to ask a service for all breached passwords
    /// whose SHA-1 begins with them.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.halves().0
    }

    /// Returns true if `suffix` equals the last 35 digits, in upper or lower case. The comparison
    /// takes constant time.
    #[must_use]
    pub fn ends_with(&self, suffix: &str) -> bool {
        self.halves().1.as_bytes().ct_eq(suffix.to_ascii_uppercase().as_bytes()).into()
    }
}

impl Debug for PasswordSha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordSha1(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_digits_are_shown_and_the_others_compared() {
        let sha1 = PasswordSha1::of(&"password".into());
        assert_eq!(sha1.prefix(), "5BAA6");
        assert!(sha1.ends_with("1E4C9B93F3F0682250B6CF8331B7EE68FD8"));
        assert!(sha1.ends_with("1e4c9b93f3f0682250b6cf8331b7ee68fd8"));
        for other in ["", "1E4C9B93F3F0682250B6CF8331B7EE68FD9", "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8"] {
            assert!(!sha1.ends_with(other), "{other}");
        }
        assert_eq!(format!("{sha1:?}"), "PasswordSha1(..)");
    }
}
