//! Whether assistance is still wanted and allowed: read live, when a code is redeemed and at every use of
//! what it bought.

use time::OffsetDateTime;

use crate::{
    account::{AccountStatus, AdminId, AdminRecord, AdminUser, CustomerId, Permission},
    auth::Auth,
    error::{Error, Part},
    token::{Assistance, Subject},
};

impl Auth {
    /// Whether both sides stand by an assistance at this moment.
    pub(super) async fn assistance_holds(
        &self,
        customer: &CustomerId,
        assistance: &Assistance,
    ) -> Result<bool, Error> {
        Ok(self.customer_consents(customer).await?
            && self.assistance_stands_until(assistance).await?.is_some())
    }

    /// Whether the customer is active and consents to assistance at this moment.
    async fn customer_consents(&self, customer: &CustomerId) -> Result<bool, Error> {
        let row = self.parts.customers.find_by_id(customer).await?.filter(|row| row.id == *customer);
        Ok(row.is_some_and(|row| row.status == AccountStatus::Active && row.allows_assistance))
    }

    /// Until when the admin user behind an assistance may assist, if at this moment: the shop offers it, the
    /// admin user is active and permitted, and still signed in.
    pub(super) async fn assistance_stands_until(
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

    /// The admin user, if active at this moment.
    pub(super) async fn active_admin(&self, id: &AdminId) -> Result<Option<AdminRecord>, Error> {
        let admins = self.parts.admins.as_ref().ok_or(Error::NotConfigured(Part::Admins))?;
        let row = admins.find_by_id(id).await?;
        Ok(row.filter(|row| row.id == *id && row.status == AccountStatus::Active))
    }
}
