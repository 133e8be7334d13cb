use super::Bearer;
use crate::{
    auth::Auth,
    error::Error,
    token::{AdminIdentity, CustomerIdentity, Grant, Identity, Subject},
};

impl Auth {
    /// Tells who a bearer token is: a customer, or an admin user.
    ///
    /// One read of the store for a customer's own token. A token born of assistance, and an admin user's, are
    /// checked live at every use: the admin user's own grant, standing and permissions, and the customer's
    /// standing and consent.
    ///
    /// # Errors
    ///
    /// - [`Error::InvalidToken`]: malformed, unknown, expired or revoked. A string whose check does not
    ///   fit does not reach the store.
    /// - [`Error::NotAuthorized`]: a customer's token of another website.
    /// - [`Error::Unavailable`]: the store, or a table, could not be asked.
    /// - [`Error::NotConfigured`]: an admin user's token, and no admin user table.
    pub async fn verify(&self, bearer: impl Into<Bearer<'_>>) -> Result<Identity, Error> {
        self.identify(bearer.into()).await
    }

    /// Tells which customer a bearer token is. The hot path.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify), and [`Error::NotAuthorized`] for an admin user's token.
    pub async fn verify_customer(&self, bearer: impl Into<Bearer<'_>>) -> Result<CustomerIdentity, Error> {
        match self.identify(bearer.into()).await? {
            Identity::Customer(customer) => Ok(customer),
            Identity::Admin(_) => Err(Error::NotAuthorized),
        }
    }

    async fn identify(&self, bearer: Bearer<'_>) -> Result<Identity, Error> {
        let digest = self.parts.format.digest(bearer.token).ok_or(Error::InvalidToken)?;
        let now = self.parts.clock.now();
        let grant = self.parts.tokens.find(&digest, now).await?.ok_or(Error::InvalidToken)?;
        let Grant { digest, subject, website, obtained, assistance, issued_at, expires_at } = grant;
        match (subject, website) {
            (Subject::Customer(customer), Some(website)) => {
                if website != bearer.website {
                    return Err(Error::NotAuthorized);
                }
                if let Some(assistance) = &assistance
                    && !(self.customer_consents(&customer).await?
                        && self.assistance_stands_until(assistance).await?.is_some())
                {
                    return Err(Error::InvalidToken);
                }
                let grant = digest;
                let identity = CustomerIdentity {
                    customer,
                    website,
                    grant,
                    obtained,
                    assistance,
                    issued_at,
                    expires_at,
                };
                Ok(Identity::Customer(identity))
            }
            (Subject::Admin(id), None) => {
                let admin = self.active_admin(&id).await?.ok_or(Error::InvalidToken)?;
                Ok(Identity::Admin(AdminIdentity { admin, grant: digest, issued_at, expires_at }))
            }
            _ => Err(Error::InvalidToken),
        }
    }
}
