use std::fmt;

use axum::Json;
use serde::Deserialize;

use super::{
    Body, RestError,
    fields::{Fields, require},
};
use crate::{
    flow::EmailConfirmation,
    http::{Caller, to_its_end},
    token::CustomerIdentity,
};

/// The body of Commerce's `PUT /V1/customers/me/activate`: `{confirmationKey}`.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Activation(Fields);

/// The `Debug` output does not show the confirmation token.
impl fmt::Debug for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Activation(..)")
    }
}

/// Confirms the e-mail address of the signed-in customer with a mailed confirmation token.
///
/// In Commerce, the route `PUT /V1/customers/me/activate` returns the customer. The library does
/// not have the customer's data. So the host writes this route, and calls this function in it. The
/// argument `email` is the e-mail address in the customer's account row.
///
/// The confirmation ends all tokens of the customer, including the token of this request: see
/// [`Auth::confirm_email`](crate::Auth::confirm_email). In a tokio runtime, the confirmation
/// completes even if the client disconnects.
///
/// ```
/// use axum::{Json, Router, routing::put};
/// use commerce_auth::{
///     CustomerIdentity,
///     http::{
///         Caller,
///         rest::{self, Activation, Body, RestError},
///     },
/// };
///
/// async fn activate(
///     who: CustomerIdentity,
///     caller: Caller,
///     Body(activation): Body<Activation>,
/// ) -> Result<Json<String>, RestError> {
///     let email = format!("{}@example.com", who.customer_id()); // from your own table
///     rest::activate(&caller, &who, &email, activation).await?;
///     Ok(Json(email)) // the customer, as your GET /V1/customers/me shows it
/// }
///
/// let routes: Router = Router::new().route("/V1/customers/me/activate", put(activate));
/// ```
///
/// # Errors
///
/// - Status 401 for an admin user who acts for the customer.
/// - Status 400, in Commerce's words, for a token that is missing, wrong or spent.
/// - Status 429 after too many wrong tokens.
/// - Status 503 if a storage backend request failed.
pub async fn activate(
    caller: &Caller,
    who: &CustomerIdentity,
    email: &str,
    Activation(mut fields): Activation,
) -> Result<(), RestError> {
    who.require_self().map_err(|error| RestError::refused(error, "self"))?;
    let key = fields.text("confirmationKey")?;
    require(&[&key])?;
    let confirmation = EmailConfirmation::new(email, key).website(who.website().clone());
    let confirmation = confirmation.origin(caller.origin().clone()).challenge(caller.challenge().clone());
    let auth = caller.auth().clone();
    to_its_end(async move { auth.confirm_email(confirmation).await }).await?;
    Ok(())
}

/// Returns true for every e-mail address, also if an account has it, so that the route does not
/// reveal accounts. Commerce does the same by default
/// (`checkout/options/enable_guest_checkout_login`).
pub(super) async fn is_email_available(Body(mut fields): Body<Fields>) -> Result<Json<bool>, RestError> {
    fields.given("customerEmail")?;
    fields.number("websiteId")?;
    Ok(Json(true))
}
