//! The pages, and what they load: compiled in, so that nothing is read from a folder.

use axum::{
    Router,
    http::{HeaderName, header},
    response::IntoResponse,
    routing::get,
};

use crate::shop::Shop;

/// Nothing but the shop's own files, no inline script, no frame: what is injected into a page does not run, and cannot
/// send a token away.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                                 img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(crate) fn routes() -> Router<Shop> {
    Router::new()
        .route("/", get(|| async { html(include_str!("../pages/shop.html")) }))
        .route("/admin", get(|| async { html(include_str!("../pages/admin.html")) }))
        .route("/confirm", get(|| async { html(include_str!("../pages/confirm.html")) }))
        .route("/assets/shop.js", get(|| async { script(include_str!("../pages/shop.js")) }))
        .route("/assets/admin.js", get(|| async { script(include_str!("../pages/admin.js")) }))
        .route("/assets/common.js", get(|| async { script(include_str!("../pages/common.js")) }))
        .route("/assets/devices.js", get(|| async { script(include_str!("../pages/devices.js")) }))
        .route("/assets/assist.js", get(|| async { script(include_str!("../pages/assist.js")) }))
        .route("/assets/confirm.js", get(|| async { script(include_str!("../pages/confirm.js")) }))
        .route("/assets/challenge.js", get(|| async { script(include_str!("../pages/challenge.js")) }))
        .route("/assets/style.css", get(|| async { style(include_str!("../pages/style.css")) }))
}

pub(crate) fn html(text: impl IntoResponse) -> impl IntoResponse {
    page("text/html; charset=utf-8", text)
}

fn script(text: &'static str) -> impl IntoResponse {
    page("text/javascript; charset=utf-8", text)
}

fn style(text: &'static str) -> impl IntoResponse {
    page("text/css; charset=utf-8", text)
}

fn page(content_type: &'static str, text: impl IntoResponse) -> impl IntoResponse {
    let headers: [(HeaderName, &str); 5] = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // Not `no-referrer`: by it a browser hides the `Origin` of a form from the shop itself.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, text)
}
