//! What the admin page asks for by JSON: for admin users alone.

mod assistance;
mod customers;

use axum::{
    Json, Router,
    extract::{Query, State, rejection::QueryRejection},
    http::StatusCode,
    routing::{delete, get},
};
use commerce_auth::{
    AdminIdentity, AuditEvent, Error,
    http::{Caller, rest::RestError},
};
use serde::Deserialize;

use crate::shop::Shop;

pub(crate) fn routes() -> Router<Shop> {
    Router::new()
        .route("/customers", get(customers::search))
        .route("/assistance", get(assistance::under_way))
        .route("/audit", get(audit))
        .route("/token", delete(sign_out))
}

#[derive(Deserialize)]
struct Newest {
    limit: Option<usize>,
}

/// The newest audit events, the newest first.
async fn audit(
    _: AdminIdentity,
    State(shop): State<Shop>,
    newest: Result<Query<Newest>, QueryRejection>,
) -> Result<Json<Vec<AuditEvent>>, RestError> {
    let limit = asked(newest)?.limit.unwrap_or(50).min(500);
    let mut events = shop.database.trail.newest(limit).await.map_err(Error::from)?;
    events.reverse();
    Ok(Json(events))
}

/// What the address asks for, or an error in the shape of all others.
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
