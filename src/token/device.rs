use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::Digest;
use crate::random::{RandomError, SecureRandom};

/// The secret of a device from which an account has signed in: 32 hexadecimal digits, 128 random
/// bits.
///
/// The client keeps the secret and presents it at its next sign-ins. If attackers have used up the
/// account's attempts, then a known device still has separate attempts. An attempt with a known secret
/// also needs no answer to the host's challenge. The store keeps the secret's SHA-256 for 90 days.
///
/// Its `Debug` shows nothing. It has no `Display`, no `Serialize` and no `PartialEq`. It is wiped
/// from memory when dropped.
///
/// # Security
///
/// The secret alone signs nobody in. It only changes the limits of an attempt: the budgets of
/// failures, the challenge and the queue of hashes.
#[derive(Clone)]
pub struct DeviceSecret(SecretString);

impl DeviceSecret {
    const BYTES: usize = 16;

    /// Reads the text that a client presented. Returns none if the text does not have the form of a
    /// secret.
    ///
    /// ```
    /// use commerce_auth::token::DeviceSecret;
    ///
    /// assert!(DeviceSecret::parse("0123456789abcdef0123456789abcdef").is_some());
    /// assert!(DeviceSecret::parse("a text of another kind").is_none());
    /// ```
    #[must_use]
    pub fn parse(presented: &str) -> Option<Self> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_secret = presented.len() == 2 * Self::BYTES && presented.bytes().all(is_hex);
        is_secret.then(|| Self(SecretString::from(presented)))
    }

    /// Returns the secret as text, for the client that signed in.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    pub(crate) fn draw(random: &dyn SecureRandom) -> Result<Self, RandomError> {
        let mut bytes = Zeroizing::new([0; Self::BYTES]);
        random.fill(bytes.as_mut_slice())?;
        Ok(Self(SecretString::from(base16ct::lower::encode_string(bytes.as_slice()))))
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest::of_parts(&[b"device", self.expose().as_bytes()])
    }
}

impl fmt::Debug for DeviceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceSecret(..)")
    }
}
