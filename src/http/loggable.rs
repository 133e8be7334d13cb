use std::borrow::Cow;

/// Returns the path of a request for a log, with the reset token replaced by `<secret>`. Commerce's
/// route `GET /rest/V1/customers/{id}/password/resetLinkToken/{token}` has a reset token in its
/// path.
///
/// If a proxy in front of this service writes an access log, the proxy must hide the token, too.
///
/// ```
/// use commerce_auth::http::loggable_path;
///
/// let path = "/rest/V1/customers/1/password/resetLinkToken/cr0717abzoagxty1xjn4lj13kim36r6x";
/// assert_eq!(loggable_path(path), "/rest/V1/customers/1/password/resetLinkToken/<secret>");
/// assert_eq!(loggable_path("/graphql"), "/graphql");
/// ```
#[must_use]
pub fn loggable_path(path: &str) -> Cow<'_, str> {
    const MARK: &str = "resetlinktoken";
    let lower_case = path.to_ascii_lowercase();
    let end = lower_case.find(MARK).map(|mark| mark.saturating_add(MARK.len()));
    match end.and_then(|end| path.split_at_checked(end)) {
        Some((shown, rest)) if !rest.is_empty() => Cow::Owned(format!("{shown}/<secret>")),
        _ => Cow::Borrowed(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_after_the_mark_is_shown() {
        for (path, shown) in [
            (
                "/rest/V1/customers/1/password/resetLinkToken/abc",
                "/rest/V1/customers/1/password/resetLinkToken/<secret>",
            ),
            (
                "/rest/fr/V1/customers/1/password/resetlinktoken//abc/",
                "/rest/fr/V1/customers/1/password/resetlinktoken/<secret>",
            ),
            ("/é/resetLinkToken%2Fabc", "/é/resetLinkToken/<secret>"),
            ("/resetLinkToken/a/resetLinkToken", "/resetLinkToken/<secret>"),
            ("/rest/V1/customers/1/password/resetLinkToken", "/rest/V1/customers/1/password/resetLinkToken"),
            ("/rest/V1/customers/resetPassword", "/rest/V1/customers/resetPassword"),
            ("", ""),
        ] {
            assert_eq!(loggable_path(path), shown);
        }
    }
}
