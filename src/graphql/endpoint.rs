use std::{collections::BTreeMap, sync::Arc};

use async_graphql::{Executor, Name, PathSegment, Request, Response, ServerError, Value, Variables};
use axum::{
    Json,
    extract::{
        DefaultBodyLimit, Query,
        rejection::{JsonRejection, QueryRejection},
    },
    response::IntoResponse,
    routing::{MethodRouter, get},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{ACCEPT, ALLOW, CONTENT_TYPE},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, from_str};

use super::{
    Admission, Category,
    error::{error, refusal, status},
};
use crate::{error::Error, http::Caller};

type JsonMap = Map<String, serde_json::Value>;

/// Longest body, in bytes.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// GraphQL over HTTP, by GET and POST, with Commerce's statuses; needs [`AuthLayer`](crate::http::AuthLayer) around the
/// router.
///
/// Every request is [admitted](Admission). A mutation by GET is refused (405), as are a POST that is not
/// `application/json` (415) and a body of more than 256 KiB (413). A password change runs to its end even if the client goes
/// away.
///
/// A client that prefers `application/graphql-response+json` is answered with the statuses of the
/// [GraphQL over HTTP](https://graphql.github.io/graphql-over-http/) specification: 200 whenever there is data, 400 for a document
/// that is not valid. Any other is answered as Commerce does: 401 and 403 beside data, and 200 for a document that parses and is
/// not valid. The crate's first error, if there is one, stands in the extensions of the response as an `Arc<`[`Error`]`>`, for the host's metrics.
pub fn endpoint<E: Executor, S: Clone + Send + Sync + 'static>(
    executor: E,
    admission: Admission,
) -> MethodRouter<S> {
    let endpoint = Arc::new(Endpoint { executor, admission });
    let by_get = {
        let endpoint = Arc::clone(&endpoint);
        async move |caller: Caller,
                    headers: HeaderMap,
                    asked: Result<Query<Parameters<String>>, QueryRejection>| {
            let Some(media) = Media::accepted(&headers) else { return not_acceptable() };
            let request = asked.ok().and_then(|Query(asked)| asked.decode()).and_then(Parameters::request);
            endpoint.answer(media, caller, request, true).await
        }
    };
    let by_post = async move |caller: Caller,
                              headers: HeaderMap,
                              asked: Result<Json<Parameters<JsonMap>>, JsonRejection>| {
        let Some(media) = Media::accepted(&headers) else { return not_acceptable() };
        match asked {
            Ok(Json(asked)) => endpoint.answer(media, caller, asked.request(), false).await,
            Err(rejection) => media.refuse(unread(&rejection), "Unable to parse the request."),
        }
    };
    get(by_get).post(by_post).layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

fn unread(rejection: &JsonRejection) -> StatusCode {
    match rejection {
        JsonRejection::MissingJsonContentType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        _ if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    }
}

fn not_acceptable() -> axum::response::Response {
    let message = "Accept application/json or application/graphql-response+json.";
    Media::Json.refuse(StatusCode::NOT_ACCEPTABLE, message)
}

struct Endpoint<E> {
    executor: E,
    admission: Admission,
}

impl<E: Executor> Endpoint<E> {
    async fn answer(
        &self,
        media: Media,
        caller: Caller,
        request: Option<Request>,
        by_get: bool,
    ) -> axum::response::Response {
        let Some(request) = request else {
            return media.refuse(StatusCode::BAD_REQUEST, "Unable to parse the request.");
        };
        let admitted = match self.admission.admit(request, caller).await {
            Ok(admitted) => admitted,
            Err(refused) => {
                let status = match status(&refused) {
                    StatusCode::OK => StatusCode::BAD_REQUEST,
                    status => status,
                };
                return media.answer(status, &refused);
            }
        };
        if by_get && admitted.is_mutation() {
            let message = "Mutations are only allowed by POST.";
            let mut refused = media.refuse(StatusCode::METHOD_NOT_ALLOWED, message);
            refused.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return refused;
        }
        let to_its_end = admitted.sets_password();
        let executor = self.executor.clone();
        let executed = async move { executor.execute(admitted.into_request()).await };
        let response = match to_its_end {
            true => tokio::spawn(executed)
                .await
                // It panicked, or the runtime ends.
                .unwrap_or_else(|_| refusal(error(Error::Overloaded))),
            false => executed.await,
        };
        let response = with_nulls(response);
        media.answer(media.status(&response), &response)
    }
}

/// async-graphql leaves a field out whose resolver failed. To a client it is null, by the specification and in Commerce,
/// whose fields are all nullable.
fn with_nulls(mut response: Response) -> Response {
    for error in &response.errors {
        let [PathSegment::Field(name)] = error.path.as_slice() else { continue };
        if response.data == Value::Null {
            response.data = Value::Object(Default::default());
        }
        if let Value::Object(data) = &mut response.data {
            data.entry(Name::new(name)).or_insert(Value::Null);
        }
    }
    response
}

/// A response as it is sent: fields in the order of the answer, which a map of JSON would sort.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extensions: &'a BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
}

/// What a client sends, in the query or in the body.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters<M> {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<M>,
    extensions: Option<M>,
}

impl Parameters<String> {
    /// In a query, maps are written as JSON.
    fn decode(self) -> Option<Parameters<JsonMap>> {
        let map = |text: Option<String>| match text {
            Some(text) => from_str::<Option<JsonMap>>(&text).ok(),
            None => Some(None),
        };
        Some(Parameters {
            query: self.query,
            operation_name: self.operation_name,
            variables: map(self.variables)?,
            extensions: map(self.extensions)?,
        })
    }
}

impl Parameters<JsonMap> {
    fn request(self) -> Option<Request> {
        let variables = Variables::from_json(serde_json::Value::Object(self.variables.unwrap_or_default()));
        let mut request = Request::new(self.query?).variables(variables);
        request.operation_name = self.operation_name;
        for (name, value) in self.extensions.unwrap_or_default() {
            request.extensions.insert(name, Value::from_json(value).ok()?);
        }
        Some(request)
    }
}

/// The media types of GraphQL over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Media {
    Json,
    GraphQl,
}

impl Media {
    /// What the client asks for first; JSON if it does not say.
    fn accepted(headers: &HeaderMap) -> Option<Self> {
        let mut lines = headers.get_all(ACCEPT).iter().peekable();
        if lines.peek().is_none() {
            return Some(Self::Json);
        }
        let types = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
        types.filter_map(|accepted| Self::named(accepted.split(';').next().unwrap_or_default())).next()
    }

    fn named(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        match name.as_str() {
            "application/graphql-response+json" => Some(Self::GraphQl),
            "application/json" | "application/*" | "*/*" => Some(Self::Json),
            _ => None,
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphQl => "application/graphql-response+json; charset=utf-8",
        }
    }

    fn status(self, response: &Response) -> StatusCode {
        match self {
            Self::Json => status(response),
            Self::GraphQl if response.data != Value::Null => StatusCode::OK,
            Self::GraphQl => match status(response) {
                StatusCode::OK if response.is_err() => StatusCode::BAD_REQUEST,
                status => status,
            },
        }
    }

    fn refuse(self, status: StatusCode, message: &str) -> axum::response::Response {
        self.answer(status, &refusal(Category::Input.error(message)))
    }

    fn answer(self, status: StatusCode, response: &Response) -> axum::response::Response {
        // Nothing was executed: there is no data, not even null.
        let unrun = response.errors.iter().all(|error| error.path.is_empty());
        let body = Body {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_media_type_that_is_known_is_answered_with() {
        for (accept, expected) in [
            ("application/json", Some(Media::Json)),
            ("*/*", Some(Media::Json)),
            ("text/html, */*;q=0.1", Some(Media::Json)),
            ("application/graphql-response+json, application/json;q=0.9", Some(Media::GraphQl)),
            ("application/json, application/graphql-response+json", Some(Media::Json)),
            ("Application/GraphQL-Response+JSON; charset=utf-8", Some(Media::GraphQl)),
            ("text/html", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!(Media::accepted(&headers), expected, "{accept}");
        }
        assert_eq!(Media::accepted(&HeaderMap::new()), Some(Media::Json));
    }
}
