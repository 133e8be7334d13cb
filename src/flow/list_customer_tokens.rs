use super::Bearer;
use crate::{
    audit::Action,
    auth::Auth,
    error::Error,
    token::{Grant, Origin, Subject},
};

/// One of a customer's live tokens, as the customer may see it: never the token itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListedToken {
    /// What the token is good for, since when and until when, and who acts through it. Its digest names it.
    pub grant: Grant,
    /// Where it was obtained from.
    pub origin: Origin,
    /// Whether it is the token that was presented.
    pub presented: bool,
}

impl Auth {
    /// The customer's live tokens, the newest first, those of assistance among them: at most
    /// [`AuthConfig::tokens_per_subject`](crate::AuthConfig::tokens_per_subject).
    ///
    /// # Errors
    ///
    /// As [`verify_customer`](Self::verify_customer), and [`Error::NotAuthorized`] for a token born of
    /// assistance.
    pub async fn list_customer_tokens(
        &self,
        bearer: impl Into<Bearer<'_>>,
    ) -> Result<Vec<ListedToken>, Error> {
        let who = self.customer_self(&bearer.into(), Action::TokenList).await?;
        let subject = Subject::Customer(who.customer_id().clone());
        let cap = self.config().tokens_per_subject.get();
        let listed = self.parts.tokens.grants(&subject, cap, self.parts.clock.now()).await?;
        let listed = listed.into_iter();
        Ok(listed
            .map(|(grant, origin)| ListedToken { presented: grant.digest == *who.grant(), grant, origin })
            .collect())
    }
}
