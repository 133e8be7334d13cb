use async_graphql::{Request, Value, Variables};
use axum::{
    body::Bytes,
    extract::{FromRequest, Query, Request as HttpRequest},
    response::IntoResponse,
};
use http::{Method, StatusCode};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Map, Value as JsonValue, from_slice, from_str};

use crate::http::is_json;

type JsonMap = Map<String, JsonValue>;

/// The parameters of a request, in the query of a GET or in the body of a POST.
pub(super) enum Asked {
    Request(Box<Request>),
    /// A persisted query, by its hash alone. The server keeps none, and answers so. The client then sends the whole query.
    PersistedQuery,
}

impl<S: Send + Sync> FromRequest<S> for Asked {
    /// 400, 413 or 415.
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
            // Some clients on Windows begin with a byte order mark, which RFC 8259 section 8.1 allows to ignore.
            from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body)).ok()
        } else {
            let parameters = Query::<InQuery>::try_from_uri(request.uri()).ok();
            parameters.and_then(|Query(parameters)| parameters.decoded())
        };
        parameters.and_then(Parameters::asked).ok_or(StatusCode::BAD_REQUEST)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    query: Option<String>,
    operation_name: Option<String>,
    #[serde(default, deserialize_with = "map")]
    variables: JsonMap,
    #[serde(default, deserialize_with = "map")]
    extensions: JsonMap,
}

impl Parameters {
    fn asked(self) -> Option<Asked> {
        let has_query = self.query.as_ref().is_some_and(|query| !query.is_empty());
        if !has_query && self.extensions.get("persistedQuery").is_some_and(JsonValue::is_object) {
            return Some(Asked::PersistedQuery);
        }
        let variables = Variables::from_json(JsonValue::Object(self.variables));
        let mut request = Request::new(self.query?).variables(variables);
        // Some clients send an empty name for none.
        request.operation_name = self.operation_name.filter(|name| !name.is_empty());
        for (name, value) in self.extensions {
            request.extensions.insert(name, Value::from_json(value).ok()?);
        }
        Some(Asked::Request(request.into()))
    }
}

/// In a query, maps are JSON in a text, and an empty text is none.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InQuery {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

impl InQuery {
    fn decoded(self) -> Option<Parameters> {
        let map = |text: Option<String>| match text.filter(|text| !text.is_empty()) {
            Some(text) => from_str(&text).ok().and_then(as_map),
            None => Some(JsonMap::new()),
        };
        Some(Parameters {
            query: self.query,
            operation_name: self.operation_name,
            variables: map(self.variables)?,
            extensions: map(self.extensions)?,
        })
    }
}

fn map<'de, D: Deserializer<'de>>(deserializer: D) -> Result<JsonMap, D::Error> {
    as_map(JsonValue::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("a map is expected"))
}

/// A map, as PHP writes it too: it has no other empty array than `[]`.
fn as_map(value: JsonValue) -> Option<JsonMap> {
    match value {
        JsonValue::Object(map) => Some(map),
        JsonValue::Null => Some(JsonMap::new()),
        JsonValue::String(text) if text.is_empty() => Some(JsonMap::new()),
        JsonValue::Array(list) if list.is_empty() => Some(JsonMap::new()),
        _ => None,
    }
}
