use super::{Bearer, ending::Stop};
use crate::{
    account::{CustomerId, Website},
    audit::{Action, Draft, Outcome, Refusal},
    auth::Auth,
    error::Error,
    token::{AdminIdentity, Assistance, CustomerIdentity, Grant, Identity, Origin, Subject},
};

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
    /// - [`Error::InvalidToken`]: malformed, unknown, expired or revoked. A string whose check does not
    ///   fit does not reach the store.
    /// - [`Error::NotAuthorized`]: a customer's token of another website.
    /// - [`Error::Unavailable`]: the store, or a table, could not be asked.
    /// - [`Error::NotConfigured`]: an admin user's token, and no admin user table.
    pub async fn verify(&self, bearer: impl Into<Bearer<'_>>) -> Result<Identity, Error> {
        let bearer = bearer.into();
        let grant = self.live_grant(&bearer).await?;
        match &grant.subject {
            Subject::Customer(_) => {
                self.check_customer(&grant, &bearer).await?;
                customer(grant, bearer.website).map(Identity::Customer)
            }
            Subject::Admin(_) => Box::pin(self.admin(grant, &bearer)).await.map(Identity::Admin),
        }
    }

    /// Tells which customer a bearer token is. The hot path.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify), and [`Error::NotAuthorized`] for an admin user's token.
    pub async fn verify_customer(&self, bearer: impl Into<Bearer<'_>>) -> Result<CustomerIdentity, Error> {
        let bearer = bearer.into();
        let grant = self.live_grant(&bearer).await?;
        self.check_customer(&grant, &bearer).await?;
        customer(grant, bearer.website)
    }

    /// Tells which admin user a bearer token is, and what the admin user may do at this moment.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify), and [`Error::NotAuthorized`] for a customer's token.
    pub async fn verify_admin(&self, bearer: impl Into<Bearer<'_>>) -> Result<AdminIdentity, Error> {
        let bearer = bearer.into();
        let grant = self.live_grant(&bearer).await?;
        self.admin(grant, &bearer).await
    }

    /// The customer behind a token, for what only the customer may do.
    pub(super) async fn customer_self(
        &self,
        bearer: &Bearer<'_>,
        action: Action,
    ) -> Result<CustomerIdentity, Error> {
        let who = self.verify_customer(bearer.clone()).await?;
        if let Err(error) = who.require_self() {
            let event = Draft::by_customer(action, &who, bearer.origin());
            return self.conclude(&event, Err(Refusal::Assisting.told(error))).await;
        }
        Ok(who)
    }

    pub(super) async fn live_grant(&self, bearer: &Bearer<'_>) -> Result<Grant, Error> {
        let digest = self.parts.format.digest(bearer.token).ok_or(Error::InvalidToken)?;
        let grant = self.parts.tokens.find(&digest, self.parts.clock.now()).await?;
        grant.ok_or(Error::InvalidToken)
    }

    async fn check_customer(&self, grant: &Grant, bearer: &Bearer<'_>) -> Result<(), Error> {
        let Subject::Customer(customer) = &grant.subject else { return Err(Error::NotAuthorized) };
        if grant.website.as_ref() != Some(&bearer.website) {
            return Err(Error::NotAuthorized);
        }
        // In a box, as the admin user's: the future of what most tokens need stays small enough to be moved about.
        if let Some(assistance) = &grant.assistance {
            let holds = Box::pin(self.assistance_holds(customer, assistance)).await;
            holds.map_err(|stop| self.refused_in_use(stop, Action::AssistanceUse, grant, bearer.origin()))?;
        }
        Ok(())
    }

    async fn admin(&self, grant: Grant, bearer: &Bearer<'_>) -> Result<AdminIdentity, Error> {
        let Subject::Admin(id) = &grant.subject else { return Err(Error::NotAuthorized) };
        let active = self.acting_admin(id, &grant).await;
        let admin =
            active.map_err(|stop| self.refused_in_use(stop, Action::AdminUse, &grant, bearer.origin()))?;
        Ok(AdminIdentity {
            admin,
            grant: grant.digest,
            obtained: grant.obtained,
            issued_at: grant.issued_at,
            expires_at: grant.expires_at,
        })
    }

    /// Whether both sides stand by an assistance at this moment.
    pub(super) async fn assistance_holds(
        &self,
        customer: &CustomerId,
        assistance: &Assistance,
    ) -> Result<(), Stop> {
        self.consenting_customer(customer).await?;
        self.assistance_stands_until(assistance).await?;
        Ok(())
    }

    /// Tells the trail why a token that is live is refused.
    fn refused_in_use(&self, stop: Stop, action: Action, grant: &Grant, origin: &Origin) -> Error {
        if let Some(why) = stop.why {
            self.note_use(action, grant, origin, why);
        }
        stop.refused_as(Error::InvalidToken).told
    }

    /// Queued: a verification waits for no sink.
    fn note_use(&self, action: Action, grant: &Grant, origin: &Origin, why: Refusal) {
        let mut event = Draft::about(action, origin);
        event.about_grant(grant);
        self.parts.trail.note(&event, Outcome::Refused(why));
    }
}

/// Apart from its check, so that the grant is not moved through one more future.
fn customer(grant: Grant, website: Website) -> Result<CustomerIdentity, Error> {
    let Subject::Customer(customer) = grant.subject else { return Err(Error::NotAuthorized) };
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
