//! Commerce's routes for the second factor of an admin user. The routes contain the provider name
//! `google`, but they work with every authenticator app.

use axum::Json;
use http::StatusCode;
use serde::Serialize;

use super::{
    Body, RestError,
    fields::{Fields, require},
};
use crate::{
    credential::RecoveryCode,
    error::{Error, InputError, InternalError, Part, SecondFactorError, SignInError},
    flow::AdminSignIn,
    http::{Caller, to_its_end},
};

const PROVIDER: &str = "google";

/// Maps the error of an admin user's sign-in without a code. If the password was right, the field
/// `parameters` of the error names the providers of a second factor, as Commerce's clients expect.
pub(super) fn needed(error: Error) -> RestError {
    match error {
        Error::SecondFactor(SecondFactorError::Required) => {
            RestError::from(error).with("active_providers", [PROVIDER])
        }
        Error::SecondFactor(SecondFactorError::EnrolmentRequired) => {
            RestError::from(error).with("providers", [PROVIDER]).with("active_providers", [(); 0])
        }
        Error::Internal(InternalError::NotConfigured(Part::Keyring)) => {
            let message = "Please ask an administrator with sufficient access to configure 2FA first";
            RestError::new(StatusCode::BAD_REQUEST, message).caused_by(error)
        }
        error => error.into(),
    }
}

/// Maps an error of the second factor. If the host has no keyring, no authenticator can be set up,
/// so the client gets Commerce's error that the provider is not available.
fn refused(error: Error) -> RestError {
    match error {
        Error::Internal(InternalError::NotConfigured(Part::Keyring)) => {
            RestError::new(StatusCode::BAD_REQUEST, "Provider is not allowed.").caused_by(error)
        }
        error => error.into(),
    }
}

pub(super) async fn authenticate(
    caller: Caller,
    Body(mut fields): Body<Fields>,
) -> Result<Json<String>, RestError> {
    let (username, password) = (fields.name("username")?, fields.text("password")?);
    let otp = fields.code("otp")?;
    require(&[&username, &password, &otp])?;
    let sign_in = AdminSignIn::new(username.as_str(), password)
        .otp(otp)
        .origin(caller.origin().clone())
        .challenge(caller.challenge().clone())
        .device(caller.device());
    match caller.auth().generate_admin_token(sign_in).await {
        Ok(signed_in) => {
            caller.hand_out(signed_in.device());
            Ok(Json(signed_in.token().expose().to_owned()))
        }
        Err(Error::Input(InputError::Username)) => Err(Error::SignIn(SignInError::Refused).into()),
        Err(Error::SecondFactor(SecondFactorError::NotEnrolled)) if !caller.auth().has_keyring() => {
            Err(refused(Error::Internal(InternalError::NotConfigured(Part::Keyring))))
        }
        Err(error) => Err(refused(error)),
    }
}

/// The response with the authenticator's secret, for the holder of the enrolment token.
#[derive(Serialize)]
pub(super) struct ConfigureAnswer {
    /// The QR code as a PNG picture. It is missing if the feature `qr` is off, or if the names of
    /// the shop and the admin user are too long for a QR code.
    #[serde(skip_serializing_if = "Option::is_none")]
    qr_code_base64: Option<String>,
    secret_code: String,
}

pub(super) async fn configure(
    caller: Caller,
    Body(mut fields): Body<Fields>,
) -> Result<Json<ConfigureAnswer>, RestError> {
    let tfa_token = fields.text("tfaToken")?;
    require(&[&tfa_token])?;
    let setup = caller.auth().set_up_admin_factor(tfa_token, caller.origin()).await.map_err(refused)?;
    #[cfg(feature = "qr")]
    let qr_code_base64 = setup.qr_png_base64().map(|png| png.expose().to_owned());
    #[cfg(not(feature = "qr"))]
    let qr_code_base64 = None;
    let secret_code = setup.secret().to_base32().expose().to_owned();
    Ok(Json(ConfigureAnswer { qr_code_base64, secret_code }))
}

/// Activates an authenticator, as Commerce's route does. The response is an empty list, which
/// Commerce's clients expect. The recovery codes are not returned, because Commerce has none and
/// its clients do not expect them.
pub(super) async fn activate(caller: Caller, body: Body<Fields>) -> Result<Json<[(); 0]>, RestError> {
    activate_factor(caller, body).await.map(|_| Json([]))
}

/// Activates an authenticator in a separate task, so that the activation completes even if the
/// client disconnects. Otherwise the admin user's earlier tokens could stay valid, because the
/// activation ends them only in its last step.
pub(super) async fn activate_factor(
    caller: Caller,
    Body(mut fields): Body<Fields>,
) -> Result<Vec<RecoveryCode>, RestError> {
    let (tfa_token, otp) = (fields.text("tfaToken")?, fields.code("otp")?);
    require(&[&tfa_token, &otp])?;
    let activated = async move { caller.auth().activate_admin_factor(tfa_token, otp, caller.origin()).await };
    to_its_end(activated).await.map_err(refused)
}
