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
    let grant = services.tokens.present(bearer.token).await?;
    check(services, &grant, &bearer).await?;
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

/// Refuses a grant of another website, and an assistance grant whose assistance is no longer valid.
pub(super) async fn check(services: &Services, grant: &Grant, bearer: &Bearer<'_>) -> Result<(), Error> {
    let Subject::Customer(customer) = &grant.subject else {
        return Err(Error::Token(TokenError::NotAuthorized));
    };
    if grant.website.as_ref() != Some(&bearer.website) {
        return Err(Error::Token(TokenError::NotAuthorized));
    }
    // The future that checks an assistance is boxed, so that the future of `check` stays small.
    // Most tokens are not assistance tokens and do not need the box.
    if let Some(assistance) = &grant.assistance {
        let holds = Box::pin(services.assistance.require_both_sides(customer, assistance)).await;
        let refused = |stop| refused_in_use(services, stop, Action::AssistanceUse, grant, bearer.origin);
        holds.map_err(refused)?;
    }
    Ok(())
}

/// Returns the identity of a customer's grant. This function is separate from [`check`] for speed,
/// so that the grant is not moved through the future of `check`.
pub(super) fn identity(grant: Grant, website: Website) -> Result<CustomerIdentity, Error> {
    let Subject::Customer(customer) = grant.subject else {
        return Err(Error::Token(TokenError::NotAuthorized));
    };
    Ok(CustomerIdentity {
        customer,
        website,
        grant: grant.id,
        obtained: grant.obtained,
        assistance: grant.assistance,
        issued_at: grant.issued_at,
        expires_at: grant.expires_at,
    })
}
