use async_graphql::{Request, Variables};
use axum::{
    body::Bytes,
    extract::{FromRequest, Query, Request as HttpRequest},
    response::IntoResponse,
};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, from_slice, from_str, from_value};

use crate::http::is_json;

/// The parameters of a GraphQL request, from the query string of a GET or the body of a POST.
pub(super) enum Asked {
    Request(Box<Request>),
    /// The client has sent only the hash of a persisted query. The server stores no queries, so it
    /// returns an error, and the client then sends the whole query.
    PersistedQuery,
}

impl<S: Send + Sync> FromRequest<S> for Asked {
    /// The error is the status of the response: 400, 413 or 415.
    type Rejection = StatusCode;

    async fn from_request(request: HttpRequest, state: &S) -> Result<Self, StatusCode> {
        let parameters = if request.method() == Method::POST {
            if !is_json(request.headers()) {
                return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
            }
            let body = Bytes::from_request(request, state).await.map_err(|unread| {
                let status = unread.into_response().status();
                if status == StatusCode::PAYLOAD_TOO_LARGE { status } else { StatusCode::BAD_REQUEST }
            })?;
            // Some Windows clients send a byte order mark, which RFC 8259 section 8.1 allows a
            // reader to ignore.
            from_slice::<Parameters>(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body)).ok()
        } else {
            let parameters = Query::<Parameters>::try_from_uri(request.uri()).ok();
            parameters.and_then(|Query(parameters)| parameters.decoded())
        };
        parameters.and_then(Parameters::asked).ok_or(StatusCode::BAD_REQUEST)
    }
}

/// The parameters of a request as the client sent them. The crate reads them itself, because
/// async-graphql ignores `operationName` in a query string, and refuses empty maps in the form that
/// PHP sends (`[]`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    query: Option<String>,
    operation_name: Option<String>,
    #[serde(default)]
    variables: Value,
    #[serde(default)]
    extensions: Value,
}

impl Parameters {
    /// Decodes the variables and extensions of a query string, which are JSON texts there.
    fn decoded(mut self) -> Option<Self> {
        for map in [&mut self.variables, &mut self.extensions] {
            if let Value::String(json) = map
                && !json.is_empty()
            {
                *map = from_str(json).ok()?;
            }
        }
        Some(self)
    }

    fn asked(self) -> Option<Asked> {
        let (variables, extensions) = (as_map(self.variables)?, as_map(self.extensions)?);
        let has_query = self.query.as_ref().is_some_and(|query| !query.is_empty());
        if !has_query && extensions.get("persistedQuery").is_some_and(Value::is_object) {
            return Some(Asked::PersistedQuery);
        }
        let mut request = Request::new(self.query?).variables(Variables::from_json(variables));
        // Some clients send an empty operation name if they have none.
        request.operation_name = self.operation_name.filter(|name| !name.is_empty());
        request.extensions = from_value(extensions).ok()?;
        Some(Asked::Request(request.into()))
    }
}

/// Returns a value as a map. Null, an empty text and `[]`, which PHP writes for an empty map, count
/// as an empty map. Returns `None` for any other value that is not a map.
fn as_map(value: Value) -> Option<Value> {
    match value {
        Value::Object(_) => Some(value),
        Value::Null => Some(Map::new().into()),
        Value::String(text) if text.is_empty() => Some(Map::new().into()),
        Value::Array(list) if list.is_empty() => Some(Map::new().into()),
        _ => None,
    }
}
