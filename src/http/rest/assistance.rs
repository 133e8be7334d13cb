use axum::{Json, extract::Path};
use serde::{Deserialize, Serialize};

use super::{Body, RestError};
use crate::{account::CustomerId, error::Error, http::Caller};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReasonBody {
    reason: Option<String>,
}

/// The admin user's own, once: as a [`BearerToken`](crate::BearerToken) in the answer to a sign-in.
#[derive(Serialize)]
pub(super) struct CodeAnswer {
    otp: String,
}

pub(super) async fn one_time_code(
    caller: Caller,
    Path(id): Path<String>,
    Body(body): Body<ReasonBody>,
) -> Result<Json<CodeAnswer>, RestError> {
    let not_authorized = || RestError::not_authorized("Magento_LoginAsCustomer::login");
    let bearer = caller.bearer().ok_or_else(not_authorized)?;
    let id: CustomerId = id.parse().map_err(|_| RestError::no_route())?;
    let reason = body.reason.unwrap_or_default();
    match caller.auth().generate_one_time_code(bearer, &id, &reason).await {
        Ok(generated) => Ok(Json(CodeAnswer { otp: generated.code().expose().to_owned() })),
        Err(Error::InvalidToken | Error::NotAuthorized) => Err(not_authorized()),
        Err(error) => Err(error.into()),
    }
}
