use super::{Bearer, ending::Stop};
use crate::{
    account::{CustomerId, Website},
    audit::{Action, AuditEvent, Outcome, Refusal},
    auth::Auth,
    clock::is_from_ahead,
    error::{Error, StoreError},
    store::AssistanceEntry,
    token::{AdminIdentity, Assistance, CustomerIdentity, Digest, Grant, Identity, Origin, Subject},
};

impl Auth {
    /// Tells who a bearer token is: a customer, or an admin user.
    ///
    /// One read of the store for a customer's own token; two more for an unknown one where there are admin users, so that
    /// the trail can tell that it was theirs. A token born of assistance, and an admin user's, are
    /// checked live at every use: the admin user's own grant, standing and permissions, and the customer's
    /// standing and consent. A use that is refused goes into the audit trail, with the reason; the caller is not told.
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
            let event = AuditEvent::by_customer(action, &who, bearer.origin());
            return self.conclude(&event, Err(Refusal::Assisting.told(error))).await;
        }
        Ok(who)
    }

    pub(super) async fn live_grant(&self, bearer: &Bearer<'_>) -> Result<Grant, Error> {
        let digest = self.parts.format.digest(bearer.token).ok_or(Error::InvalidToken)?;
        let grant = self.find_grant(&digest).await?;
        if grant.is_none() && self.parts.admins.is_some() {
            Box::pin(self.tell_if_ended(&digest, bearer.origin())).await;
        }
        grant.ok_or(Error::InvalidToken)
    }

    /// The live grant of this digest. One that was issued by a clock that was ahead, and would live until then, is none.
    pub(super) async fn find_grant(&self, digest: &Digest) -> Result<Option<Grant>, StoreError> {
        let now = self.parts.clock.now();
        let grant = self.parts.tokens.find(digest, now).await?;
        Ok(grant.filter(|grant| !is_from_ahead(grant.issued_at, now)))
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

    /// Tells the trail why a token is not found that an admin user was behind: it has expired, or its assistance has ended.
    /// Others end without a word.
    async fn tell_if_ended(&self, digest: &Digest, origin: &Origin) {
        if let Some(grant) = self.expired_grant(digest).await {
            let action = match grant.subject {
                Subject::Admin(_) => Action::AdminUse,
                Subject::Customer(_) if grant.assistance.is_some() => Action::AssistanceUse,
                Subject::Customer(_) => return,
            };
            self.note_use(action, &grant, origin, Refusal::TokenExpired);
        } else if let Ok(Some(entry)) = self.parts.ledger.find_assistance(digest).await
            && let Some(why) = self.why_ended(&entry).await
        {
            let mut event = AuditEvent::about(Action::AssistanceUse, origin);
            event.about_entry(&entry);
            self.parts.trail.note(&event, Outcome::Refused(why));
        }
    }

    /// None if it cannot be found out.
    async fn why_ended(&self, entry: &AssistanceEntry) -> Option<Refusal> {
        if self.parts.clock.now() >= entry.expires_at {
            return Some(Refusal::TokenExpired);
        }
        match self.assistance_holds(&entry.customer, &entry.assistance).await {
            Ok(()) => Some(Refusal::AssistanceEnded),
            Err(stop) => stop.why,
        }
    }

    /// Queued: a verification waits for no sink.
    fn note_use(&self, action: Action, grant: &Grant, origin: &Origin, why: Refusal) {
        let mut event = AuditEvent::about(action, origin);
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
