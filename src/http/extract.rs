use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::{StatusCode, request::Parts};

use super::{Caller, rest::RestError};
use crate::token::{AdminIdentity, CustomerIdentity};

/// Extracts the caller, who may be anonymous. The router must have [`AuthLayer`](super::AuthLayer)
/// around it.
impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, RestError> {
        parts.extensions.get().cloned().ok_or_else(RestError::no_layer)
    }
}

macro_rules! identity {
    ($(#[$doc:meta])* $identity:ty, $verify:ident, $resource:literal) => {
        $(#[$doc])*
        ///
        /// If a storage backend request fails, the response has status 503, even if the handler
        /// takes an `Option` of the identity. The reason is that the extractor does not know if the
        /// token is valid.
        impl<S: Sync> FromRequestParts<S> for $identity {
            type Rejection = RestError;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, RestError> {
                let caller: &Caller = parts.extensions.get().ok_or_else(RestError::no_layer)?;
                let bearer = caller.bearer().ok_or_else(|| RestError::not_authorized($resource))?;
                caller.auth().$verify(bearer).await.map_err(|error| RestError::refused(error, $resource))
            }
        }

        /// Extracts the identity. Returns `None` if there is no valid token, if the token is of
        /// another kind (customer or admin user), or if it is for another website.
        impl<S: Sync> OptionalFromRequestParts<S> for $identity {
            type Rejection = RestError;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, RestError> {
                match <Self as FromRequestParts<S>>::from_request_parts(parts, state).await {
                    Ok(who) => Ok(Some(who)),
                    Err(refused) if refused.status() == StatusCode::UNAUTHORIZED => Ok(None),
                    Err(error) => Err(error),
                }
            }
        }
    };
}

identity! {
    /// Extracts the customer whose token the request presents. Without a valid token, the response
    /// has status 401. An admin user may be acting for the customer. Before an operation that only
    /// the customer may do, call [`require_self`](CustomerIdentity::require_self).
    CustomerIdentity, verify_customer, "self"
}
identity! {
    /// Extracts the admin user whose token the request presents. Without a valid token, the
    /// response has status 401. Check permissions with
    /// [`has_permission`](AdminIdentity::has_permission).
    AdminIdentity, verify_admin, "Magento_Backend::admin"
}
