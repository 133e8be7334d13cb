//! The JSON routes of the admin page. All routes except `/unlock` are for admin users alone.

mod assistance;
mod audit;
mod customers;
mod me;
mod permitted;
mod unlock;

use axum::{
    Router,
    extract::{Query, rejection::QueryRejection},
    http::StatusCode,
    routing::{delete, get, post},
};
use commerce_auth::{
    AdminIdentity,
    http::{Caller, rest::RestError},
};

use self::permitted::{LOG, LOGIN, Permitted};
use crate::shop::Shop;

pub(crate) fn routes() -> Router<Shop> {
    Router::new()
        .route("/me", get(me::me))
        .route("/customers", get(customers::search))
        .route("/assistance", get(assistance::under_way))
        .route("/audit", get(audit::events))
        .route("/audit/verification", get(audit::verification))
        .route("/token", delete(sign_out))
        .route("/unlock", post(unlock::unlock))
}

/// The query of the address, or an error in the usual shape.
fn asked<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, RestError> {
    match query {
        Ok(Query(asked)) => Ok(asked),
        Err(_) => Err(RestError::new(StatusCode::BAD_REQUEST, "A parameter is missing, or of another type.")),
    }
}

/// Ends the admin user's own token, and with it the assistance that rests on it. Commerce has no route for it.
async fn sign_out(_: AdminIdentity, caller: Caller) -> Result<StatusCode, RestError> {
    if let Some(bearer) = caller.bearer() {
        caller.auth().revoke_admin_token(bearer).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
