use super::verify_customer::customer_self;
use crate::{
    audit::Action,
    error::Error,
    service::Services,
    token::{Bearer, Grant, Origin, Subject},
};

/// The description of a customer's live token. It does not contain the token itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListedToken {
    /// The grant of the token, with the website and the times. For an assistance token, the grant
    /// also names the admin user. The grant's id identifies the token.
    pub grant: Grant,
    /// The origin of the sign-in that obtained the token.
    pub origin: Origin,
    /// True if the caller presented this token.
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
        .map(|(grant, origin)| ListedToken { presented: grant.id == *who.grant(), grant, origin })
        .collect())
}
