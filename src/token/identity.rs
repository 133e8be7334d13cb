use std::sync::Arc;

use time::OffsetDateTime;

use super::{Assistance, GrantId, Obtained};
use crate::{
    account::{AdminId, AdminRecord, AdminUser, CustomerId, Permission, Website},
    clock::micros,
    error::{Error, TokenError},
};

/// The identity that a bearer token proves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Identity {
    /// A customer, or an admin user who acts for a customer.
    Customer(CustomerIdentity),
    /// An admin user.
    Admin(AdminIdentity),
}

/// The customer that a verified bearer token belongs to. An admin user may be acting for the
/// customer.
#[derive(Clone, Debug)]
pub struct CustomerIdentity {
    pub(crate) customer: CustomerId,
    pub(crate) website: Website,
    pub(crate) grant: GrantId,
    pub(crate) obtained: Obtained,
    pub(crate) assistance: Option<Arc<Assistance>>,
    pub(crate) issued_micros: i64,
    pub(crate) expires_micros: i64,
}

impl CustomerIdentity {
    /// Returns the id of the customer.
    #[must_use]
    pub const fn customer_id(&self) -> &CustomerId {
        &self.customer
    }

    /// Returns the website where the token is valid.
    #[must_use]
    pub const fn website(&self) -> &Website {
        &self.website
    }

    /// Returns the admin user who acts for the customer. Returns `None` if the token is not an
    /// assistance token.
    #[must_use]
    pub fn actor(&self) -> Option<&AdminId> {
        self.assistance.as_deref().map(|assistance| &assistance.actor)
    }

    /// Returns the admin user's reason for the assistance. Returns `None` if the token is not an
    /// assistance token.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.assistance.as_deref().map(|assistance| assistance.reason.as_str())
    }

    /// Returns an error if an admin user acts for the customer. Call this method before an
    /// operation that only the customer may do, for example a change of payment data, of a delivery
    /// address or of a consent.
    ///
    /// # Errors
    ///
    /// [`TokenError::NotAuthorized`] if the token is an assistance token.
    pub fn require_self(&self) -> Result<(), Error> {
        if self.assistance.is_some() { Err(Error::Token(TokenError::NotAuthorized)) } else { Ok(()) }
    }

    /// Returns the id of the token's grant, which is not a secret.
    #[must_use]
    pub const fn grant(&self) -> &GrantId {
        &self.grant
    }

    /// Returns how the token was obtained, for example by which credential.
    #[must_use]
    pub const fn obtained(&self) -> Obtained {
        self.obtained
    }

    /// Returns the time at which the customer signed in, or at which the assistance began
    /// (`auth_time` in OpenID Connect).
    #[must_use]
    pub fn auth_time(&self) -> OffsetDateTime {
        micros::to_time(self.issued_micros)
    }

    /// Returns the methods by which the customer was authenticated, as in RFC 8176: see
    /// [`Obtained::amr`].
    #[must_use]
    pub const fn amr(&self) -> &'static [&'static str] {
        self.obtained.amr()
    }

    /// Returns the expiry of the token.
    #[must_use]
    pub fn expires_at(&self) -> OffsetDateTime {
        micros::to_time(self.expires_micros)
    }
}

/// The admin user that a verified bearer token belongs to. The verification has also read the admin
/// user's account row in the host's table, and the account was active.
#[derive(Clone, Debug)]
pub struct AdminIdentity {
    pub(crate) admin: AdminRecord,
    pub(crate) grant: GrantId,
    pub(crate) obtained: Obtained,
    pub(crate) issued_micros: i64,
    pub(crate) expires_micros: i64,
}

impl AdminIdentity {
    /// Returns the id of the admin user.
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
    pub fn auth_time(&self) -> OffsetDateTime {
        micros::to_time(self.issued_micros)
    }

    /// Returns the credentials with which the admin user signed in.
    #[must_use]
    pub const fn obtained(&self) -> Obtained {
        self.obtained
    }

    /// Returns the methods by which the admin user was authenticated, as in RFC 8176: see
    /// [`Obtained::amr`].
    #[must_use]
    pub const fn amr(&self) -> &'static [&'static str] {
        self.obtained.amr()
    }

    /// Returns the expiry of the token.
    #[must_use]
    pub fn expires_at(&self) -> OffsetDateTime {
        micros::to_time(self.expires_micros)
    }
}
