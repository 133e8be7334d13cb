use std::fmt;

use serde::{Deserializer, Serialize, Serializer, de};

use super::RestError;
use crate::http::Caller;

/// The customer's consent to remote shopping assistance in Commerce's REST format. The field
/// `extension_attributes.assistance_allowed` is 2 if the customer consents, and 1 if not.
/// [`optional`](Self::optional) deserializes the field.
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

impl AssistanceAllowed {
    /// Deserializes the field `assistance_allowed` as Commerce does, from an integer or from a text
    /// with an integer:
    ///
    /// - 2 means that the customer consents.
    /// - 0, `null` and an empty text mean that the client did not send the field.
    /// - Every other integer means that the customer does not consent.
    ///
    /// # Errors
    ///
    /// If the value has another type, or the text is not an integer of 0 or more.
    pub fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        deserializer.deserialize_any(Value)
    }
}

struct Value;

impl de::Visitor<'_> for Value {
    type Value = Option<AssistanceAllowed>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("1 (denied) or 2 (allowed)")
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(match value {
            0 => None,
            2 => Some(AssistanceAllowed::Allowed),
            _ => Some(AssistanceAllowed::Denied),
        })
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Some(AssistanceAllowed::Denied))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Self::Value, E> {
        match value {
            "" => Ok(None),
            // The error must not repeat the text.
            text => {
                text.parse().map_err(|_| E::custom("not a number")).and_then(|value| self.visit_u64(value))
            }
        }
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Sets the signed-in customer's consent to remote shopping assistance. The host writes the route
/// `PUT /V1/customers/me` and calls this function in it.
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
///     #[serde(default, alias = "extensionAttributes")]
///     extension_attributes: Option<ExtensionAttributes>,
/// }
///
/// #[derive(Default, Deserialize)]
/// #[serde(default)] // PHP writes no fields as `[]`.
/// struct ExtensionAttributes {
///     #[serde(alias = "assistanceAllowed", deserialize_with = "AssistanceAllowed::optional")]
///     assistance_allowed: Option<AssistanceAllowed>,
/// }
///
/// async fn update(caller: Caller, Body(body): Body<Update>) -> Result<Json<bool>, RestError> {
///     let attributes = body.customer.extension_attributes.unwrap_or_default();
///     if let Some(allowed) = attributes.assistance_allowed {
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
/// - Status 401 for an anonymous caller, an admin user, and an admin user who acts for the
///   customer. Only the customer can give or withdraw consent.
/// - Status 503 if a storage backend request failed.
pub async fn set_assistance_consent(caller: &Caller, allowed: AssistanceAllowed) -> Result<(), RestError> {
    const RESOURCE: &str = "self";
    let bearer = caller.bearer().ok_or_else(|| RestError::not_authorized(RESOURCE))?;
    let set = caller.auth().set_remote_shopping_assistance(bearer, allowed.into());
    set.await.map_err(|error| RestError::refused(error, RESOURCE))
}
