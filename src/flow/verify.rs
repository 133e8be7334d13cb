use time::OffsetDateTime;

use crate::{
    account::{AccountStatus, AdminId, AdminRecord, AdminUser, CustomerId, Permission, Website},
    auth::Auth,
    error::{Error, Part},
    token::{AdminIdentity, Assistance, BearerToken, CustomerIdentity, Grant, Identity, Subject},
};

/// A bearer token as a request presents it, and the website the request is for.
///
/// Every flow that takes a token takes `impl Into<Bearer>`: a `&str` or a `&BearerToken` is for the default
/// website, another is named with [`on`](Self::on).
///
/// ```
/// use commerce_auth::{Bearer, Website};
///
/// # fn request() -> (&'static str, Website) { ("", Website::default()) }
/// let (token, website) = request();
/// let bearer = Bearer::from(token).on(website);
/// ```
#[derive(Clone)]
#[must_use]
pub struct Bearer<'a> {
    token: &'a str,
    website: Website,
}

impl Bearer<'_> {
    /// The website the request is for.
    pub fn on(self, website: Website) -> Self {
        Self { website, ..self }
    }
}

impl<'a> From<&'a str> for Bearer<'a> {
    fn from(token: &'a str) -> Self {
        Self { token, website: Website::default() }
    }
}

impl<'a> From<&'a String> for Bearer<'a> {
    fn from(token: &'a String) -> Self {
        Self::from(token.as_str())
    }
}

impl<'a> From<&'a BearerToken> for Bearer<'a> {
    fn from(token: &'a BearerToken) -> Self {
        Self::from(token.expose())
    }
}

impl std::fmt::Debug for Bearer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bearer").field("website", &self.website).finish_non_exhaustive()
    }
}

impl Auth {
    /// Tells who a bearer token is: a customer, or an admin user.
    ///
    /// One read of the store for a customer's own token. A token born of assistance, and an admin user's, are
    /// checked live at every use: the admin user's own grant, standing and permissions, and the customer's
    /// standing and consent.
    ///
    /// # Errors
    ///
    /// - [`Error::InvalidToken`]: malformed, unknown, expired or revoked. What no sign-in can have issued
    ///   does not reach the store.
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

    /// Whether the customer is active and consents to assistance at this moment.
    async fn customer_consents(&self, customer: &CustomerId) -> Result<bool, Error> {
        let row = self.parts.customers.find_by_id(customer).await?.filter(|row| row.id == *customer);
        Ok(row.is_some_and(|row| row.status == AccountStatus::Active && row.allows_assistance))
    }

    /// Until when the admin user behind an assistance may assist, if at this moment: the shop offers it, the
    /// admin user is active and permitted, and still signed in.
    pub(crate) async fn assistance_stands_until(
        &self,
        assistance: &Assistance,
    ) -> Result<Option<OffsetDateTime>, Error> {
        if !self.config().steps.one_time_code {
            return Ok(None);
        }
        let parent = self.parts.tokens.find(&assistance.parent, self.parts.clock.now()).await?;
        let parent = parent.filter(|parent| parent.subject == Subject::Admin(assistance.actor.clone()));
        let admin = self.active_admin(&assistance.actor).await?;
        let permitted = admin.is_some_and(|admin| {
            Permission::ALL.into_iter().all(|permission| admin.has_permission(permission))
        });
        Ok(parent.filter(|_| permitted).map(|parent| parent.expires_at))
    }

    async fn active_admin(&self, id: &AdminId) -> Result<Option<AdminRecord>, Error> {
        let admins = self.parts.admins.as_ref().ok_or(Error::NotConfigured(Part::Admins))?;
        let row = admins.find_by_id(id).await?;
        Ok(row.filter(|row| row.id == *id && row.status == AccountStatus::Active))
    }
}
