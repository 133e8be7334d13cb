use std::sync::Arc;

use time::OffsetDateTime;

use super::{Assistance, GrantId, Obtained};
use crate::{
    account::{AdminId, AdminRecord, AdminUser, CustomerId, Permission, Website},
    error::{Error, TokenError},
};

/// The identity that a bearer token proves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Identity {
    /// A customer, or an admin user acting for one.
    Customer(CustomerIdentity),
    /// An admin user.
    Admin(AdminIdentity),
}

/// A customer whose live token was verified.
#[derive(Clone, Debug)]
pub struct CustomerIdentity {
    pub(crate) customer: CustomerId,
    pub(crate) website: Website,
    pub(crate) grant: GrantId,
    pub(crate) obtained: Obtained,
    pub(crate) assistance: Option<Arc<Assistance>>,
    pub(crate) issued_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
}

impl CustomerIdentity {
    /// Returns the customer's key.
    #[must_use]
    pub const fn customer_id(&self) -> &CustomerId {
        &self.customer
    }

    /// Returns the website where the token is valid.
    #[must_use]
    pub const fn website(&self) -> &Website {
        &self.website
    }

    /// Returns the admin user who acts for the customer. None if the token does not belong to an
    /// assistance.
    #[must_use]
    pub fn actor(&self) -> Option<&AdminId> {
        self.assistance.as_deref().map(|assistance| &assistance.actor)
    }

    /// Returns the admin user's reason. None if the token does not belong to an assistance.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.assistance.as_deref().map(|assistance| assistance.reason.as_str())
    }

    /// Refuses an admin user who acts for the customer. Call it before operations that only the
    /// customer may do, for example a change of payment data, of a delivery address or of a
    /// consent.
    ///
    /// # Errors
    ///
    /// [`TokenError::NotAuthorized`] if the token belongs to an assistance.
    pub fn require_self(&self) -> Result<(), Error> {
        if self.assistance.is_some() { Err(Error::Token(TokenError::NotAuthorized)) } else { Ok(()) }
    }

    /// Returns the id of the token's grant, which is not a secret.
    #[must_use]
    pub const fn grant(&self) -> &GrantId {
        &self.grant
    }

    /// Returns the credential that the sign-in matched.
    #[must_use]
    pub const fn obtained(&self) -> Obtained {
        self.obtained
    }

    /// Returns the time at which the customer signed in (`auth_time` in OpenID Connect).
    #[must_use]
    pub const fn auth_time(&self) -> OffsetDateTime {
        self.issued_at
    }

    /// Returns how the customer was authenticated, in the terms of RFC 8176: see [`Obtained::amr`].
    #[must_use]
    pub const fn amr(&self) -> &'static [&'static str] {
        self.obtained.amr()
    }

    /// Returns the expiry of the token.
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }
}

/// An admin user whose live token and row in the host's table were verified.
#[derive(Clone, Debug)]
pub struct AdminIdentity {
    pub(crate) admin: AdminRecord,
    pub(crate) grant: GrantId,
    pub(crate) obtained: Obtained,
    pub(crate) issued_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
}

impl AdminIdentity {
    /// Returns the admin user's key.
    #[must_use]
    pub const fn admin_id(&self) -> &AdminId {
        &self.admin.id
    }

    /// True if the admin user had this permission when the token was verified.
    #[must_use]
    pub fn has_permission(&self, permission: Permission) -> bool {
        self.admin.has_permission(permission)
    }

    /// Returns the id of the token's grant, which is not a secret.
    #[must_use]
    pub const fn grant(&self) -> &GrantId {
        &self.grant
    }

    /// Returns the time at which the admin user signed in or [stepped up](crate::Auth::step_up)
    /// (`auth_time` in OpenID Connect).
    #[must_use]
    pub const fn auth_time(&self) -> OffsetDateTime {
        self.issued_at
    }

    /// Returns the credentials that the sign-in matched.
    #[must_use]
    pub const fn obtained(&self) -> Obtained {
        self.obtained
    }

    /// Returns how the admin user was authenticated, in the terms of RFC 8176: see
    /// [`Obtained::amr`].
    #[must_use]
    pub const fn amr(&self) -> &'static [&'static str] {
        self.obtained.amr()
    }

    /// Returns the expiry of the token.
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }
}
