//! Credentials: the secrets that clients present in the `password` and `otp` arguments, and their
//! verification.
//!
//! A customer's sign-in compares the `password` argument with three kinds of credential, in this
//! order:
//!
//! 1. the account's password;
//! 2. the account's reset tokens;
//! 3. the one-time codes that admin users generated for the account.
//!
//! The first credential that matches decides: a password or a reset token signs the customer in,
//! and a one-time code gives an admin user an assistance token. With
//! [`AuthConfig::steps`](crate::AuthConfig::steps), a host can leave out reset tokens and one-time
//! codes, but cannot change the order.

mod breached;
mod one_time;
mod password;
#[cfg(feature = "qr")]
mod qr;
mod secret_text;
mod totp;
mod typed_code;

pub use breached::{BreachedPasswords, PasswordSha1};
pub use one_time::{ConfirmationToken, EnrolmentToken, OneTimeCode, RecoveryCode, ResetToken, UnlockToken};
pub use password::{Argon2Params, HashingStats, ParamsError, PasswordPolicy};
pub(crate) use password::{HashingPool, Lane, Line, StartError, Verified, Work};
#[cfg(feature = "qr")]
pub(crate) use qr::{qr_png_base64, qr_svg};
pub use secret_text::SecretText;
pub use totp::{TotpSecret, TotpSecretError};
pub(crate) use typed_code::TypedCode;

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, Field, InputError};

/// A secret that a client presents to prove an identity.
///
/// In the `password` argument, the credential is a password, a reset token or a one-time code. In
/// the `otp` argument of an admin user's sign-in, it is a code of an authenticator or a recovery
/// code.
///
/// So that a host does not reveal the credential by mistake, the type has no `Display`, no
/// `Serialize` and no `PartialEq`, and `Debug` does not show the credential. The credential is
/// wiped from memory when dropped.
#[derive(Clone)]
pub struct Credential(SecretString);

impl Credential {
    /// Maximum length of a credential, in bytes.
    pub const MAX_BYTES: usize = 1024;

    pub(crate) fn bytes(&self) -> &[u8] {
        self.text().as_bytes()
    }

    pub(crate) fn text(&self) -> &str {
        self.0.expose_secret()
    }

    /// Refuses an empty credential, and a credential of more than 1,024 bytes. An operation calls
    /// this function before it does any other work with the credential.
    pub(crate) fn check_bounds(&self, field: Field) -> Result<(), Error> {
        match self.bytes().len() {
            0 => Err(Error::Input(InputError::Required(field))),
            1..=Self::MAX_BYTES => Ok(()),
            _ => Err(Error::Input(InputError::PasswordTooLong)),
        }
    }
}

impl From<&str> for Credential {
    fn from(text: &str) -> Self {
        Self(SecretString::from(text))
    }
}

impl From<String> for Credential {
    fn from(text: String) -> Self {
        Self(SecretString::from(text))
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(..)")
    }
}
