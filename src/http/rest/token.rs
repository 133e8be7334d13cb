use axum::Json;
use serde::Deserialize;

use super::{
    Body, RestError,
    body::{Secret, require},
    second_factor,
};
use crate::{
    error::Error,
    flow::{AdminSignIn, SignIn},
    http::Caller,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInBody {
    username: Option<String>,
    #[serde(default)]
    password: Secret,
}

impl SignInBody {
    fn require(self) -> Result<(String, Secret), RestError> {
        let username = self.username.unwrap_or_default();
        require(&[("username", username.is_empty()), ("password", self.password.is_empty())])?;
        Ok((username, self.password))
    }
}

pub(super) async fn customer(
    caller: Caller,
    Body(body): Body<SignInBody>,
) -> Result<Json<String>, RestError> {
    let (email, password) = body.require()?;
    let sign_in = SignIn::new(email, password).on(caller.website().clone()).from(caller.origin().clone());
    match caller.auth().generate_customer_token(sign_in).await {
        Ok(signed_in) => Ok(Json(signed_in.token().expose().to_owned())),
        // To Commerce it is one more unknown account.
        Err(Error::InvalidEmail) => Err(Error::SignInRefused.into()),
        Err(error) => Err(error.into()),
    }
}

/// A token only where no second factor is needed.
pub(super) async fn admin(caller: Caller, Body(body): Body<SignInBody>) -> Result<Json<String>, RestError> {
    let (username, password) = body.require()?;
    let sign_in = AdminSignIn::new(username, password).from(caller.origin().clone());
    match caller.auth().generate_admin_token(sign_in).await {
        Ok(signed_in) => Ok(Json(signed_in.token().expose().to_owned())),
        Err(Error::InvalidUsername) => Err(Error::SignInRefused.into()),
        Err(error) => Err(second_factor::needed(error)),
    }
}

pub(super) async fn revoke(caller: Caller) -> Result<Json<bool>, RestError> {
    let bearer = caller.bearer().ok_or_else(|| RestError::not_authorized("self"))?;
    match caller.auth().revoke_customer_token(bearer).await {
        Ok(()) => Ok(Json(true)),
        Err(error) => Err(RestError::refused(error, "self")),
    }
}
