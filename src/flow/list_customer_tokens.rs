use super::verify_customer::customer_self;
use crate::{
    audit::Action,
    error::Error,
    service::Services,
    token::{Bearer, Grant, Origin, Subject},
};

/// One of a customer's live tokens, as the customer may see it: never the token itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListedToken {
    /// What the token is good for, since when and until when, and who acts through it. Its digest names it.
    pub grant: Grant,
    /// Origin of the sign-in that obtained it.
    pub origin: Origin,
    /// True if it is the token that was presented.
    pub presented: bool,
}

pub(crate) async fn list_customer_tokens(
    services: &Services,
    bearer: Bearer<'_>,
) -> Result<Vec<ListedToken>, Error> {
    let who = customer_self(services, &bearer, Action::TokenList).await?;
    let listed = services.tokens.of(&Subject::Customer(who.customer_id().clone())).await?;
    let listed = listed.into_iter();
    Ok(listed
        .map(|(grant, origin)| ListedToken { presented: grant.digest == *who.grant(), grant, origin })
        .collect())
}
