use icu_properties::{CodePointSetData, props::DefaultIgnorableCodePoint};

/// An e-mail address or a user name without the white space and the invisible characters round it,
/// which phone keyboards, forms and copying add. Commerce (PHP's `trim`) takes NUL away as well.
///
/// For the arguments of both APIs: the core takes them as they are, and refuses white space.
pub(crate) fn trimmed(text: &str) -> &str {
    let is_invisible = |char| CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(char);
    text.trim_matches(|char: char| char.is_whitespace() || char == '\0' || is_invisible(char))
}
