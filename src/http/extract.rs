use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::{StatusCode, request::Parts};

use super::{Caller, rest::RestError};
use crate::token::{AdminIdentity, CustomerIdentity};

/// The caller, who may be a guest. Needs [`AuthLayer`](super::AuthLayer) around the router.
impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, RestError> {
        parts.extensions.get().cloned().ok_or_else(RestError::no_layer)
    }
}

/// The two identities are extracted alike.
macro_rules! identity {
    ($(#[$doc:meta])* $identity:ty, $verify:ident, $resource:literal) => {
        $(#[$doc])*
        ///
        /// A store that is down is a 503, for an optional one too: never a guest.
        impl<S: Sync> FromRequestParts<S> for $identity {
            type Rejection = RestError;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RestError> {
                let caller = <Caller as FromRequestParts<S>>::from_request_parts(parts, state).await?;
                let bearer = caller.bearer().ok_or_else(|| RestError::not_authorized($resource))?;
                caller.auth().$verify(bearer).await.map_err(|error| RestError::refused(error, $resource))
            }
        }

        /// As the identity itself; none is a guest, an ended token, and a token of another kind or website.
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
    /// The customer whose token the request presents, or 401. An admin user may be acting for the customer: guard what is
    /// the customer's own with [`require_self`](CustomerIdentity::require_self).
    CustomerIdentity, verify_customer, "self"
}
identity! {
    /// The admin user whose token the request presents, or 401. Check permissions with
    /// [`has_permission`](AdminIdentity::has_permission).
    AdminIdentity, verify_admin, "Magento_Backend::admin"
}
