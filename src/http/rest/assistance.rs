use axum::{
    Json,
    extract::{Path, rejection::PathRejection},
};
use serde::{Deserialize, Serialize};

use super::{Body, RestError, fields::Fields};
use crate::{
    account::CustomerId,
    error::{AssistanceError, Error},
    http::Caller,
};

/// The parameters of the path: the customer's id. The path may also contain a store code, which is
/// ignored here.
#[derive(Deserialize)]
pub(super) struct CustomerPath {
    id: String,
}

/// The response with a one-time code, which the admin user sees only here.
#[derive(Serialize)]
pub(super) struct CodeAnswer {
    otp: String,
}

pub(super) async fn one_time_code(
    caller: Caller,
    path: Result<Path<CustomerPath>, PathRejection>,
    Body(mut fields): Body<Fields>,
) -> Result<Json<CodeAnswer>, RestError> {
    let resource = "Magento_LoginAsCustomer::login";
    let bearer = caller.bearer().ok_or_else(|| RestError::not_authorized(resource))?;
    let Path(CustomerPath { id }) = path.map_err(|_| RestError::no_route())?;
    let id: CustomerId = id.parse().map_err(|_| RestError::no_route())?;
    let reason = fields.text("reason")?;
    match caller.auth().generate_one_time_code(bearer, &id, reason.as_str()).await {
        Ok(generated) => Ok(Json(CodeAnswer { otp: generated.code().expose().to_owned() })),
        // The shop offers assistance, so this error means that the admin user has no permission.
        // For a missing permission, Commerce's REST API returns status 401.
        Err(Error::Assistance(AssistanceError::Disabled)) if caller.auth().config().assistance.enabled => {
            Err(RestError::not_authorized(resource))
        }
        Err(error) => Err(RestError::refused(error, resource)),
    }
}
