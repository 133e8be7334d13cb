use axum::{Json, extract::State};
use commerce_auth::{
    AdminId, AdminIdentity, AdminStore, Error, account::Permission, error::TokenError, http::rest::RestError,
};
use serde::Serialize;

use crate::shop::Shop;

/// The admin user who asks, as far as the page must know.
#[derive(Serialize)]
pub(super) struct Me {
    admin_id: AdminId,
    username: String,
    permissions: Vec<Permission>,
}

pub(super) async fn me(who: AdminIdentity, State(shop): State<Shop>) -> Result<Json<Me>, RestError> {
    let row = shop.database.admins.find_by_id(who.admin_id()).await.map_err(Error::from)?;
    let row = row.ok_or(Error::Token(TokenError::Invalid))?;
    let permissions = Permission::ALL.into_iter().filter(|permission| who.has_permission(*permission));
    Ok(Json(Me { admin_id: row.id, username: row.username, permissions: permissions.collect() }))
}
