/// An e-mail address or a user name without the ASCII white space round it, which phone keyboards
/// and forms add.
///
/// For the arguments of both APIs: the core takes them as they are, and refuses white space.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_ascii()
}
