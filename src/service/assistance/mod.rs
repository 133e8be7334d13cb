//! Remote shopping assistance: the check of who may assist whom, and the ledger.
//!
//! The check reads the present state of the customer's account and of the admin user's account. It
//! runs when an assistance begins, when a one-time code is redeemed, and at each verification of
//! the assistance token.

mod entries;
mod ledger;

use std::sync::Arc;

pub(super) use ledger::Ledger;
use ledger::LedgerPage;
use time::OffsetDateTime;

use super::{
    accounts::{Account, Accounts, Consents},
    freshness::Freshness,
    notices::Notices,
    stop::Stop,
    tokens::Tokens,
};
use crate::{
    account::{AccountStatus, AdminId, AdminRecord, AdminUser, CustomerId, CustomerRecord, Permission},
    audit::{Draft, Refusal},
    config::AuthConfig,
    error::{
        AssistanceError, Error, Field, InputError, InternalError, Part, SignInError, StoreError, TokenError,
    },
    token::{Assistance, Grant, Subject},
};

pub(crate) struct Assistances {
    pub(super) config: Arc<AuthConfig>,
    pub(super) customers: Arc<Accounts<CustomerRecord>>,
    pub(super) consents: Arc<dyn Consents>,
    pub(super) admins: Option<Arc<Accounts<AdminRecord>>>,
    pub(super) tokens: Arc<Tokens>,
    pub(super) notices: Arc<Notices>,
    pub(super) freshness: Freshness,
    pub(super) ledger: Ledger,
}

impl Assistances {
    /// Returns the assistance that the admin user of a grant is permitted to give now, and the
    /// latest possible expiry of the assistance. The function does not check the customer.
    pub(crate) async fn offered_by(
        &self,
        grant: &Grant,
        reason: &str,
        event: &mut Draft,
    ) -> Result<(Assistance, OffsetDateTime), Stop> {
        let Subject::Admin(id) = &grant.subject else {
            event.about_grant(grant);
            return Err(Refusal::NotAnAdmin.told(TokenError::NotAuthorized));
        };
        event.actor = Some(id.clone());
        event.parent = Some(grant.id);
        let admin = self.permitted(id, grant).await?;
        if self.config.assistance.step_up {
            self.freshness.require(grant.issued_at(), grant.obtained, true)?;
        }
        let mut assistance = Assistance::new(admin.id, grant.id, reason);
        if assistance.reason.is_empty() {
            let default = self.config.assistance.default_reason.as_ref();
            let default = default.ok_or(Refusal::NoReason.told(InputError::Required(Field::Reason)))?;
            assistance = Assistance::new(assistance.actor, assistance.parent, default);
        }
        event.about_assistance(&assistance);
        Ok((assistance, grant.expires_at()))
    }

    /// Checks the customer and the admin user of an assistance. Refuses the assistance if the
    /// customer does not consent now, or if the admin user is not permitted to assist now.
    pub(crate) async fn require_both_sides(
        &self,
        customer: &CustomerId,
        assistance: &Assistance,
    ) -> Result<(), Stop> {
        self.consenting(customer).await?;
        self.stands_until(assistance).await?;
        Ok(())
    }

    /// Returns the time until which the admin user of an assistance is permitted to assist. Refuses
    /// the assistance if the shop does not offer assistance now. Also refuses the assistance if the
    /// admin user is no longer signed in, active and permitted to assist.
    pub(crate) async fn stands_until(&self, assistance: &Assistance) -> Result<OffsetDateTime, Stop> {
        let parent = self.tokens.find(&assistance.parent).await?;
        let parent = parent.filter(|parent| parent.subject == Subject::Admin(assistance.actor.clone()));
        let parent = parent.ok_or(Refusal::AdminSignedOut.told(TokenError::Invalid))?;
        self.permitted(&assistance.actor, &parent).await?;
        Ok(parent.expires_at())
    }

    /// Returns the customer with this id. Refuses a customer who is not active now, or who does not
    /// consent to remote shopping assistance now.
    pub(crate) async fn consenting(&self, id: &CustomerId) -> Result<CustomerRecord, Stop> {
        let row = self.customers.find_by_id(id).await?;
        let row = row.ok_or(Refusal::UnknownAccount.told(AssistanceError::NoSuchCustomer))?;
        match row.standing(&self.config) {
            AccountStatus::Active if row.allows_assistance => Ok(row),
            AccountStatus::Active => Err(Refusal::NoConsent.told(AssistanceError::NoConsent)),
            AccountStatus::Unconfirmed => Err(Refusal::AccountUnconfirmed.told(SignInError::NotConfirmed)),
            AccountStatus::Disabled => Err(Refusal::AccountDisabled.told(AssistanceError::CustomerDisabled)),
        }
    }

    /// Stores a customer's consent to remote shopping assistance, or the withdrawal of the consent.
    /// Returns false if the customer does not exist.
    pub(crate) async fn set_consent(&self, customer: &CustomerId, allowed: bool) -> Result<bool, StoreError> {
        self.consents.set_assistance(customer, allowed).await
    }

    /// Returns the admin user of a grant. Refuses an admin user who is not permitted to assist now.
    async fn permitted(&self, id: &AdminId, grant: &Grant) -> Result<AdminRecord, Stop> {
        let admins =
            self.admins.as_ref().ok_or(Error::Internal(InternalError::NotConfigured(Part::Admins)))?;
        let admin = admins.acting(id, grant, self.config.admin_second_factor).await?;
        if !self.config.assistance.enabled {
            return Err(Refusal::AssistanceOff.told(AssistanceError::Disabled));
        }
        for (permission, error) in [
            (Permission::Login, Error::Assistance(AssistanceError::Disabled)),
            (Permission::AllowShoppingAssistance, Error::Assistance(AssistanceError::NotPermitted)),
        ] {
            if !admin.has_permission(permission) {
                return Err(Refusal::NoPermission.told(error));
            }
        }
        Ok(admin)
    }
}
