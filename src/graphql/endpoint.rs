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

/// Longest body, in bytes.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// GraphQL over HTTP, by GET and POST, with Commerce's statuses; needs [`AuthLayer`](crate::http::AuthLayer) around the
/// router.
///
/// Every request is [admitted](Admission). A mutation by GET is refused (405), as are a POST that is not
/// `application/json` (415) and a body of more than 256 KiB (413). `OPTIONS` answers 204 with `Allow`; CORS is a layer's task.
///
/// Variables and extensions may be missing, null, an empty text or an empty list, as PHP writes an empty map. A persisted
/// query without its text is answered with `PersistedQueryNotSupported`, upon which a client sends the text.
///
/// A client that prefers `application/graphql-response+json` is answered with the statuses of the
/// [GraphQL over HTTP](https://graphql.github.io/graphql-over-http/) specification: 200 whenever there is data, 400 for a document
/// that is not valid. Any other, whatever it accepts, is answered as Commerce does: `application/json`, 401 and 403 beside data,
/// and 200 for a document that parses and is not valid. The crate's first error, if there is one, stands in the extensions of
/// the response as an `Arc<`[`Error`](crate::Error)`>`, for the host's metrics.
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

/// As Apollo's server answers where persisted queries are switched off.
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
