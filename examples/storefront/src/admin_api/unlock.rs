use axum::http::StatusCode;
use commerce_auth::http::{
    Caller,
    rest::{Body, RestError},
};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Unlock {
    username: String,
    token: String,
}

/// Unlocks an account for the holder of the mailed link. It signs nobody in.
pub(super) async fn unlock(caller: Caller, Body(asked): Body<Unlock>) -> Result<StatusCode, RestError> {
    let (username, token) = (asked.username.trim(), asked.token.trim());
    caller.auth().unlock_admin_by_link(username, token, caller.origin()).await?;
    Ok(StatusCode::NO_CONTENT)
}
