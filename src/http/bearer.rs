use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};

/// The reason why the headers of a request are refused, before any route handles the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The request has more than one `Authorization` header. A client must use one method per
    /// request (RFC 6750 section 2).
    #[error("Only one Authorization header is allowed.")]
    RepeatedAuthorization,
    /// The `Authorization` header has more than 1,024 bytes.
    #[error("The Authorization header is too long.")]
    AuthorizationTooLong,
    /// The `Store` header, or the path, has a store code that belongs to no website.
    #[error("Requested store is not found")]
    UnknownStore,
}

/// Maximum length of an `Authorization` header, in bytes. The crate's tokens have 32 bytes. Tokens
/// of other systems, such as JWTs, usually have a few hundred bytes. Such a token is within this
/// limit, and is refused as an invalid token.
const MAX_BYTES: usize = 1024;

/// Returns the bearer token from the `Authorization` header of a request. A token in the URL is
/// ignored, because servers and browsers store URLs in logs and histories.
///
/// The header is parsed as Commerce does: the scheme `Bearer` in upper or lower case, one space,
/// the token. The request is anonymous if the header is missing or has any other form, for example
/// another scheme, or the scheme without a token. Storefronts send the scheme without a token after
/// a sign-out.
pub(super) fn bearer_token(headers: &HeaderMap) -> Result<Option<&str>, HeaderError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().map_or(&b""[..], HeaderValue::as_bytes);
    if values.next().is_some() {
        return Err(HeaderError::RepeatedAuthorization);
    }
    if value.len() > MAX_BYTES {
        return Err(HeaderError::AuthorizationTooLong);
    }
    let Ok(value) = str::from_utf8(value) else { return Ok(None) };
    Ok(match value.split_once(' ') {
        Some((scheme, token))
            if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(' ') =>
        {
            Some(token)
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<Option<String>, HeaderError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        bearer_token(&headers).map(|token| token.map(str::to_owned))
    }

    #[test]
    fn the_scheme_is_read_in_any_case() {
        for value in ["Bearer abc", "bearer abc", "BEARER abc", "bEaReR abc"] {
            assert_eq!(read(&[value]), Ok(Some("abc".into())), "{value}");
        }
    }

    #[test]
    fn what_is_no_bearer_token_is_a_guests() {
        for value in
            ["", "Bearer", "Bearer ", "Bearer  abc", "Bearer a b", "Basic YWJj", "OAuth x", "Bearerabc"]
        {
            assert_eq!(read(&[value]), Ok(None), "{value}");
        }
        assert_eq!(read(&[]), Ok(None));
    }

    #[test]
    fn one_method_a_request_and_no_long_one() {
        assert_eq!(read(&["Bearer a", "Bearer a"]), Err(HeaderError::RepeatedAuthorization));
        assert_eq!(read(&["Basic YWJj", "Bearer a"]), Err(HeaderError::RepeatedAuthorization));
        let longest = format!("Bearer {}", "a".repeat(MAX_BYTES - 7));
        assert!(read(&[&longest]).is_ok_and(|token| token.is_some()));
        assert_eq!(read(&[&format!("{longest}a")]), Err(HeaderError::AuthorizationTooLong));
    }
}
