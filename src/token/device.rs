use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::Digest;
use crate::random::{RandomError, SecureRandom};

/// The device secret: it makes a device, from which an account has signed in, a known device of
/// this account. It has 32 hexadecimal digits (128 random bits).
///
/// The client keeps the device secret and presents it at later sign-ins. Failures of a known device
/// count in its own budget, so it can sign in even after attackers have spent the account's budget.
/// A sign-in from a known device also needs no response to the host's challenge. The store keeps a
/// digest of the secret until 90 days after the latest sign-in. An account has at most 16 known
/// devices.
///
/// So that a host does not reveal the secret by mistake, the type has no `Display`, no `Serialize`
/// and no `PartialEq`, and `Debug` does not show the secret. The secret is wiped from memory when
/// dropped.
///
/// # Security
///
/// Nobody can sign in with the device secret alone. The secret only changes the limits of a
/// sign-in: in which budget a failure counts, if a challenge is needed, and in which queue the
/// password hash waits.
#[derive(Clone)]
pub struct DeviceSecret(SecretString);

impl DeviceSecret {
    const BYTES: usize = 16;

    /// Parses the text that a client presented. Returns `None` if the text does not have the form
    /// of a device secret.
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

    /// Returns the device secret as text, for the response to the client that signed in.
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
