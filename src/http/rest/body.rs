use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::Segment;

use super::RestError;
use crate::http::is_json;

/// The JSON body of a REST request. If a field of the body cannot be read, the error names the
/// field. The error does not repeat the field's value, because the client may have sent a password
/// in the wrong field.
///
/// A body of at least one byte needs the content type `application/json`, or another type that
/// begins with `application/` and ends in `+json`. A body of zero bytes needs no content type. The
/// host limits the size of bodies with axum's `DefaultBodyLimit`.
///
/// A body is first read as `T`. If this fails, then a body of zero bytes, of white space, `null` or
/// `[]` counts as an object without fields. PHP encodes such an object as `[]`.
///
/// Objects and lists that `T` reads may be nested at most 127 levels deep. The body itself is the
/// first level. A body with more levels is refused. A value that `T` ignores may be nested deeper,
/// because the parser skips it without recursion.
///
/// `T` is a type that serde deserializes, and its fields are the fields of the body. To read a body
/// as Commerce does, let `T` ignore unknown fields, and give each field its snake_case name with
/// `alias`. If a client sends a field under both names, serde then refuses the body.
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
    /// Maximum size of a body on the crate's own routes, in bytes.
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
        parse(&body).map(Self)
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, RestError> {
    let parsed = read(body);
    // Some types can be deserialized from a list, so the body is parsed as `T` before `[]` counts
    // as an empty object.
    if parsed.is_err() && has_no_fields(body) { read(b"{}") } else { parsed }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, RestError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json)
        .map_err(|unread| refused(unread.inner(), unread.path().iter().next_back()))?;
    json.end().map_err(|error| refused(&error, None))?;
    Ok(value)
}

/// Maps an error of serde to an error for the client. The result names the field but not the value,
/// which may be a secret.
fn refused(error: &serde_json::Error, place: Option<&Segment>) -> RestError {
    let (text, field) = (error.to_string(), |name: &str| name.chars().take(64).collect::<String>());
    let named = |words: &str| text.strip_prefix(words)?.split('`').next().map(field);
    let (message, field) = if error.classify() != Category::Data {
        ("Decoding error: the request body is not valid JSON.", None)
    } else if let Some(field) = named("duplicate field `") {
        (r#""%fieldName" is given more than once."#, Some(field))
    } else if let Some(field) = named("missing field `") {
        (r#""%fieldName" is required. Enter and try again."#, Some(field))
    } else if let Some(Segment::Map { key }) = place {
        (r#"Invalid value for "%fieldName"."#, Some(field(key)))
    } else {
        (
            "The request body must be a JSON object with the fields of the route, each once and of its type.",
            None,
        )
    };
    let refused = RestError::new(StatusCode::BAD_REQUEST, message);
    match field {
        Some(field) => refused.with("fieldName", field),
        None => refused,
    }
}

fn has_no_fields(body: &[u8]) -> bool {
    let text = body.trim_ascii();
    let list = text.strip_prefix(b"[").and_then(|text| text.strip_suffix(b"]"));
    matches!(text, b"" | b"null") || list.is_some_and(|inside| inside.trim_ascii().is_empty())
}
