use std::sync::Arc;

use time::OffsetDateTime;

use super::{Assistance, Digest, Obtained};
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

/// A customer, vouched for by a live token.
#[derive(Clone, Debug)]
pub struct CustomerIdentity {
    pub(crate) customer: CustomerId,
    pub(crate) website: Website,
    pub(crate) grant: Digest,
    pub(crate) obtained: Obtained,
    pub(crate) assistance: Option<Arc<Assistance>>,
    pub(crate) issued_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
}

impl CustomerIdentity {
    /// The customer's key.
    #[must_use]
    pub const fn customer_id(&self) -> &CustomerId {
        &self.customer
    }

    /// The website the token is good for.
    #[must_use]
    pub const fn website(&self) -> &Website {
        &self.website
    }

    /// The admin user who acts for the customer, on a token born of assistance.
    #[must_use]
    pub fn actor(&self) -> Option<&AdminId> {
        self.assistance.as_deref().map(|assistance| &assistance.actor)
    }

    /// Why the admin user acts, on a token born of assistance.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.assistance.as_deref().map(|assistance| assistance.reason.as_str())
    }

    /// Refuses an admin user acting for the customer. Guard with it what only the customer may do: payment
    /// data, address of delivery, consent.
    ///
    /// # Errors
    ///
    /// [`TokenError::NotAuthorized`] if the token was born of assistance.
    pub fn require_self(&self) -> Result<(), Error> {
        if self.assistance.is_some() { Err(Error::Token(TokenError::NotAuthorized)) } else { Ok(()) }
    }

    /// The name of the grant behind the token; not a secret.
    #[must_use]
    pub const fn grant(&self) -> &Digest {
        &self.grant
    }

    /// Which credential the sign-in matched.
    #[must_use]
    pub const fn obtained(&self) -> Obtained {
        self.obtained
    }

    /// When the customer signed in: `auth_time` in OpenID Connect's words.
    #[must_use]
    pub const fn auth_time(&self) -> OffsetDateTime {
        self.issued_at
    }

    /// How the customer was authenticated, in the words of RFC 8176; see [`Obtained::amr`].
    #[must_use]
    pub const fn amr(&self) -> &'static [&'static str] {
        self.obtained.amr()
    }

    /// The end of the token.
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }
}

/// An admin user, vouched for by a live token and by the host's table at this moment.
#[derive(Clone, Debug)]
pub struct AdminIdentity {
    pub(crate) admin: AdminRecord,
    pub(crate) grant: Digest,
    pub(crate) obtained: Obtained,
    pub(crate) issued_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
}

impl AdminIdentity {
    /// The admin user's key.
    #[must_use]
    pub const fn admin_id(&self) -> &AdminId {
        &self.admin.id
    }

    /// True if the admin user had this permission when the token was verified.
    #[must_use]
    pub fn has_permission(&self, permission: Permission) -> bool {
        self.admin.has_permission(permission)
    }

    /// The name of the grant behind the token; not a secret.
    #[must_use]
    pub const fn grant(&self) -> &Digest {
        &self.grant
    }

    /// When the admin user signed in, or [stepped up](crate::Auth::step_up): `auth_time` in OpenID Connect's words.
    #[must_use]
    pub const fn auth_time(&self) -> OffsetDateTime {
        self.issued_at
    }

    /// Which credentials the sign-in matched.
    #[must_use]
    pub const fn obtained(&self) -> Obtained {
        self.obtained
    }

    /// How the admin user was authenticated, in the words of RFC 8176; see [`Obtained::amr`].
    #[must_use]
    pub const fn amr(&self) -> &'static [&'static str] {
        self.obtained.amr()
    }

    /// The end of the token.
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }
}
