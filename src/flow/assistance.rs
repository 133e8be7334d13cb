//! Whether assistance is wanted and allowed: read live, when it is asked for, when a code is redeemed, and at every use
//! of a token born of it.

use time::OffsetDateTime;

use super::ending::Stop;
use crate::{
    account::{AccountStatus, AdminId, AdminRecord, AdminUser, CustomerId, CustomerRecord, Permission},
    audit::{Draft, Refusal},
    auth::Auth,
    error::{Error, Field, Part},
    token::{Assistance, Grant, Subject},
};

impl Auth {
    /// The assistance that the admin user behind a grant may give at this moment, and until when. Nothing is looked up of
    /// any customer.
    pub(super) async fn assistance_by(
        &self,
        grant: &Grant,
        reason: &str,
        event: &mut Draft,
    ) -> Result<(Assistance, OffsetDateTime), Stop> {
        let Subject::Admin(id) = &grant.subject else {
            event.about_grant(grant);
            return Err(Refusal::NotAnAdmin.told(Error::NotAuthorized));
        };
        event.actor = Some(id.clone());
        event.parent = Some(grant.digest);
        let admin = self.acting_admin(id, grant).await?;
        self.require_permitted(&admin)?;
        self.require_fresh_factor(grant)?;
        let mut assistance = Assistance::new(admin.id, grant.digest, reason);
        if assistance.reason.is_empty() {
            let default = self.config().default_assistance_reason.as_ref();
            let default = default.ok_or(Refusal::NoReason.told(Error::Required(Field::Reason)))?;
            assistance = Assistance::new(assistance.actor, assistance.parent, default);
        }
        event.about_assistance(&assistance);
        Ok((assistance, grant.expires_at))
    }

    /// Until when the admin user behind an assistance may assist, if at this moment: the shop offers it, the admin user
    /// is still signed in, active and permitted.
    pub(super) async fn assistance_stands_until(
        &self,
        assistance: &Assistance,
    ) -> Result<OffsetDateTime, Stop> {
        let parent = self.parts.tokens.find(&assistance.parent, self.parts.clock.now()).await?;
        let parent = parent.filter(|parent| parent.subject == Subject::Admin(assistance.actor.clone()));
        let parent = parent.ok_or(Refusal::AdminSignedOut.told(Error::InvalidToken))?;
        let admin = self.acting_admin(&assistance.actor, &parent).await?;
        self.require_permitted(&admin)?;
        Ok(parent.expires_at)
    }

    /// The admin user behind a grant, if active at this moment and if a grant so obtained will still do: the shop may demand
    /// a second factor since.
    pub(super) async fn acting_admin(&self, id: &AdminId, grant: &Grant) -> Result<AdminRecord, Stop> {
        let admin = self.active_admin(id).await?;
        if self.must_have_factor(&admin) && !grant.obtained.has_second_factor() {
            return Err(Refusal::NoSecondFactor.told(Error::InvalidToken));
        }
        Ok(admin)
    }

    /// The admin user, if active at this moment.
    pub(super) async fn active_admin(&self, id: &AdminId) -> Result<AdminRecord, Stop> {
        let admins = self.parts.admins.as_ref().ok_or(Error::NotConfigured(Part::Admins))?;
        let row = admins.find_by_id(id).await?;
        let active = row.filter(|row| row.id == *id && row.status == AccountStatus::Active);
        active.ok_or(Refusal::AdminDisabled.told(Error::InvalidToken))
    }

    /// Refuses an admin user who may not assist at this moment, or where nobody may.
    fn require_permitted(&self, admin: &AdminRecord) -> Result<(), Stop> {
        if !self.config().assistance {
            return Err(Refusal::AssistanceOff.told(Error::AssistanceDisabled));
        }
        for (permission, error) in [
            (Permission::Login, Error::AssistanceDisabled),
            (Permission::AllowShoppingAssistance, Error::AssistanceNotPermitted),
        ] {
            if !admin.has_permission(permission) {
                return Err(Refusal::NoPermission.told(error));
            }
        }
        Ok(())
    }

    /// The customer, if active and consenting to assistance at this moment.
    pub(super) async fn consenting_customer(&self, id: &CustomerId) -> Result<CustomerRecord, Stop> {
        let row = self.parts.customers.find_by_id(id).await?.filter(|row| row.id == *id);
        let row = row.ok_or(Refusal::UnknownAccount.told(Error::NoSuchCustomer))?;
        match row.status {
            AccountStatus::Active if row.allows_assistance => Ok(row),
            AccountStatus::Active => Err(Refusal::NoConsent.told(Error::NoConsent)),
            AccountStatus::Unconfirmed => Err(Refusal::AccountUnconfirmed.told(Error::NotConfirmed)),
            AccountStatus::Disabled => Err(Refusal::AccountDisabled.told(Error::CustomerDisabled)),
        }
    }
}
