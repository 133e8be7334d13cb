use axum::{
    Json,
    extract::{FromRequest, Request, rejection::JsonRejection},
};
use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, de::DeserializeOwned};

use super::RestError;
use crate::credential::Credential;
pub(super) use crate::http::to_its_end;

/// The JSON body of a REST request, strictly: what a client sends and the route does not know is an error, and no error
/// repeats what was sent, which may be a password in the wrong place.
///
/// Let the type it holds derive `Deserialize` with `deny_unknown_fields`; a field twice is refused by serde.
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
        match Json::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(refusal(&rejection)),
        }
    }
}

fn refusal(rejection: &JsonRejection) -> RestError {
    match rejection {
        JsonRejection::MissingJsonContentType(_) => {
            RestError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The content type must be application/json.")
        }
        JsonRejection::JsonSyntaxError(_) => {
            RestError::new(StatusCode::BAD_REQUEST, "Decoding error: the request body is not valid JSON.")
        }
        JsonRejection::JsonDataError(_) => RestError::new(
            StatusCode::BAD_REQUEST,
            "The request body has an unknown field, a field twice, or a field of another type.",
        ),
        _ if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            RestError::new(StatusCode::PAYLOAD_TOO_LARGE, "The request body is too large.")
        }
        _ => RestError::new(StatusCode::BAD_REQUEST, "The request body could not be read."),
    }
}

/// A secret of a body: wiped from memory when dropped, and never shown.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Secret(Option<SecretString>);

impl Secret {
    pub(super) fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|secret| secret.expose_secret().is_empty())
    }
}

impl From<Secret> for Credential {
    fn from(Secret(secret): Secret) -> Self {
        Self::from(secret.as_ref().map_or("", |secret| secret.expose_secret()))
    }
}

/// The names of those fields that are empty, if any is.
pub(super) fn require(fields: &[(&'static str, bool)]) -> Result<(), RestError> {
    let missing: Vec<&str> = fields.iter().filter(|(_, empty)| *empty).map(|(name, _)| *name).collect();
    if missing.is_empty() { Ok(()) } else { Err(RestError::required(&missing)) }
}
