//! The routes by which a signed-in admin user manages the own second factor. Commerce has pages for
//! these operations, but no REST routes.

use axum::Json;
use serde::Serialize;
use time::{OffsetDateTime, serde::rfc3339};

use super::{
    Body, RestError,
    fields::{Fields, require},
    second_factor::activate_factor,
};
use crate::{
    credential::RecoveryCode,
    error::{Error, TokenError},
    flow::AdminFactor,
    http::{Caller, to_its_end},
    token::Bearer,
};

const RESOURCE: &str = "Magento_Backend::admin";

fn bearer(caller: &Caller) -> Result<Bearer<'_>, RestError> {
    caller.bearer().ok_or_else(|| RestError::not_authorized(RESOURCE))
}

fn refused(error: Error) -> RestError {
    RestError::refused(error, RESOURCE)
}

#[derive(Serialize)]
pub(super) struct FactorAnswer {
    #[serde(with = "rfc3339")]
    activated_at: OffsetDateTime,
    recovery_codes_left: usize,
}

impl From<AdminFactor> for FactorAnswer {
    fn from(factor: AdminFactor) -> Self {
        let AdminFactor { activated_at, recovery_codes_left } = factor;
        Self { activated_at, recovery_codes_left }
    }
}

pub(super) async fn factor(caller: Caller) -> Result<Json<Option<FactorAnswer>>, RestError> {
    let factor = caller.auth().admin_factor(bearer(&caller)?).await.map_err(refused)?;
    Ok(Json(factor.map(FactorAnswer::from)))
}

#[derive(Serialize)]
pub(super) struct EnrolmentAnswer {
    tfa_token: String,
    #[serde(with = "rfc3339")]
    expires_at: OffsetDateTime,
}

pub(super) async fn begin_enrolment(caller: Caller) -> Result<Json<EnrolmentAnswer>, RestError> {
    let begun = caller.auth().begin_admin_enrolment(bearer(&caller)?).await.map_err(refused)?;
    let (tfa_token, expires_at) = (begun.token().expose().to_owned(), begun.expires_at());
    Ok(Json(EnrolmentAnswer { tfa_token, expires_at }))
}

/// The response with new recovery codes. No later response contains them again.
#[derive(Serialize)]
pub(super) struct RecoveryAnswer {
    recovery_codes: Vec<String>,
}

impl From<Vec<RecoveryCode>> for RecoveryAnswer {
    fn from(codes: Vec<RecoveryCode>) -> Self {
        Self { recovery_codes: codes.iter().map(|code| code.expose().to_owned()).collect() }
    }
}

/// Activates an authenticator, like Commerce's route, but also returns the recovery codes.
pub(super) async fn activate(caller: Caller, body: Body<Fields>) -> Result<Json<RecoveryAnswer>, RestError> {
    Ok(Json(activate_factor(caller, body).await?.into()))
}

pub(super) async fn replace_codes(caller: Caller) -> Result<Json<RecoveryAnswer>, RestError> {
    let codes = caller.auth().replace_recovery_codes(bearer(&caller)?).await.map_err(refused)?;
    Ok(Json(codes.into()))
}

#[derive(Serialize)]
pub(super) struct TokenAnswer {
    token: String,
    #[serde(with = "rfc3339")]
    expires_at: OffsetDateTime,
}

pub(super) async fn step_up(
    caller: Caller,
    Body(mut fields): Body<Fields>,
) -> Result<Json<TokenAnswer>, RestError> {
    bearer(&caller).map(drop)?;
    let otp = fields.code("otp")?;
    require(&[&otp])?;
    let stepped_up = to_its_end(async move {
        let bearer = caller.bearer().ok_or(TokenError::Invalid)?;
        caller.auth().step_up(bearer, otp).await
    });
    let signed_in = stepped_up.await.map_err(refused)?;
    let (token, expires_at) = (signed_in.token().expose().to_owned(), signed_in.expires_at());
    Ok(Json(TokenAnswer { token, expires_at }))
}
