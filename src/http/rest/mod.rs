//! Commerce's REST routes for sign-in, assistance and passwords, and the format of their errors.

mod assistance;
mod body;
mod confirmation;
mod consent;
mod error;
mod fields;
mod own_factor;
mod password;
mod second_factor;
mod token;

use axum::{
    Router,
    extract::{DefaultBodyLimit, RawPathParams, Request, rejection::RawPathParamsRejection},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use http::{Method, StatusCode};

pub use body::Body;
pub use confirmation::{Activation, activate};
pub use consent::{AssistanceAllowed, set_assistance_consent};
pub use error::RestError;

use super::Caller;

/// Returns a router with the REST routes, whose paths begin with `/V1`. Wrap this router in
/// [`by_store`] and nest it under `/rest` in the host's router. Put [`AuthLayer`](super::AuthLayer)
/// around the host's router.
///
/// Bodies are JSON objects of at most 16 KiB, and are read as Commerce reads them:
///
/// - A field that the route does not take is ignored.
/// - A field has two names, such as `websiteId` and `website_id`. If a client sends a field twice,
///   under one name or under both, the request is refused. This does not apply to fields that the
///   route ignores.
/// - If the route expects a text, it also accepts a number. If it expects a number, it also accepts
///   a text of digits. In place of both, it refuses booleans, lists and objects. It also refuses a
///   number whose value it cannot keep exactly: an integer beyond 64 bits, or a number from 10^15
///   on with a fraction or an exponent.
/// - White space and invisible characters before and after an e-mail address or a user name are
///   ignored.
/// - An empty body, `null` and `[]` count as an object without fields.
///
/// The field `otp` is a code of the authenticator or a recovery code. Spaces and hyphens in the
/// code are ignored, and its digits may be those of another script, such as Arabic. A JSON number
/// has no leading zeros, so `"otp": 12345` is accepted as the code `012345`. Commerce refuses that
/// number.
///
/// | route | answer |
/// |---|---|
/// | `POST /V1/integration/customer/token` `{username, password}` | the bearer token |
/// | `POST /V1/integration/customer/revoke-customer-token` | `true` |
/// | `POST /V1/integration/admin/token` `{username, password}` | the bearer token, if no second factor is needed |
/// | `POST /V1/tfa/provider/google/authenticate` `{username, password, otp}` | the bearer token |
/// | `POST /V1/tfa/provider/google/configure` `{tfaToken}` | `{"qr_code_base64": …, "secret_code": …}` |
/// | `POST /V1/tfa/provider/google/activate` `{tfaToken, otp}` | `[]` |
/// | `POST /V1/customer/{id}/otp` `{reason}` | `{"otp": …}` |
/// | `PUT /V1/customers/me/password` `{currentPassword, newPassword}` | `true` |
/// | `PUT /V1/customers/password` `{email, template, websiteId}` | `true` |
/// | `POST /V1/customers/resetPassword` `{email, resetToken, newPassword}` | `true` |
/// | `GET /V1/customers/{customerId}/password/resetLinkToken/{resetPasswordLinkToken}` | `true` |
/// | `POST /V1/customers/isEmailAvailable` `{customerEmail, websiteId}` | `true`, for every address |
///
/// The path with `{resetPasswordLinkToken}` contains a secret, which must not appear in logs.
/// [`loggable_path`](super::loggable_path) returns a path without the secret.
///
/// Six more routes do not exist in Commerce. A host can use them for a page on which an admin user
/// manages the second factor and the password. Five of them need the admin user's bearer token. The
/// route `/V1/tfa/me/activate` needs none, because it needs an enrolment token (`tfaToken`):
///
/// | route | answer |
/// |---|---|
/// | `POST /V1/tfa/me/enrolment` | `{"tfa_token": …, "expires_at": …}` |
/// | `POST /V1/tfa/me/activate` `{tfaToken, otp}` | `{"recovery_codes": […]}`, which Commerce's route does not return |
/// | `GET /V1/tfa/me` | `{"activated_at": …, "recovery_codes_left": …}`, or `null` |
/// | `POST /V1/tfa/me/recovery-codes` | `{"recovery_codes": […]}` |
/// | `POST /V1/tfa/me/step-up` `{otp}` | `{"token": …, "expires_at": …}` |
/// | `PUT /V1/admins/me/password` `{currentPassword, newPassword}` | `true` |
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/V1/integration/customer/token", post(token::customer))
        .route("/V1/integration/customer/revoke-customer-token", post(token::revoke))
        .route("/V1/integration/admin/token", post(token::admin))
        .route("/V1/tfa/provider/google/authenticate", post(second_factor::authenticate))
        .route("/V1/tfa/provider/google/configure", post(second_factor::configure))
        .route("/V1/tfa/provider/google/activate", post(second_factor::activate))
        .route("/V1/tfa/me", get(own_factor::factor))
        .route("/V1/tfa/me/enrolment", post(own_factor::begin_enrolment))
        .route("/V1/tfa/me/activate", post(own_factor::activate))
        .route("/V1/tfa/me/recovery-codes", post(own_factor::replace_codes))
        .route("/V1/tfa/me/step-up", post(own_factor::step_up))
        .route("/V1/admins/me/password", put(password::change_admins))
        .route("/V1/customer/{id}/otp", post(assistance::one_time_code))
        .route("/V1/customers/me/password", put(password::change))
        .route("/V1/customers/password", put(password::request_reset))
        .route("/V1/customers/resetPassword", post(password::reset))
        .route(
            "/V1/customers/{customerId}/password/resetLinkToken/{resetPasswordLinkToken}",
            get(password::check_reset_link).layer(middleware::map_response(password::without_referrer)),
        )
        .route("/V1/customers/isEmailAvailable", post(confirmation::is_email_available))
        .layer(DefaultBodyLimit::max(Body::<()>::MAX_BYTES))
}

/// Serves the routes with and without a store code at the beginning of the path, as Commerce does:
/// `/{store}/V1/…` and `/V1/…`. The store code selects the website of the request.
///
/// The response has status 404 for an unknown store code, an unknown path, or a method that the
/// route does not have. For `OPTIONS`, the response has status 204, and the header `Allow` lists
/// the methods of the route.
pub fn by_store<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    let routes = routes.method_not_allowed_fallback(no_method);
    let of_a_store = routes.clone().layer(middleware::from_fn(use_store));
    routes.nest("/{store}", of_a_store).fallback(no_route)
}

async fn use_store(
    params: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Result<Response, RestError> {
    // A store code that is not UTF-8 matches no route.
    let params = params.map_err(|_| RestError::no_route())?;
    let code = params.iter().find_map(|(name, value)| (name == "store").then_some(value));
    let caller = request.extensions().get::<Caller>().cloned().ok_or_else(RestError::no_layer)?;
    let caller = caller.with_store(code.unwrap_or_default()).map_err(|_| RestError::no_store())?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// The router adds the header `Allow`.
async fn no_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    no_route().await
}

async fn no_route() -> Response {
    RestError::no_route().into_response()
}
