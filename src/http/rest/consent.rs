use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::RestError;
use crate::http::Caller;

/// A customer's consent to remote shopping assistance as Commerce's REST writes it: `extension_attributes.assistance_allowed`,
/// which is 2 for allowed and 1 for denied. It is read from a number or a text; another value is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // Commerce's two values.
pub enum AssistanceAllowed {
    /// The customer does not consent: 1.
    Denied,
    /// The customer consents: 2.
    Allowed,
}

impl From<bool> for AssistanceAllowed {
    fn from(allowed: bool) -> Self {
        if allowed { Self::Allowed } else { Self::Denied }
    }
}

impl From<AssistanceAllowed> for bool {
    fn from(allowed: AssistanceAllowed) -> Self {
        allowed == AssistanceAllowed::Allowed
    }
}

impl Serialize for AssistanceAllowed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(match self {
            Self::Denied => 1,
            Self::Allowed => 2,
        })
    }
}

impl<'de> Deserialize<'de> for AssistanceAllowed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Value)
    }
}

struct Value;

impl de::Visitor<'_> for Value {
    type Value = AssistanceAllowed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("1 (denied) or 2 (allowed)")
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<AssistanceAllowed, E> {
        match value {
            1 => Ok(AssistanceAllowed::Denied),
            2 => Ok(AssistanceAllowed::Allowed),
            other => Err(E::invalid_value(de::Unexpected::Unsigned(other), &self)),
        }
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<AssistanceAllowed, E> {
        match value {
            "1" => Ok(AssistanceAllowed::Denied),
            "2" => Ok(AssistanceAllowed::Allowed),
            // Without the text: no error repeats what was sent.
            _ => Err(E::custom("assistance_allowed is neither 1 nor 2")),
        }
    }
}

/// Sets the caller's consent to remote shopping assistance: for a host's own `PUT /V1/customers/me`.
///
/// ```
/// use axum::{Json, Router, routing::put};
/// use commerce_auth::http::{Caller, rest::{self, AssistanceAllowed, Body, RestError}};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Update {
///     customer: CustomerUpdate,
/// }
///
/// #[derive(Deserialize)]
/// struct CustomerUpdate {
///     firstname: Option<String>, // and what else your customers have
///     #[serde(default)]
///     extension_attributes: ExtensionAttributes,
/// }
///
/// #[derive(Default, Deserialize)]
/// struct ExtensionAttributes {
///     assistance_allowed: Option<AssistanceAllowed>,
/// }
///
/// async fn update(caller: Caller, Body(body): Body<Update>) -> Result<Json<bool>, RestError> {
///     if let Some(allowed) = body.customer.extension_attributes.assistance_allowed {
///         rest::set_assistance_consent(&caller, allowed).await?;
///     }
///     // The rest goes to your own table.
///     Ok(Json(true))
/// }
///
/// let routes: Router = Router::new().route("/V1/customers/me", put(update));
/// ```
///
/// # Errors
///
/// Status 401 for a guest, an admin user, and an admin user who acts for the customer: consent is the customer's own. Status
/// 503 if a store failed.
pub async fn set_assistance_consent(caller: &Caller, allowed: AssistanceAllowed) -> Result<(), RestError> {
    const RESOURCE: &str = "self";
    let bearer = caller.bearer().ok_or_else(|| RestError::not_authorized(RESOURCE))?;
    let set = caller.auth().set_remote_shopping_assistance(bearer, allowed.into());
    set.await.map_err(|error| RestError::refused(error, RESOURCE))
}
