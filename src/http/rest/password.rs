use axum::{
    Json,
    extract::{Path, rejection::PathRejection},
    response::Response,
};
use http::{HeaderValue, StatusCode, header::REFERRER_POLICY};
use serde::Deserialize;

use super::{
    Body, RestError,
    fields::{Fields, Given, require},
};
use crate::{
    account::{CustomerId, Website},
    error::{Error, SignInError, TokenError},
    flow::{PasswordReset, PasswordResetRequest},
    http::{Caller, to_its_end},
};

/// For a caller with a token alone.
fn passwords(
    mut fields: Fields,
    caller: &Caller,
    resource: &'static str,
) -> Result<(Given, Given), RestError> {
    if caller.bearer().is_none() {
        return Err(RestError::not_authorized(resource));
    }
    let (current, new) = (fields.text("currentPassword")?, fields.text("newPassword")?);
    require(&[&current, &new])?;
    Ok((current, new))
}

pub(super) async fn change(caller: Caller, Body(fields): Body<Fields>) -> Result<Json<bool>, RestError> {
    let (current, new) = passwords(fields, &caller, "self")?;
    let changed = to_its_end(async move {
        let bearer = caller.bearer().ok_or(TokenError::Invalid)?;
        caller.auth().change_password(bearer, current, new).await
    });
    changed.await.map(|()| Json(true)).map_err(|error| refused(error, "self"))
}

/// Beyond Commerce, where an admin user has a page for it.
pub(super) async fn change_admins(
    caller: Caller,
    Body(fields): Body<Fields>,
) -> Result<Json<bool>, RestError> {
    let resource = "Magento_Backend::admin";
    let (current, new) = passwords(fields, &caller, resource)?;
    let changed = to_its_end(async move {
        let bearer = caller.bearer().ok_or(TokenError::Invalid)?;
        caller.auth().change_admin_password(bearer, current, new).await
    });
    changed.await.map(|()| Json(true)).map_err(|error| refused(error, resource))
}

fn refused(error: Error, resource: &'static str) -> RestError {
    match error {
        // In other words than by GraphQL.
        Error::SignIn(SignInError::WrongPassword) => {
            let message = "The password doesn't match this account. Verify the password and try again.";
            RestError::new(StatusCode::UNAUTHORIZED, message)
        }
        error => RestError::refused(error, resource),
    }
}

/// Answers the same for every well-formed address, known or not.
pub(super) async fn request_reset(
    caller: Caller,
    Body(mut fields): Body<Fields>,
) -> Result<Json<bool>, RestError> {
    let (email, template) = (fields.name("email")?, fields.text("template")?);
    let website_id = fields.number("websiteId")?;
    require(&[&email, &template])?;
    let template = template.as_str();
    // The host's mail is the same for both.
    if !matches!(template, "email_reminder" | "email_reset") {
        let message = r#"Invalid value of "%value" provided for the %fieldName field. Possible values: %template1 or %template2."#;
        return Err(RestError::new(StatusCode::BAD_REQUEST, message)
            .with("value", template.chars().take(64).collect::<String>())
            .with("fieldName", "template")
            .with("template1", "email_reminder")
            .with("template2", "email_reset"));
    }
    let website = website(&caller, website_id)?;
    let request = PasswordResetRequest::new(email.as_str())
        .website(website)
        .origin(caller.origin().clone())
        .challenge(caller.challenge().clone());
    caller.auth().request_password_reset(request).await?;
    Ok(Json(true))
}

/// The website that a body names by its number, or else the request's own.
fn website(caller: &Caller, id: Option<u32>) -> Result<Website, RestError> {
    let Some(id) = id else { return Ok(caller.website().clone()) };
    caller.websites().by_id(id).ok_or_else(|| {
        RestError::new(StatusCode::NOT_FOUND, "No such entity with %fieldName = %fieldValue")
            .with("fieldName", "websiteId")
            .with("fieldValue", id)
    })
}

pub(super) async fn reset(caller: Caller, Body(mut fields): Body<Fields>) -> Result<Json<bool>, RestError> {
    let (email, token) = (fields.name("email")?, fields.text("resetToken")?);
    let new = fields.text("newPassword")?;
    require(&[&email, &token, &new])?;
    let reset = PasswordReset::new(email.as_str(), token, new).website(caller.website().clone());
    let reset = reset.origin(caller.origin().clone()).challenge(caller.challenge().clone());
    to_its_end(async move { caller.auth().reset_password(reset).await }).await?;
    Ok(Json(true))
}

/// The path of a link of Commerce's, which may hold a store code as well. The token is a secret.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResetLinkPath {
    customer_id: String,
    reset_password_link_token: String,
}

/// One answer for an unknown customer and every token that is no good, where Commerce tells them apart.
pub(super) async fn check_reset_link(
    caller: Caller,
    path: Result<Path<ResetLinkPath>, PathRejection>,
) -> Result<Json<bool>, RestError> {
    let Path(ResetLinkPath { customer_id, reset_password_link_token }) =
        path.map_err(|_| RestError::no_route())?;
    let id: CustomerId = customer_id.parse().map_err(|_| RestError::no_route())?;
    caller.auth().check_reset_token(&id, reset_password_link_token, caller.origin()).await?;
    Ok(Json(true))
}

/// A browser must not tell the path to anybody.
pub(super) async fn without_referrer(mut response: Response) -> Response {
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
