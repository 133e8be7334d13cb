use axum::Json;
use http::StatusCode;
use serde::Deserialize;

use super::{
    Body, RestError,
    body::{Secret, require, to_its_end},
};
use crate::{
    account::Website,
    error::Error,
    flow::{PasswordReset, PasswordResetRequest},
    http::Caller,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ChangeBody {
    #[serde(default)]
    current_password: Secret,
    #[serde(default)]
    new_password: Secret,
}

impl ChangeBody {
    fn require(self, caller: &Caller, resource: &'static str) -> Result<(Secret, Secret), RestError> {
        let Self { current_password: current, new_password: new } = self;
        if caller.bearer().is_none() {
            return Err(RestError::not_authorized(resource));
        }
        require(&[("currentPassword", current.is_empty()), ("newPassword", new.is_empty())])?;
        Ok((current, new))
    }
}

pub(super) async fn change(caller: Caller, Body(body): Body<ChangeBody>) -> Result<Json<bool>, RestError> {
    let (current, new) = body.require(&caller, "self")?;
    let changed = to_its_end(async move {
        let bearer = caller.bearer().ok_or(Error::InvalidToken)?;
        caller.auth().change_password(bearer, current, new).await
    });
    changed.await.map(|()| Json(true)).map_err(|error| refused(error, "self"))
}

/// Beyond Commerce, where an admin user has a page for it.
pub(super) async fn change_admins(
    caller: Caller,
    Body(body): Body<ChangeBody>,
) -> Result<Json<bool>, RestError> {
    let resource = "Magento_Backend::admin";
    let (current, new) = body.require(&caller, resource)?;
    let changed = to_its_end(async move {
        let bearer = caller.bearer().ok_or(Error::InvalidToken)?;
        caller.auth().change_admin_password(bearer, current, new).await
    });
    changed.await.map(|()| Json(true)).map_err(|error| refused(error, resource))
}

fn refused(error: Error, resource: &'static str) -> RestError {
    match error {
        // In other words than by GraphQL.
        Error::WrongPassword => {
            let message = "The password doesn't match this account. Verify the password and try again.";
            RestError::new(StatusCode::UNAUTHORIZED, message)
        }
        error => RestError::refused(error, resource),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ResetRequestBody {
    email: Option<String>,
    template: Option<String>,
    website_id: Option<u32>,
}

/// Answers the same for every well-formed address, known or not.
pub(super) async fn request_reset(
    caller: Caller,
    Body(body): Body<ResetRequestBody>,
) -> Result<Json<bool>, RestError> {
    let email = body.email.unwrap_or_default();
    let template = body.template.unwrap_or_default();
    require(&[("email", email.is_empty()), ("template", template.is_empty())])?;
    // The host's mail is the same for both.
    if !matches!(template.as_str(), "email_reminder" | "email_reset") {
        let message = r#"Invalid value of "%value" provided for the %fieldName field. Possible values: %template1 or %template2."#;
        return Err(RestError::new(StatusCode::BAD_REQUEST, message)
            .with("value", template.chars().take(64).collect::<String>())
            .with("fieldName", "template")
            .with("template1", "email_reminder")
            .with("template2", "email_reset"));
    }
    let website = website(&caller, body.website_id)?;
    let request = PasswordResetRequest::new(email).on(website).from(caller.origin().clone());
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ResetBody {
    email: Option<String>,
    #[serde(default)]
    reset_token: Secret,
    #[serde(default)]
    new_password: Secret,
}

pub(super) async fn reset(caller: Caller, Body(body): Body<ResetBody>) -> Result<Json<bool>, RestError> {
    let email = body.email.unwrap_or_default();
    let (token, new) = (body.reset_token, body.new_password);
    require(&[
        ("email", email.is_empty()),
        ("resetToken", token.is_empty()),
        ("newPassword", new.is_empty()),
    ])?;
    let reset = PasswordReset::new(email, token, new).on(caller.website().clone());
    let reset = reset.from(caller.origin().clone());
    to_its_end(async move { caller.auth().reset_password(reset).await }).await?;
    Ok(Json(true))
}
