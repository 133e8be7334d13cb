use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A text that contains the secret of an authenticator, such as an `otpauth` URI or a QR code. A
/// host shows it on one page or sends it in one response.
///
/// So that a host does not reveal the text by mistake, the type has no `Display`, no `Serialize`
/// and no `PartialEq`, and `Debug` does not show the text. The text is wiped from memory when
/// dropped.
#[derive(Clone)]
pub struct SecretText(SecretString);

impl SecretText {
    pub(crate) fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// Returns the text.
    ///
    /// # Security
    ///
    /// Put it in one response only, and never in a log.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}
