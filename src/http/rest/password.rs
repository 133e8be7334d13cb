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

/// Takes the current and the new password from the body. Refuses a caller without a token.
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

/// Changes the password of a signed-in admin user. Commerce has a page for this, but no REST route.
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
        // Commerce's message in REST differs from its message in GraphQL.
        Error::SignIn(SignInError::WrongPassword) => {
            let message = "The password doesn't match this account. Verify the password and try again.";
            RestError::new(StatusCode::UNAUTHORIZED, message)
        }
        error => RestError::refused(error, resource),
    }
}

/// Requests a password reset. Returns true for every well-formed e-mail address, whether or not it
/// has an account.
pub(super) async fn request_reset(
    caller: Caller,
    Body(mut fields): Body<Fields>,
) -> Result<Json<bool>, RestError> {
    let (email, template) = (fields.name("email")?, fields.text("template")?);
    let website_id = fields.number("websiteId")?;
    require(&[&email, &template])?;
    let template = template.as_str();
    // The template is checked but not used, because the host decides which mail it sends.
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

/// Returns the website with Commerce's website number from the body. If the body has no website
/// number, returns the website of the request.
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

/// The parameters of the path of Commerce's route for a reset link. The token is a secret. The path
/// may also contain a store code, which is ignored here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResetLinkPath {
    customer_id: String,
    reset_password_link_token: String,
}

/// Checks the reset token of a mailed link. Returns the same error for an unknown customer and for
/// every invalid token. Commerce returns different errors for these cases.
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

/// Adds a header to the response, so that a browser does not send the path, which contains the
/// reset token, to other sites.
pub(super) async fn without_referrer(mut response: Response) -> Response {
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
