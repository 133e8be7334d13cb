use super::Bearer;
use crate::{
    account::Website,
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
        let Bearer { token, website } = bearer.into();
        let grant = self.live_grant(token).await?;
        match &grant.subject {
            Subject::Customer(_) => self.customer(grant, &website).await.map(Identity::Customer),
            Subject::Admin(_) => Box::pin(self.admin(grant)).await.map(Identity::Admin),
        }
    }

    /// Tells which customer a bearer token is. The hot path.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify), and [`Error::NotAuthorized`] for an admin user's token.
    pub async fn verify_customer(&self, bearer: impl Into<Bearer<'_>>) -> Result<CustomerIdentity, Error> {
        let Bearer { token, website } = bearer.into();
        let grant = self.live_grant(token).await?;
        self.customer(grant, &website).await
    }

    async fn live_grant(&self, token: &str) -> Result<Grant, Error> {
        let digest = self.parts.format.digest(token).ok_or(Error::InvalidToken)?;
        let grant = self.parts.tokens.find(&digest, self.parts.clock.now()).await?;
        grant.ok_or(Error::InvalidToken)
    }

    async fn customer(&self, grant: Grant, website: &Website) -> Result<CustomerIdentity, Error> {
        let Subject::Customer(customer) = grant.subject else { return Err(Error::NotAuthorized) };
        if grant.website.as_ref() != Some(website) {
            return Err(Error::NotAuthorized);
        }
        // In a box, as the admin user's: the future of what most tokens need stays small enough to be moved about.
        if let Some(assistance) = &grant.assistance
            && !Box::pin(self.assistance_holds(&customer, assistance)).await?
        {
            return Err(Error::InvalidToken);
        }
        Ok(CustomerIdentity {
            customer,
            website: website.clone(),
            grant: grant.digest,
            obtained: grant.obtained,
            assistance: grant.assistance,
            issued_at: grant.issued_at,
            expires_at: grant.expires_at,
        })
    }

    async fn admin(&self, grant: Grant) -> Result<AdminIdentity, Error> {
        let Subject::Admin(id) = grant.subject else { return Err(Error::InvalidToken) };
        let admin = self.active_admin(&id).await?.ok_or(Error::InvalidToken)?;
        Ok(AdminIdentity {
            admin,
            grant: grant.digest,
            issued_at: grant.issued_at,
            expires_at: grant.expires_at,
        })
    }
}
