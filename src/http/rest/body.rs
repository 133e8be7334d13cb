use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::RestError;

/// The JSON body of a REST request. No error repeats what was sent, which may be a password in the
/// wrong place.
///
/// An empty body, `null` and `[]` stand for an object without fields: PHP writes no fields as an
/// empty list. Other bodies must say that they are `application/json`. The host bounds their size
/// by axum's `DefaultBodyLimit`; they nest 128 levels deep at most.
///
/// The type it holds says by serde what it takes. To read fields as Commerce does, let it ignore
/// unknown fields, and give each field its other name by `alias`: serde then refuses a field that
/// is given under both.
///
/// ```
/// use axum::Json;
/// use commerce_auth::http::rest::Body;
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// #[serde(rename_all = "camelCase")]
/// struct Subscription {
///     #[serde(alias = "website_id")]
///     website_id: Option<u32>,
/// }
///
/// async fn subscribe(Body(body): Body<Subscription>) -> Json<bool> {
///     Json(body.website_id == Some(1))
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs)]
pub struct Body<T>(pub T);

impl<T> Body<T> {
    /// Longest body of the crate's own routes, in bytes.
    pub(super) const MAX_BYTES: usize = 16 * 1024;
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = RestError;

    async fn from_request(request: Request, state: &S) -> Result<Self, RestError> {
        let is_json = is_json(request.headers());
        let body = match Bytes::from_request(request, state).await {
            Ok(body) => body,
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                return Err(RestError::new(StatusCode::PAYLOAD_TOO_LARGE, "The request body is too large."));
            }
            Err(_) => {
                return Err(RestError::new(StatusCode::BAD_REQUEST, "The request body could not be read."));
            }
        };
        if !is_json && !body.is_empty() {
            let message = "The content type must be application/json.";
            return Err(RestError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
        }
        match parse(&body) {
            Ok(body) => Ok(Self(body)),
            Err(error) => Err(RestError::new(
                StatusCode::BAD_REQUEST,
                match error.classify() {
                    Category::Data => {
                        "The request body must be a JSON object with the fields of the route, each once and of its type."
                    }
                    _ => "Decoding error: the request body is not valid JSON.",
                },
            )),
        }
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    let parsed = serde_json::from_slice(body);
    // Asked second: a list may be what the type takes.
    if parsed.is_err() && has_no_fields(body) { serde_json::from_slice(b"{}") } else { parsed }
}

fn has_no_fields(body: &[u8]) -> bool {
    let text = body.trim_ascii();
    let list = text.strip_prefix(b"[").and_then(|text| text.strip_suffix(b"]"));
    matches!(text, b"" | b"null") || list.is_some_and(|inside| inside.trim_ascii().is_empty())
}

/// `application/json`, or a type that is written as JSON (RFC 6839 section 3.1).
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.split_once('/') {
        Some(("application", subtype)) => subtype == "json" || subtype.ends_with("+json"),
        _ => false,
    }
}
