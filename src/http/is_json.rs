use http::{HeaderMap, header::CONTENT_TYPE};

/// True if the content type of a request is JSON: `application/json`, or another `application` type
/// that ends in `+json` (RFC 6839 section 3.1).
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.split_once('/') {
        Some(("application", subtype)) => subtype == "json" || subtype.ends_with("+json"),
        _ => false,
    }
}
