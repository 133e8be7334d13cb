use super::Auth;
#[cfg(doc)]
use crate::config::RevokeScope;
#[cfg(doc)]
use crate::error::{InternalError, TokenError};
use crate::{
    error::Error,
    flow::{self, Keep, ListedToken, Purged},
    token::{AdminIdentity, Bearer, CustomerIdentity, Digest, Identity},
};

/// # Tokens
///
/// Bearer tokens are verified, listed and ended.
impl Auth {
    /// Tells who a bearer token is: a customer, or an admin user.
    ///
    /// Reads the store once for a customer's own token, and once for a token that is unknown, expired or revoked. A
    /// token born of assistance, and an admin user's, are checked live at every use: the admin user's own grant,
    /// standing and permissions, and the customer's standing and consent. If such a live token is refused, the reason
    /// goes into the audit trail and is not told to the caller. The audit trail does not record that an ended token was
    /// presented: it records the end itself, in the flow that ends the token.
    ///
    /// # Errors
    ///
    /// - [`TokenError::Invalid`]: malformed, unknown, expired or revoked. A string whose check does not
    ///   fit does not reach the store.
    /// - [`TokenError::NotAuthorized`]: a customer's token of another website.
    /// - [`Error::Unavailable`]: the store, or a table, could not be asked.
    /// - [`InternalError::NotConfigured`]: an admin user's token, and no admin user table.
    pub async fn verify(&self, bearer: impl Into<Bearer<'_>>) -> Result<Identity, Error> {
        flow::verify(&self.services, bearer.into()).await
    }

    /// Tells which customer a bearer token is. The hot path.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify), and [`TokenError::NotAuthorized`] for an admin user's token.
    pub async fn verify_customer(&self, bearer: impl Into<Bearer<'_>>) -> Result<CustomerIdentity, Error> {
        flow::verify_customer(&self.services, bearer).await
    }

    /// Tells which admin user a bearer token is, and what the admin user may do at this moment.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify), and [`TokenError::NotAuthorized`] for a customer's token.
    pub async fn verify_admin(&self, bearer: impl Into<Bearer<'_>>) -> Result<AdminIdentity, Error> {
        flow::verify_admin(&self.services, bearer.into()).await
    }

    /// The customer's live tokens, the newest first, those of assistance among them: at most
    /// [`AuthConfig::tokens_per_subject`](crate::AuthConfig::tokens_per_subject).
    ///
    /// # Errors
    ///
    /// As [`verify_customer`](Self::verify_customer), and [`TokenError::NotAuthorized`] for a token born of
    /// assistance.
    pub async fn list_customer_tokens(
        &self,
        bearer: impl Into<Bearer<'_>>,
    ) -> Result<Vec<ListedToken>, Error> {
        flow::list_customer_tokens(&self.services, bearer.into()).await
    }

    /// Ends the token presented: Commerce's `revokeCustomerToken`. Once it has returned, no node accepts the
    /// token.
    ///
    /// Commerce ends all of the customer's tokens; set [`AuthConfig::revoke`](crate::AuthConfig::revoke) to
    /// [`RevokeScope::All`] for that, as by [`revoke_all_customer_tokens`](Self::revoke_all_customer_tokens). A
    /// token born of assistance only ever ends itself.
    ///
    /// # Errors
    ///
    /// As [`verify_customer`](Self::verify_customer).
    #[doc(alias("revokeCustomerToken", "/V1/integration/customer/revoke-customer-token"))]
    pub async fn revoke_customer_token(&self, bearer: impl Into<Bearer<'_>>) -> Result<(), Error> {
        flow::revoke_customer_token(&self.services, bearer.into()).await
    }

    /// Ends one of the customer's other tokens, named as [`list_customer_tokens`](Self::list_customer_tokens)
    /// names it. Answers whether the customer had it.
    ///
    /// # Errors
    ///
    /// As [`verify_customer`](Self::verify_customer), and [`TokenError::NotAuthorized`] for a token born of
    /// assistance.
    pub async fn revoke_listed_customer_token(
        &self,
        bearer: impl Into<Bearer<'_>>,
        grant: &Digest,
    ) -> Result<bool, Error> {
        flow::revoke_listed_customer_token(&self.services, bearer.into(), grant).await
    }

    /// Ends all of the customer's tokens, or all but the one presented, and the outstanding reset tokens and
    /// one-time codes: one atomic step, which a sign-in in flight does not survive and a later one does.
    ///
    /// # Errors
    ///
    /// As [`verify_customer`](Self::verify_customer), and [`TokenError::NotAuthorized`] for a token born of
    /// assistance.
    #[doc(alias = "revokeCustomerToken")]
    pub async fn revoke_all_customer_tokens(
        &self,
        bearer: impl Into<Bearer<'_>>,
        keep: Keep,
    ) -> Result<(), Error> {
        flow::revoke_all_customer_tokens(&self.services, bearer.into(), keep).await
    }

    /// Ends every token, reset token and one-time code of everybody, in one write: for the day a database leaked
    /// or a backup was restored.
    ///
    /// # Errors
    ///
    /// - [`Error::Unavailable`]: it may be done; call it again.
    /// - [`Error::Random`]: nothing was ended.
    pub async fn revoke_everything(&self) -> Result<(), Error> {
        flow::revoke_everything(&self.services).await
    }

    /// Removes what is over, at most `limit` records of each kind, and closes what is over in the ledger of
    /// assistance, so that its customers are told: for a host's timer, once a minute. Nothing else depends on
    /// it but space.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: some of it may be done.
    pub async fn purge(&self, limit: usize) -> Result<Purged, Error> {
        flow::purge(&self.services, limit).await
    }
}
