use icu_properties::{CodePointSetData, props::DefaultIgnorableCodePoint};
use zeroize::Zeroizing;

use super::Credential;
use crate::token::Digest;

/// A second-factor code that an admin user typed, in a normalised form. It is a code of an
/// authenticator or a recovery code.
///
/// The normalisation accepts the usual ways to type or copy a code:
///
/// - Apps show codes in groups, and copying may add invisible characters. So white space, hyphens,
///   dashes and invisible characters are removed.
/// - Some keyboards type the digits of another script, such as Arabic, or fullwidth characters.
///   These become ASCII.
/// - Capital letters become lower case.
pub(crate) struct TypedCode(Zeroizing<String>);

impl TypedCode {
    /// Normalises the text of a credential. The caller has checked that the credential is not too
    /// long.
    pub(crate) fn of(code: &Credential) -> Self {
        // The buffer is as long as the text, and no character becomes longer. So the buffer is not
        // reallocated. A reallocation would leave a copy of the code in memory.
        let mut plain = Zeroizing::new(String::with_capacity(code.text().len()));
        plain.extend(code.text().chars().filter(|char| !is_decoration(*char)).map(to_ascii));
        Self(plain)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the digest of the code, if the code has the form of a recovery code. The store finds
    /// a recovery code by this digest.
    pub(crate) fn recovery_code(&self) -> Option<Digest> {
        let is_code = self.0.len() == 32 && self.0.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_code.then(|| Digest::of(self.0.as_bytes()))
    }
}

fn is_decoration(char: char) -> bool {
    let is_dash = matches!(char, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}');
    is_dash || char.is_whitespace() || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(char)
}

/// The digit zero in each script whose keyboards type digits of the script. In Unicode, the digits
/// 1 to 9 follow the zero.
const ZEROS: [char; 5] = ['٠', '۰', '०', '০', '๐'];

fn to_ascii(char: char) -> char {
    let offset = |base: char| u32::from(char).checked_sub(base.into());
    let digit = ZEROS.into_iter().filter_map(offset).find_map(|digit| char::from_digit(digit, 10));
    // U+FF01 to U+FF5E are the fullwidth forms of the printable ASCII characters.
    let fullwidth = || char::from_u32(offset('！')?.checked_add('!'.into())?).filter(char::is_ascii_graphic);
    digit.or_else(fullwidth).unwrap_or(char).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        TypedCode::of(&text.into()).as_str().to_owned()
    }

    #[test]
    fn a_code_is_what_was_meant() {
        for text in [
            "123456",
            "123 456",
            " 123456\n",
            "12 34 56",
            "123-456",
            "123\u{a0}456",
            "123\u{2009}456",
            "123\u{3000}456",
            "\u{202a}123456\u{202c}",
            "123\u{200b}456",
            "１２３４５６",
            "１２３　４５６",
            "١٢٣٤٥٦",
            "۱۲۳۴۵۶",
            "१२३४५६",
            "১২৩৪৫৬",
            "๑๒๓๔๕๖",
        ] {
            assert_eq!(plain(text), "123456", "{text:?}");
        }
        assert_eq!(plain("００９９"), "0099");
    }

    #[test]
    fn what_is_no_decoration_stays() {
        for text in ["", "12345", "+123456", "123.456", "12345²", "⑥", "Ⅻ", "12345é"] {
            assert_eq!(plain(text), text, "{text}");
        }
    }

    #[test]
    fn a_recovery_code_is_what_was_meant() {
        let shown = "0123456789abcdef0123456789abcdef";
        let digest = Some(Digest::of(shown.as_bytes()));
        for text in [
            shown,
            "0123-4567-89ab-cdef-0123-4567-89ab-cdef",
            "01234567 89ABCDEF 01234567 89ABCDEF\n",
            "０１２３４５６７８９ａｂｃｄｅｆ０１２３４５６７８９ＡＢＣＤＥＦ",
            "01234567–89abcdef–01234567–89abcdef",
        ] {
            assert_eq!(TypedCode::of(&text.into()).recovery_code(), digest, "{text}");
        }
        for text in [
            "",
            "123456",
            "0123456789abcdef0123456789abcdeg",
            shown.trim_start_matches('0'),
            &format!("{shown}0"),
        ] {
            assert_eq!(TypedCode::of(&text.into()).recovery_code(), None, "{text}");
        }
    }
}
