//! Which request goes where, and what surrounds all of them.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::DefaultBodyLimit,
    http::{HeaderName, Method, Request, Response, StatusCode, header},
    middleware,
    routing::{get, post},
};
use commerce_auth::http::{AuthLayer, commerce_paths, loggable_path, rest::by_store};
use ipnet::IpNet;
use tower_http::{
    cors::CorsLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    timeout::{RequestBodyTimeoutLayer, TimeoutLayer},
    trace::TraceLayer,
};
use tracing::{Span, info, info_span};

use crate::{
    admin_api, args::Origin, assist::assist, device, graphql, health::health, pages, rest, shop::Shop,
};

/// The name of a request, by which its lines are found in the log and its events in the audit trail.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longer than a store's own time limit, which answers better.
const TIMEOUT: Duration = Duration::from_secs(20);
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_BODY: usize = 64 * 1024;

pub(crate) fn routes(
    shop: Shop,
    shop_url: &str,
    trusted_proxies: Vec<IpNet>,
    cors_origins: Vec<Origin>,
    demo: bool,
) -> Router {
    let is_https = shop_url.starts_with("https://");
    let auth = AuthLayer::new(shop.auth.clone()).trusted_proxies(trusted_proxies);
    let router = Router::new()
        .merge(pages::routes())
        .route("/assist", post(assist))
        .route("/health", get(health))
        .route("/graphql", graphql::endpoint(shop.clone(), demo))
        .nest("/admin/api", admin_api::routes())
        .nest("/rest", by_store(commerce_auth::http::rest::routes().merge(rest::routes())))
        .with_state(shop)
        // From here on upwards: the last one is the outermost.
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(RequestBodyTimeoutLayer::new(BODY_TIMEOUT))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIMEOUT))
        .layer(auth)
        .layer(middleware::from_fn(move |request, next| device::with_cookie(is_https, request, next)));
    // Outside of the layer that refuses requests, so that pages can read its refusals too.
    let router = if cors_origins.is_empty() { router } else { router.layer(cors(cors_origins)) };
    let router = router
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(TraceLayer::new_for_http().make_span_with(span).on_response(log_response).on_failure(()))
        .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid));
    commerce_paths(router)
}

/// Lets the pages of these origins call the shop with a bearer token, and with a device secret in its
/// header. Their requests carry no cookie.
fn cors(origins: Vec<Origin>) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(origins.into_iter().map(|Origin(origin)| origin).collect::<Vec<_>>())
        .allow_methods([Method::GET, Method::POST, Method::PUT])
        .allow_headers([
            header::CONTENT_TYPE,
            header::AUTHORIZATION,
            HeaderName::from_static("store"),
            HeaderName::from_static("x-recaptcha"),
            device::HEADER,
        ])
        .expose_headers([header::WWW_AUTHENTICATE, header::RETRY_AFTER, REQUEST_ID, device::HEADER])
}

/// A request as the log names it: without headers, without a body, without the query, and without the end of a path that
/// is a secret.
fn span(request: &Request<Body>) -> Span {
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
    info_span!("request", id, method = %request.method(), path = %loggable_path(request.uri().path()))
}

/// The status of the answer. If the shop is at fault, the crate has logged why.
fn log_response(response: &Response<Body>, latency: Duration, _: &Span) {
    let latency_ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
    info!(status = response.status().as_u16(), latency_ms, "answered");
}
