use futures_util::future::{BoxFuture, FutureExt as _};

use super::steps::ending::{conclude, refused_in_use};
use crate::{
    account::Website,
    audit::{Action, Draft, Refusal},
    error::{Error, TokenError},
    service::Services,
    token::{Bearer, CustomerIdentity, Grant, Subject},
};

/// Verifies a customer's token. Almost every request of a shop runs this function.
///
/// The function is generic over the caller's argument for speed. A generic function is compiled
/// into the caller's crate, so the identity is not moved through one more future.
pub(crate) async fn verify_customer(
    services: &Services,
    bearer: impl Into<Bearer<'_>>,
) -> Result<CustomerIdentity, Error> {
    let bearer = bearer.into();
    let id = services.tokens.id_of(bearer.token)?;
    let grant = services.tokens.find(&id).await?.ok_or(TokenError::Invalid)?;
    // `is_some` would borrow the grant, and its place in the future would then be kept.
    let None = grant.assistance else { return assisted(services, grant, bearer).await };
    identity(grant, bearer.website)
}

/// Verifies a customer's token for an operation that an admin user must not do for the customer.
/// Refuses assistance tokens.
pub(super) async fn customer_self(
    services: &Services,
    bearer: &Bearer<'_>,
    action: Action,
) -> Result<CustomerIdentity, Error> {
    let who = verify_customer(services, bearer.clone()).await?;
    if let Err(error) = who.require_self() {
        let event = Draft::by_customer(action, &who, bearer.origin);
        return conclude(services, &event, Err(Refusal::Assisting.told(error))).await;
    }
    Ok(who)
}

/// Returns the identity of an assistance grant. Checks if the assistance is still valid.
///
/// The future is boxed and owns the grant, because most tokens are not assistance tokens. So the
/// future of a verification stays small, and costs little to move.
pub(super) fn assisted<'a>(
    services: &'a Services,
    grant: Grant,
    bearer: Bearer<'a>,
) -> BoxFuture<'a, Result<CustomerIdentity, Error>> {
    async move {
        let who = identity(grant.clone(), bearer.website)?;
        if let Some(assistance) = &who.assistance {
            let holds = services.assistance.require_both_sides(&who.customer, assistance).await;
            holds.map_err(|stop| {
                refused_in_use(services, stop, Action::AssistanceUse, &grant, bearer.origin)
            })?;
        }
        Ok(who)
    }
    .boxed()
}

/// Returns the identity of a customer's grant. Refuses a grant of another website or of an admin
/// user.
#[inline(always)]
pub(super) fn identity(grant: Grant, website: Website) -> Result<CustomerIdentity, Error> {
    let Subject::Customer(customer) = grant.subject else {
        return Err(Error::Token(TokenError::NotAuthorized));
    };
    if grant.website.as_ref() != Some(&website) {
        return Err(Error::Token(TokenError::NotAuthorized));
    }
    Ok(CustomerIdentity {
        customer,
        website,
        grant: grant.id,
        obtained: grant.obtained,
        assistance: grant.assistance,
        issued_micros: grant.issued_micros,
        expires_micros: grant.expires_micros,
    })
}
