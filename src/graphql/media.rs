use std::collections::BTreeMap;

use async_graphql::{Response, ServerError, Value};
use axum::response::IntoResponse;
use http::{
    HeaderMap, StatusCode,
    header::{ACCEPT, CONTENT_TYPE},
};
use serde::Serialize;

use super::{
    Category,
    error::{refusal, status},
};
use crate::error::Error;

/// The media type of a GraphQL response over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    Json,
    GraphQl,
}

impl Media {
    /// Returns the media type that the client prefers: `application/graphql-response+json` or JSON.
    /// If the client accepts neither of the two, returns JSON, as Commerce does.
    pub(super) fn accepted(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
        let ranges: Vec<Range> = lines.flat_map(|line| line.split(',')).filter_map(Range::parse).collect();
        let json = Range::best(&ranges, "application/json");
        let graphql = Range::best(&ranges, "application/graphql-response+json");
        match graphql {
            // The type `application/graphql-response+json` is chosen if its quality value is higher
            // than that of JSON. If the values are equal, the type that comes first in the header
            // is chosen.
            Some((quality, place))
                if json
                    .is_none_or(|(json, before)| quality > json || (quality == json && place < before)) =>
            {
                Self::GraphQl
            }
            _ => Self::Json,
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphQl => "application/graphql-response+json; charset=utf-8",
        }
    }

    pub(super) fn status(self, response: &Response) -> StatusCode {
        match self {
            Self::Json => status(response),
            Self::GraphQl if response.data != Value::Null => StatusCode::OK,
            Self::GraphQl => match status(response) {
                StatusCode::OK if response.is_err() => StatusCode::BAD_REQUEST,
                status => status,
            },
        }
    }

    pub(super) fn refuse(self, status: StatusCode, message: &str) -> axum::response::Response {
        self.answer(status, &refusal(Category::Input.error(message)))
    }

    pub(super) fn answer(self, status: StatusCode, response: &Response) -> axum::response::Response {
        // If nothing was executed, the response has no field `data`.
        let unrun = response.errors.iter().all(|error| error.path.is_empty());
        let body = JsonBody {
            data: Some(&response.data).filter(|data| !(unrun && **data == Value::Null)),
            extensions: &response.extensions,
            errors: &response.errors,
        };
        let Ok(body) = serde_json::to_string(&body) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let mut answer = (status, [(CONTENT_TYPE, self.content_type())], body).into_response();
        answer.headers_mut().extend(response.http_headers.clone());
        let sources = response.errors.iter().filter_map(|error| error.source.clone());
        if let Some(cause) = sources.filter_map(|source| source.downcast::<Error>().ok()).next() {
            answer.extensions_mut().insert(cause);
        }
        answer
    }
}

/// The JSON body of a response. A struct keeps the order of the fields. A JSON map would sort them.
#[derive(Serialize)]
struct JsonBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extensions: &'a BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
}

/// One range of an `Accept` header (RFC 9110 section 12.5.1).
#[derive(Debug)]
struct Range {
    name: String,
    quality: f32,
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
        let name = parts.next().filter(|name| !name.is_empty())?;
        let quality = parts.find_map(|part| part.strip_prefix("q=").and_then(|quality| quality.parse().ok()));
        Some(Self { name, quality: quality.unwrap_or(1.0) })
    }

    /// Returns the quality value of the most specific range that matches a media type, and the
    /// position of this range in the header. Returns `None` if the media type is not accepted.
    fn best(ranges: &[Self], name: &str) -> Option<(f32, usize)> {
        let named = |name: &str| ranges.iter().position(|range| range.name == name);
        let place = named(name).or_else(|| named("application/*")).or_else(|| named("*/*"))?;
        let quality = ranges.get(place)?.quality;
        (quality > 0.0).then_some((quality, place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_media_type_is_answered_with() {
        use Media::{GraphQl, Json};
        for (accept, expected) in [
            ("application/json", Json),
            ("*/*", Json),
            ("application/*", Json),
            ("text/html, */*;q=0.1", Json),
            ("application/graphql-response+json", GraphQl),
            ("application/graphql-response+json, application/json;q=0.9", GraphQl),
            ("application/graphql-response+json, */*", GraphQl),
            ("application/json, application/graphql-response+json", Json),
            ("Application/GraphQL-Response+JSON; charset=utf-8", GraphQl),
            // The higher quality wins, in any order.
            ("application/json;q=0.5, application/graphql-response+json", GraphQl),
            ("application/graphql-response+json;q=0.5, application/json", Json),
            ("application/graphql-response+json;q=0, application/json", Json),
            ("application/graphql-response+json; q=0.0", Json),
            ("application/json;q=0, application/graphql-response+json;q=0.1", GraphQl),
            ("application/json;q=0, */*", GraphQl),
            ("application/graphql-response+json;Q=0.9, application/json;q=0.8", GraphQl),
            ("application/graphql-response+json;q=nonsense, application/json;q=0.8", GraphQl),
            ("application/graphql-response+json;q=NaN, application/json", Json),
            // A client that accepts neither type gets JSON, as from Commerce.
            ("", Json),
            (",", Json),
            ("text/html", Json),
            ("application/graphql+json", Json),
            ("text/html;q=0, image/*", Json),
            ("application/json;q=0", Json),
            ("*/*;q=0", Json),
            ("nonsense", Json),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!(Media::accepted(&headers), expected, "{accept}");
        }
        assert_eq!(Media::accepted(&HeaderMap::new()), Json);
        let mut headers = HeaderMap::new();
        for line in ["application/json;q=0.5", "application/graphql-response+json"] {
            headers.append(ACCEPT, line.parse().unwrap());
        }
        assert_eq!(Media::accepted(&headers), GraphQl);
    }
}
