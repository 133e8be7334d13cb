use icu_properties::{CodePointSetData, props::DefaultIgnorableCodePoint};

/// Returns an e-mail address or a user name without the white space and invisible characters around
/// it. Phone keyboards, forms and copying add such characters. Commerce (PHP's `trim`) also removes
/// NUL.
///
/// Both adapters trim these arguments. The core does not trim them, and refuses white space.
pub(crate) fn trimmed(text: &str) -> &str {
    let is_invisible = |char| CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(char);
    text.trim_matches(|char: char| char.is_whitespace() || char == '\0' || is_invisible(char))
}
