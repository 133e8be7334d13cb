use axum::Json;

use super::{
    Body, RestError,
    fields::{Fields, Given, require},
    second_factor,
};
use crate::{
    error::{Error, InputError, SignInError},
    flow::{AdminSignIn, SignIn},
    http::Caller,
};

fn username_and_password(mut fields: Fields) -> Result<(Given, Given), RestError> {
    let (username, password) = (fields.name("username")?, fields.text("password")?);
    require(&[&username, &password])?;
    Ok((username, password))
}

pub(super) async fn customer(caller: Caller, Body(fields): Body<Fields>) -> Result<Json<String>, RestError> {
    let (email, password) = username_and_password(fields)?;
    let sign_in = SignIn::new(email.as_str(), password)
        .website(caller.website().clone())
        .origin(caller.origin().clone())
        .challenge(caller.challenge().clone())
        .device(caller.device());
    match caller.auth().generate_customer_token(sign_in).await {
        Ok(signed_in) => {
            caller.hand_out(signed_in.device());
            Ok(Json(signed_in.token().expose().to_owned()))
        }
        // Commerce returns the same error for a malformed e-mail address and for an unknown
        // account.
        Err(Error::Input(InputError::Email)) => Err(Error::SignIn(SignInError::Refused).into()),
        Err(error) => Err(error.into()),
    }
}

/// Signs in an admin user who has no second factor. If a second factor is needed, no token is
/// issued.
pub(super) async fn admin(caller: Caller, Body(fields): Body<Fields>) -> Result<Json<String>, RestError> {
    let (username, password) = username_and_password(fields)?;
    let sign_in = AdminSignIn::new(username.as_str(), password)
        .origin(caller.origin().clone())
        .challenge(caller.challenge().clone())
        .device(caller.device());
    match caller.auth().generate_admin_token(sign_in).await {
        Ok(signed_in) => {
            caller.hand_out(signed_in.device());
            Ok(Json(signed_in.token().expose().to_owned()))
        }
        Err(Error::Input(InputError::Username)) => Err(Error::SignIn(SignInError::Refused).into()),
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
