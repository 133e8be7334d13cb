//! Passwords: Argon2id hashes in PHC strings, a pool of threads that computes the hashes, and the
//! policy for new passwords.

mod argon2id;
mod common;
mod context;
#[cfg(feature = "fast-argon2")]
mod fast;
mod memory;
mod plain;
mod policy;
mod pool;
mod queue;
mod work;

pub use argon2id::{Argon2Params, ParamsError};
pub use policy::PasswordPolicy;
pub use pool::HashingStats;
pub(crate) use pool::{HashingPool, StartError, Verified};
pub(crate) use queue::{Lane, Line};
pub(crate) use work::Work;

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizer;
use zeroize::Zeroizing;

use super::Credential;

/// Returns the bytes to hash: the password in Unicode's normal form C (NIST SP 800-63B-4 section
/// 3.1.1.2).
///
/// Keyboards encode some letters in different ways. After the normalisation, the same password has
/// the same bytes on every keyboard. The password is not trimmed, not converted to lower case and
/// not shortened.
pub(super) fn normalised(password: &Credential) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(nfc(password.text()).as_bytes().to_vec())
}

/// Returns the form in which a new password is compared with the list of common passwords and with
/// context words: lower case and normal form C. Lower case is used because attackers try common
/// passwords in upper and lower case. Normal form C is used because one text has several encodings.
fn canonical(text: &str) -> Zeroizing<String> {
    nfc(&Zeroizing::new(text.to_lowercase()))
}

fn nfc(text: &str) -> Zeroizing<String> {
    Zeroizing::new(match ComposingNormalizer::new_nfc().normalize(text) {
        Cow::Borrowed(text) => text.to_owned(),
        Cow::Owned(text) => text,
    })
}
