//! A browser keeps the secret of a known device in a cookie. API clients send and read the header.
//!
//! The cookie proves nothing and signs nobody in. The crate reads the secret at a sign-in only, beside
//! the password, to choose the budget of failures. So another site that makes a browser send it gains
//! nothing.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use cookie::{Cookie, SameSite};
use time::Duration;

/// The header of a device secret, in a request and in the response to a first sign-in.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-device-secret");
/// The time for which the crate remembers a device.
const MAX_AGE: Duration = Duration::days(90);
/// The routes by which admin users sign in, after the code of a store.
const ADMIN_SIGN_INS: [&str; 2] = ["/V1/integration/admin/token", "/V1/tfa/provider/google/authenticate"];

/// Copies the cookie of a request into the header if the request has none, and the header of a
/// response into a cookie. The header stays in the response, for clients without cookies.
pub(crate) async fn with_cookie(is_https: bool, mut request: Request, next: Next) -> Response {
    let name = cookie_name(request.uri().path());
    if let Some(secret) = secret_of(request.headers(), name) {
        request.headers_mut().entry(HEADER).or_insert(secret);
    }
    let mut response = next.run(request).await;
    if let Some(cookie) = cookie_of(response.headers(), name, is_https) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Returns the name of the cookie for this kind of account. A secret is of one account, so a person
/// who is both a customer and an admin user has two cookies in one browser.
fn cookie_name(path: &str) -> &'static str {
    if ADMIN_SIGN_INS.iter().any(|route| path.ends_with(route)) { "admin_device" } else { "device" }
}

fn secret_of(headers: &HeaderMap, name: &str) -> Option<HeaderValue> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = cookies.flat_map(Cookie::split_parse).filter_map(Result::ok);
    HeaderValue::from_str(cookies.find(|cookie| cookie.name() == name)?.value()).ok()
}

fn cookie_of(headers: &HeaderMap, name: &str, is_https: bool) -> Option<HeaderValue> {
    let secret = headers.get(HEADER)?.to_str().ok()?;
    let cookie = Cookie::build((name, secret))
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(is_https)
        .path("/")
        .max_age(MAX_AGE);
    let mut value = HeaderValue::from_str(&cookie.to_string()).ok()?;
    value.set_sensitive(true);
    Some(value)
}
