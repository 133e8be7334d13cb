use axum::{extract::FromRequestParts, http::request::Parts};
use commerce_auth::{AdminIdentity, account::Permission, http::rest::RestError};

/// To sign in as a customer.
pub(super) const LOGIN: u8 = 0;
/// To see who assists whom, and the audit trail.
pub(super) const LOG: u8 = 1;

/// An admin user who has the permission that a route is for, or 401, as Commerce answers.
pub(super) struct Permitted<const FOR: u8>;

impl<const FOR: u8, S: Sync> FromRequestParts<S> for Permitted<FOR> {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RestError> {
        let who = <AdminIdentity as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        let (permission, resource) = match FOR {
            LOGIN => (Permission::Login, "Magento_LoginAsCustomer::login"),
            _ => (Permission::AssistanceLog, "Magento_LoginAsCustomerLog::login_log"),
        };
        if who.has_permission(permission) { Ok(Self) } else { Err(RestError::not_authorized(resource)) }
    }
}
