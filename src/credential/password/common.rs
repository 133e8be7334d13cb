//! Common passwords: a filter of the lists of Django and zxcvbn, and a check for runs of
//! characters.
//!
//! `.ci/common-passwords` makes the filter; `common/LICENSES.md` names the lists and their
//! licences.

use siphasher::sip::SipHasher24;
use xorf::{BinaryFuse16, BinaryFuse16Ref, DmaSerializable, Filter, FilterRef};

/// Maximum number of digits and signs around a common password, and of digits beside context words,
/// with which a password still counts as guessable.
pub(super) const MOST_ADDED: usize = 8;

const FILE: &[u8; FILE_LEN] = include_bytes!("common/filter.bin");
const FILE_LEN: usize = include_bytes!("common/filter.bin").len();

/// Aligns the bytes of the filter's file to two bytes, because `BinaryFuse16Ref` reads fingerprints
/// of two bytes directly from it.
#[repr(C, align(2))]
struct Aligned([u8; FILE_LEN]);

static FILTER: Aligned = Aligned(in_native_order(*FILE));

/// Converts the pairs of bytes of the filter's file from little-endian to the byte order of this
/// machine.
const fn in_native_order(mut bytes: [u8; FILE_LEN]) -> [u8; FILE_LEN] {
    if cfg!(target_endian = "big") {
        let (_, mut rest) = bytes.split_at_mut(BinaryFuse16::DESCRIPTOR_LEN);
        while let [first, second, others @ ..] = rest {
            (*first, *second) = (*second, *first);
            rest = others;
        }
    }
    bytes
}

/// True if a password, which is given in lower case, is common.
///
/// True if a password is on the list or is a run of characters. Also true if the rest of the
/// password is on the list after digits and signs are removed at the beginning and end. They are
/// removed only if there are at most [`MOST_ADDED`] of them or they form a run.
pub(super) fn is_common(password: &str) -> bool {
    if is_run(password.chars()) || is_listed(password) {
        return true;
    }
    let core = password.trim_matches(|char: char| !char.is_alphabetic());
    let Some((before, after)) = password.split_once(core) else { return false };
    let added = before.chars().chain(after.chars());
    (added.clone().count() <= MOST_ADDED || is_run(added)) && is_listed(core)
}

/// True for every password on the list. Also true, by mistake, for one in 65,536 passwords that are
/// not on the list, because the list is stored as a filter. [`is_common`] calls this function twice
/// for a password. So for at most two in 65,536 such passwords, its result is wrong.
fn is_listed(password: &str) -> bool {
    let (descriptor, fingerprints) = FILTER.0.split_at(BinaryFuse16::DESCRIPTOR_LEN);
    let filter = BinaryFuse16Ref::from_dma(descriptor, fingerprints);
    filter.contains(&SipHasher24::new().hash(password.as_bytes()))
}

/// True if all characters are equal, or if they go up or down by one from character to character:
/// `aaaa`, `abcd`, `4321`, `8901`.
fn is_run(chars: impl Iterator<Item = char> + Clone) -> bool {
    let step = |(one, next): (char, char)| match (one, next) {
        ('9', '0') => 1,
        ('0', '9') => -1,
        _ => i64::from(u32::from(next)) - i64::from(u32::from(one)),
    };
    let mut steps = chars.clone().zip(chars.skip(1)).map(step);
    steps.next().is_none_or(|first| (-1..=1).contains(&first) && steps.all(|step| step == first))
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_filter_is_the_one_that_the_script_made() {
        let digest = base16ct::lower::encode_string(&Sha256::digest(FILE));
        assert_eq!(digest, "88c3a0c287283d91cc066fb59e2b628b5f860e371f8a8dabf19d0642bdfa4e12");
        assert!(FILE.len() <= 150_000);
    }

    #[test]
    fn one_in_65536_others_is_refused() {
        let wrong = (0..1_000_000).filter(|number| is_listed(&format!("a good password, {number}"))).count();
        assert!((5..=30).contains(&wrong), "{wrong} of 1,000,000");
    }

    #[test]
    fn runs() {
        for run in
            ["", "a", "               ", "aaaaaaaa", "abcdefgh", "87654321", "123456789012345", "3210987"]
        {
            assert!(is_run(run.chars()), "{run}");
        }
        for other in ["aab", "acegik", "1357", "112233", "123455"] {
            assert!(!is_run(other.chars()), "{other}");
        }
    }

    #[test]
    fn digits_and_signs_do_not_make_a_common_password_a_good_one() {
        for common in
            ["password", "p@ssw0rd", "password1", "!!password2024", "12password345678", "password1234567890"]
        {
            assert!(is_common(common), "{common}");
        }
        for good in
            ["password 82 and 41", "pass-word-horse", "love#82937461", "482910384756102", "#?!§$%&/()=!!!+"]
        {
            assert!(!is_common(good), "{good}");
        }
    }
}
