use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A password hash, as the host stores it in its table.
///
/// [`Auth::hash_new_password`](crate::Auth::hash_new_password) computes a hash. The `Debug` output
/// does not show the hash. The hash is wiped from memory when dropped. Only
/// [`expose`](Self::expose) returns it as text.
#[derive(Clone)]
pub struct PasswordHash(SecretString);

impl PasswordHash {
    /// Returns the hash as text, for the host's table.
    ///
    /// # Security
    ///
    /// An attacker who has the hash can guess the password offline. Keep it out of logs and
    /// responses.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<&str> for PasswordHash {
    fn from(text: &str) -> Self {
        Self(SecretString::from(text))
    }
}

impl From<String> for PasswordHash {
    fn from(text: String) -> Self {
        Self(SecretString::from(text))
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}
