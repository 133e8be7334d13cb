use std::sync::Arc;

use async_graphql::{ErrorExtensions, Executor, Request, Response};
use axum::{
    extract::DefaultBodyLimit,
    response::IntoResponse,
    routing::{MethodRouter, get},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header::ALLOW};

use super::{
    Admission,
    error::{refusal, status},
    media::Media,
    parameters::Asked,
};
use crate::http::Caller;

/// Maximum size of a request body, in bytes.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// Returns a handler that serves GraphQL over HTTP, by GET and POST, with Commerce's statuses. The
/// router must have [`AuthLayer`](crate::http::AuthLayer) around it.
///
/// The handler checks every request with the [`Admission`]. It refuses these requests:
///
/// - a mutation by GET: status 405;
/// - a body of more than 256 KiB: status 413;
/// - a POST that is not `application/json`: status 415.
///
/// For `OPTIONS`, the response has status 204 and the header `Allow`. The handler adds no headers
/// for CORS. If browsers call it from another site, add a layer for CORS.
///
/// The variables and extensions of a request can be missing, null, an empty text or an empty list.
/// They then count as an empty map. An empty list is accepted because PHP encodes an empty map in
/// this way. The handler does not support persisted queries. If a client sends only the hash of a
/// query, the response has the error `PersistedQueryNotSupported`, and the client then sends the
/// whole query.
///
/// The status of a response depends on the media type that the client prefers:
///
/// - A client that prefers `application/graphql-response+json` gets the statuses of [GraphQL over
///   HTTP](https://graphql.github.io/graphql-over-http/). The status is 200 if there is data, and
///   400 for an invalid document.
/// - Every other client gets `application/json` with Commerce's statuses. The status can be 401 or
///   403 even if there is data. For a document that can be parsed but is invalid, the status is
///   200.
///
/// If the response has an [`Error`](crate::Error) of the crate, the extensions of the HTTP response
/// contain the first one as an `Arc<`[`Error`](crate::Error)`>`, for the host's metrics.
pub fn endpoint<E: Executor, S: Clone + Send + Sync + 'static>(
    executor: E,
    admission: Admission,
) -> MethodRouter<S> {
    let endpoint = Arc::new(Endpoint { executor, admission });
    let answer =
        async move |caller: Caller, method: Method, headers: HeaderMap, asked: Result<Asked, StatusCode>| {
            let media = Media::accepted(&headers);
            match asked {
                Ok(Asked::Request(request)) => {
                    endpoint.answer(media, caller, *request, method == Method::POST).await
                }
                Ok(Asked::PersistedQuery) => media.answer(StatusCode::OK, &no_persisted_queries()),
                Err(status) => media.refuse(status, "Unable to parse the request."),
            }
        };
    let options = async || (StatusCode::NO_CONTENT, [(ALLOW, "GET, HEAD, OPTIONS, POST")]).into_response();
    get(answer.clone()).post(answer).options(options).layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

/// Returns the error that Apollo's server returns if persisted queries are disabled.
fn no_persisted_queries() -> Response {
    let error = async_graphql::Error::new("PersistedQueryNotSupported");
    refusal(error.extend_with(|_, extensions| extensions.set("code", "PERSISTED_QUERY_NOT_SUPPORTED")))
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
        request: Request,
        may_change: bool,
    ) -> axum::response::Response {
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
        if admitted.is_mutation() && !may_change {
            let message = "Mutations are only allowed by POST.";
            let mut refused = media.refuse(StatusCode::METHOD_NOT_ALLOWED, message);
            refused.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return refused;
        }
        let response = admitted.execute(&self.executor).await;
        media.answer(media.status(&response), &response)
    }
}
