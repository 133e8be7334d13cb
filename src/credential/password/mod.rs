//! Passwords: Argon2id hashes in PHC strings, made and checked in a bounded pool; and the policy for new
//! ones.

mod argon2id;
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

/// The bytes that are hashed: the password in Unicode's normal form C (NIST SP 800-63B-4 section 3.1.1.2), so
/// that the same password typed on another keyboard is the same password. Nothing is trimmed, folded or cut.
fn normalised(password: &Credential) -> Zeroizing<Vec<u8>> {
    let normal = Zeroizing::new(match ComposingNormalizer::new_nfc().normalize(password.text()) {
        Cow::Borrowed(text) => text.to_owned(),
        Cow::Owned(text) => text,
    });
    Zeroizing::new(normal.as_bytes().to_vec())
}
