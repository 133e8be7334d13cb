//! Credentials: what is presented in the `password` and `otp` arguments, and how it is judged.
//!
//! A sign-in tries an ordered chain, first match wins: the account's password, a one-time reset token, an
//! admin-generated one-time code. The chain can be narrowed
//! ([`AuthConfig::steps`](crate::AuthConfig::steps)), never reordered.

mod breached;
mod one_time;
mod password;
#[cfg(feature = "qr")]
mod qr;
mod totp;
mod typed_code;

pub use breached::{BreachedPasswords, PasswordSha1};
pub use one_time::{ConfirmationToken, EnrolmentToken, OneTimeCode, RecoveryCode, ResetToken, UnlockToken};
pub use password::{Argon2Params, HashingStats, ParamsError, PasswordPolicy};
pub(crate) use password::{HashingPool, Lane, Line, StartError, Verified, Work};
#[cfg(feature = "qr")]
pub(crate) use qr::{qr_png_base64, qr_svg};
pub use totp::{TotpSecret, TotpSecretError};
pub(crate) use typed_code::TypedCode;

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, Field, InputError};

/// What is presented in the `password` argument (a password, a reset token or a one-time code) or, by an admin user, in the
/// `otp` argument (a code of an authenticator or a recovery code).
///
/// Its `Debug` shows nothing, it has no `Display`, no `Serialize` and no `PartialEq`, and it is wiped from
/// memory when dropped.
#[derive(Clone)]
pub struct Credential(SecretString);

impl Credential {
    /// Longest credential accepted, in bytes.
    pub const MAX_BYTES: usize = 1024;

    pub(crate) fn bytes(&self) -> &[u8] {
        self.text().as_bytes()
    }

    pub(crate) fn text(&self) -> &str {
        self.0.expose_secret()
    }

    /// Refuses what is empty or over-long, before any work is done on it.
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
