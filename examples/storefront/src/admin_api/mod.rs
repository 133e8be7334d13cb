//! What the admin page asks for by JSON: for admin users alone.

mod assistance;
mod customers;

use axum::{
    Json, Router,
    extract::{Query, State},
    routing::get,
};
use commerce_auth::{AdminIdentity, AuditEvent, Error, http::rest::RestError};
use serde::Deserialize;

use crate::shop::Shop;

pub(crate) fn routes() -> Router<Shop> {
    Router::new()
        .route("/customers", get(customers::search))
        .route("/assistance", get(assistance::under_way))
        .route("/audit", get(audit))
}

#[derive(Deserialize)]
struct Newest {
    limit: Option<usize>,
}

/// The newest audit events, the newest first.
async fn audit(
    _: AdminIdentity,
    State(shop): State<Shop>,
    Query(Newest { limit }): Query<Newest>,
) -> Result<Json<Vec<AuditEvent>>, RestError> {
    let limit = limit.unwrap_or(50).min(500);
    let mut events = shop.database.trail.newest(limit).await.map_err(Error::from)?;
    events.reverse();
    Ok(Json(events))
}
