use super::steps::ending::{conclude, refused_in_use};
use crate::{
    account::Website,
    audit::{Action, Draft, Refusal},
    error::{Error, TokenError},
    service::Services,
    token::{Bearer, CustomerIdentity, Grant, Subject},
};

/// The hot path. It takes what its caller has, so that it is compiled into the caller's crate, and no future
/// moves the identity once more.
pub(crate) async fn verify_customer(
    services: &Services,
    bearer: impl Into<Bearer<'_>>,
) -> Result<CustomerIdentity, Error> {
    let bearer = bearer.into();
    let grant = services.tokens.present(bearer.token).await?;
    check(services, &grant, &bearer).await?;
    identity(grant, bearer.website)
}

/// The customer behind a token, for what only the customer may do.
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

/// Refuses a grant of another website, and one that is born of assistance which no longer holds.
pub(super) async fn check(services: &Services, grant: &Grant, bearer: &Bearer<'_>) -> Result<(), Error> {
    let Subject::Customer(customer) = &grant.subject else {
        return Err(Error::Token(TokenError::NotAuthorized));
    };
    if grant.website.as_ref() != Some(&bearer.website) {
        return Err(Error::Token(TokenError::NotAuthorized));
    }
    // In a box, as the admin user's: the future that most tokens need stays small.
    if let Some(assistance) = &grant.assistance {
        let holds = Box::pin(services.assistance.require_both_sides(customer, assistance)).await;
        let refused = |stop| refused_in_use(services, stop, Action::AssistanceUse, grant, bearer.origin);
        holds.map_err(refused)?;
    }
    Ok(())
}

/// The identity of a customer's grant. It is apart from the check, so that the grant is not moved through one
/// more future.
pub(super) fn identity(grant: Grant, website: Website) -> Result<CustomerIdentity, Error> {
    let Subject::Customer(customer) = grant.subject else {
        return Err(Error::Token(TokenError::NotAuthorized));
    };
    Ok(CustomerIdentity {
        customer,
        website,
        grant: grant.digest,
        obtained: grant.obtained,
        assistance: grant.assistance,
        issued_at: grant.issued_at,
        expires_at: grant.expires_at,
    })
}
