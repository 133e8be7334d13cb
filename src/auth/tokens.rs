use super::Auth;
#[cfg(doc)]
use crate::config::RevokeScope;
#[cfg(doc)]
use crate::error::{InternalError, TokenError};
use crate::{
    error::Error,
    flow::{self, Keep, ListedToken, Purged},
    token::{AdminIdentity, Bearer, CustomerIdentity, GrantId, Identity},
};

/// # Tokens
///
/// Verification, listing and revocation of bearer tokens.
impl Auth {
    /// Verifies a bearer token and returns its customer or admin user.
    ///
    /// For a customer's own token, the method reads the grant from the store and nothing else. Two
    /// kinds of token need more checks at every use:
    ///
    /// - For an admin user's token, the method also reads the admin user's account row. It checks
    ///   the status, and that the sign-in had a second factor if the configuration requires one
    ///   now.
    /// - For an assistance token, the method also checks the admin user's own token, status and
    ///   permissions, and the customer's status and consent.
    ///
    /// If a check of the admin user or of the customer's consent refuses a live token, the audit
    /// trail records the reason. The caller does not get the reason. The use of a token that has
    /// ended is not recorded. If an operation ended the token, the audit trail has a record of that
    /// operation.
    ///
    /// # Errors
    ///
    /// - [`TokenError::Invalid`]: the token is malformed, unknown, expired or revoked. If the
    ///   token's check characters are wrong, the store is not read.
    /// - [`TokenError::NotAuthorized`]: the token belongs to a customer of another website.
    /// - [`Error::Unavailable`]: the request to the storage backend or to a table of the host
    ///   failed.
    /// - [`InternalError::NotConfigured`]: it is an admin user's token, but there is no admin user
    ///   table.
    pub async fn verify(&self, bearer: impl Into<Bearer<'_>>) -> Result<Identity, Error> {
        flow::verify(&self.services, bearer.into()).await
    }

    /// Verifies a bearer token and returns its customer. Call it for every request of a customer.
    ///
    /// # Errors
    ///
    /// The errors of [`verify`](Self::verify), and [`TokenError::NotAuthorized`] for an admin
    /// user's token.
    pub async fn verify_customer(&self, bearer: impl Into<Bearer<'_>>) -> Result<CustomerIdentity, Error> {
        flow::verify_customer(&self.services, bearer).await
    }

    /// Verifies a bearer token and returns its admin user, with the permissions that the admin user
    /// has now.
    ///
    /// # Errors
    ///
    /// The errors of [`verify`](Self::verify), and [`TokenError::NotAuthorized`] for a customer's
    /// token.
    pub async fn verify_admin(&self, bearer: impl Into<Bearer<'_>>) -> Result<AdminIdentity, Error> {
        flow::verify_admin(&self.services, bearer.into()).await
    }

    /// Lists the customer's live tokens, including assistance tokens, the newest first.
    ///
    /// The list has at most
    /// [`AuthConfig::tokens_per_subject`](crate::AuthConfig::tokens_per_subject) entries, because a
    /// customer cannot have more live tokens.
    ///
    /// # Errors
    ///
    /// The errors of [`verify_customer`](Self::verify_customer), and [`TokenError::NotAuthorized`]
    /// for an assistance token.
    pub async fn list_customer_tokens(
        &self,
        bearer: impl Into<Bearer<'_>>,
    ) -> Result<Vec<ListedToken>, Error> {
        flow::list_customer_tokens(&self.services, bearer.into()).await
    }

    /// Ends the presented token: Commerce's `revokeCustomerToken`.
    ///
    /// Once this method has returned `Ok`, no node accepts the token. Commerce, in contrast, ends
    /// all of the customer's tokens. To end all of them as Commerce does, set
    /// [`AuthConfig::revoke`](crate::AuthConfig::revoke) to [`RevokeScope::All`], or call
    /// [`revoke_all_customer_tokens`](Self::revoke_all_customer_tokens). If the presented token is
    /// an assistance token, only this token ends, also with [`RevokeScope::All`].
    ///
    /// # Errors
    ///
    /// The errors of [`verify_customer`](Self::verify_customer).
    #[doc(alias("revokeCustomerToken", "/V1/integration/customer/revoke-customer-token"))]
    pub async fn revoke_customer_token(&self, bearer: impl Into<Bearer<'_>>) -> Result<(), Error> {
        flow::revoke_customer_token(&self.services, bearer.into()).await
    }

    /// Ends one of the customer's tokens, by the id of its grant from
    /// [`list_customer_tokens`](Self::list_customer_tokens).
    ///
    /// Returns true if the customer had this token.
    ///
    /// # Errors
    ///
    /// The errors of [`verify_customer`](Self::verify_customer), and [`TokenError::NotAuthorized`]
    /// for an assistance token.
    pub async fn revoke_listed_customer_token(
        &self,
        bearer: impl Into<Bearer<'_>>,
        grant: &GrantId,
    ) -> Result<bool, Error> {
        flow::revoke_listed_customer_token(&self.services, bearer.into(), grant).await
    }

    /// Ends all of the customer's tokens, or all except the presented one.
    ///
    /// The customer's unspent reset tokens, one-time codes and confirmation tokens end, too. All of
    /// these tokens and codes end in one atomic step. A sign-in that began before this step and is
    /// still running gets no token. A sign-in that begins after it succeeds as usual.
    ///
    /// # Errors
    ///
    /// The errors of [`verify_customer`](Self::verify_customer), and [`TokenError::NotAuthorized`]
    /// for an assistance token.
    #[doc(alias = "revokeCustomerToken")]
    pub async fn revoke_all_customer_tokens(
        &self,
        bearer: impl Into<Bearer<'_>>,
        keep: Keep,
    ) -> Result<(), Error> {
        flow::revoke_all_customer_tokens(&self.services, bearer.into(), keep).await
    }

    /// Ends all bearer tokens, reset tokens, one-time codes, confirmation tokens and enrolments of
    /// all customers and admin users, by a single write to the store.
    ///
    /// Call this method after the database was leaked, or after a backup was restored. A restored
    /// backup can contain tokens that were revoked after the backup was made.
    ///
    /// # Errors
    ///
    /// - [`Error::Unavailable`]: the storage backend request failed. The tokens may have been
    ///   ended. Call the method again.
    /// - [`Error::Random`]: nothing was ended.
    pub async fn revoke_everything(&self) -> Result<(), Error> {
        flow::revoke_everything(&self.services).await
    }

    /// Removes expired records, at most `limit` of each kind, and closes assistances that have
    /// ended.
    ///
    /// Call this method once a minute, from a timer of the host. The method also notifies customers
    /// of the assistances that it closes. If the host does not call the method, these notices come
    /// late and the store grows. Expired tokens are refused nevertheless.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: the storage backend request failed. Some records may have been
    /// removed.
    pub async fn purge(&self, limit: usize) -> Result<Purged, Error> {
        flow::purge(&self.services, limit).await
    }
}
