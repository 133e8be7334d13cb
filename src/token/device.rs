use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::Digest;
use crate::random::{RandomError, SecureRandom};

/// The secret of a device from which an account has signed in: 32 hexadecimal digits, 128 random bits.
///
/// The client keeps it and presents it at its next sign-ins. A device that the account knows keeps its own few
/// attempts although strangers have used up the account's, and is asked for no captcha. The store keeps its SHA-256
/// for 90 days.
///
/// Its `Debug` shows nothing, it has no `Display`, no `Serialize` and no `PartialEq`, and it is wiped from memory when
/// dropped.
///
/// # Security
///
/// It signs nobody in and proves nothing: it only chooses a budget of failures.
#[derive(Clone)]
pub struct DeviceSecret(SecretString);

impl DeviceSecret {
    const BYTES: usize = 16;

    /// Reads what a client presented. A text that no library of this kind handed out counts as none.
    ///
    /// ```
    /// use commerce_auth::DeviceSecret;
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

    /// The secret as text, for the client that signed in.
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
