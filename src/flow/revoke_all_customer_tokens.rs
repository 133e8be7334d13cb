use super::{
    steps::{credentials::end_credentials, ending::conclude},
    verify_customer::customer_self,
};
use crate::{
    audit::{Action, Draft},
    error::Error,
    service::Services,
    token::{Bearer, CustomerIdentity, GrantId, Subject},
};

/// The token that stays valid when all tokens of a customer are revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Keep {
    /// Keep the token that the request presented, and end all other tokens: "sign out everywhere
    /// else".
    Presented,
    /// Keep no token. The token that the request presented ends, too: "sign out everywhere".
    Nothing,
}

pub(crate) async fn revoke_all_customer_tokens(
    services: &Services,
    bearer: Bearer<'_>,
    keep: Keep,
) -> Result<(), Error> {
    let who = customer_self(services, &bearer, Action::AllTokensRevoke).await?;
    let keep = (keep == Keep::Presented).then(|| *who.grant());
    revoke_all(services, &who, keep.as_ref(), &bearer).await
}

pub(super) async fn revoke_all(
    services: &Services,
    who: &CustomerIdentity,
    keep: Option<&GrantId>,
    bearer: &Bearer<'_>,
) -> Result<(), Error> {
    let event = Draft::by_customer(Action::AllTokensRevoke, who, bearer.origin);
    let subject = Subject::Customer(who.customer_id().clone());
    let ended = end_credentials(services, &subject, keep, bearer.origin).await;
    conclude(services, &event, ended.map_err(Into::into)).await
}
