use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A stored password hash: what goes into the host's column, and comes out of it.
///
/// Made by [`Auth::hash_new_password`](crate::Auth::hash_new_password). Its `Debug` shows nothing, it is
/// wiped from memory when dropped, and the only way to its text is [`expose`](Self::expose).
#[derive(Clone)]
pub struct PasswordHash(SecretString);

impl PasswordHash {
    /// The hash as text, for the host's column.
    ///
    /// # Security
    ///
    /// A hash is what an attacker needs to guess passwords at leisure: keep it out of logs and answers.
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
