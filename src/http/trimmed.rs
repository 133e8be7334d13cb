use icu_properties::{CodePointSetData, props::DefaultIgnorableCodePoint};

/// Returns an e-mail address or a user name without the white space and invisible characters before
/// and after it. Phone keyboards, forms and copying add such characters. Commerce uses PHP's
/// `trim`, which also removes the NUL character.
///
/// The GraphQL adapter and the REST adapter trim e-mail addresses and user names with this
/// function. The operations of [`Auth`](crate::Auth) do not trim them: they refuse an e-mail
/// address with white space, and compare a user name with its spaces.
pub(crate) fn trimmed(text: &str) -> &str {
    let is_invisible = |char| CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(char);
    text.trim_matches(|char: char| char.is_whitespace() || char == '\0' || is_invisible(char))
}
