use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A stored password hash, as in the host's column.
///
/// [`Auth::hash_new_password`](crate::Auth::hash_new_password) computes it. Its `Debug` shows
/// nothing, it is wiped from memory when dropped, and only [`expose`](Self::expose) returns its
/// text.
#[derive(Clone)]
pub struct PasswordHash(SecretString);

impl PasswordHash {
    /// Returns the hash as text, for the host's column.
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
