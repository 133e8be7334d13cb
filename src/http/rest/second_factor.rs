//! An admin user's second factor by Commerce's own routes, where a provider named `google` is any authenticator app.

use axum::Json;
use http::StatusCode;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::{
    Body, RestError,
    body::{Secret, require, to_its_end},
};
use crate::{
    credential::RecoveryCode,
    error::{Error, Part},
    flow::AdminSignIn,
    http::Caller,
};

const PROVIDER: &str = "google";

/// What a sign-in by password alone is answered with once the password is right. `parameters` name the providers, as
/// Commerce's clients expect.
pub(super) fn needed(error: Error) -> RestError {
    match error {
        Error::SecondFactorRequired => RestError::from(error).with("active_providers", vec![PROVIDER]),
        Error::EnrolmentRequired => RestError::from(error)
            .with("providers", vec![PROVIDER])
            .with("active_providers", Vec::<&str>::new()),
        Error::NotConfigured(Part::Keyring) => {
            let message = "Please ask an administrator with sufficient access to configure 2FA first";
            RestError::new(StatusCode::BAD_REQUEST, message).caused_by(error)
        }
        error => error.into(),
    }
}

/// Without a keyring no authenticator can be set up: there is no such provider then.
fn refused(error: Error) -> RestError {
    match error {
        Error::NotConfigured(Part::Keyring) => {
            RestError::new(StatusCode::BAD_REQUEST, "Provider is not allowed.").caused_by(error)
        }
        error => error.into(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthenticateBody {
    username: Option<String>,
    #[serde(default)]
    password: Secret,
    #[serde(default)]
    otp: Secret,
}

pub(super) async fn authenticate(
    caller: Caller,
    Body(body): Body<AuthenticateBody>,
) -> Result<Json<String>, RestError> {
    let AuthenticateBody { username, password, otp } = body;
    let username = username.unwrap_or_default();
    require(&[
        ("username", username.is_empty()),
        ("password", password.is_empty()),
        ("otp", otp.is_empty()),
    ])?;
    let sign_in = AdminSignIn::new(username, password).otp(otp).from(caller.origin().clone());
    match caller.auth().generate_admin_token(sign_in).await {
        Ok(signed_in) => Ok(Json(signed_in.token().expose().to_owned())),
        Err(Error::InvalidUsername) => Err(Error::SignInRefused.into()),
        Err(Error::NotEnrolled) if !caller.auth().has_keyring() => {
            Err(refused(Error::NotConfigured(Part::Keyring)))
        }
        Err(error) => Err(refused(error)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ConfigureBody {
    #[serde(default)]
    tfa_token: Secret,
}

/// For the holder of the enrolment token alone.
#[derive(Serialize)]
pub(super) struct ConfigureAnswer {
    /// A PNG picture; left out without the feature `qr`, and if the names do not fit into a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    qr_code_base64: Option<String>,
    secret_code: String,
}

pub(super) async fn configure(
    caller: Caller,
    Body(body): Body<ConfigureBody>,
) -> Result<Json<ConfigureAnswer>, RestError> {
    require(&[("tfaToken", body.tfa_token.is_empty())])?;
    let setup = caller.auth().set_up_admin_factor(body.tfa_token, caller.origin()).await.map_err(refused)?;
    #[cfg(feature = "qr")]
    let qr_code_base64 = setup.qr_png_base64().map(|png| png.expose_secret().to_owned());
    #[cfg(not(feature = "qr"))]
    let qr_code_base64 = None;
    let secret_code = setup.secret().to_base32().expose_secret().to_owned();
    Ok(Json(ConfigureAnswer { qr_code_base64, secret_code }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ActivateBody {
    #[serde(default)]
    tfa_token: Secret,
    #[serde(default)]
    otp: Secret,
}

/// As Commerce, which has no recovery codes: an empty list is what its clients get for nothing.
pub(super) async fn activate(caller: Caller, body: Body<ActivateBody>) -> Result<Json<[(); 0]>, RestError> {
    activate_factor(caller, body).await.map(|_| Json([]))
}

/// To its end, since the earlier tokens end last.
pub(super) async fn activate_factor(
    caller: Caller,
    Body(body): Body<ActivateBody>,
) -> Result<Vec<RecoveryCode>, RestError> {
    let ActivateBody { tfa_token, otp } = body;
    require(&[("tfaToken", tfa_token.is_empty()), ("otp", otp.is_empty())])?;
    let activated = async move { caller.auth().activate_admin_factor(tfa_token, otp, caller.origin()).await };
    to_its_end(activated).await.map_err(refused)
}
