use std::collections::BTreeSet;

use crate::account::{AccountStatus, AdminRecord, Website};

/// The tokens that [`Auth::revoke_customer_token`](crate::Auth::revoke_customer_token) ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevokeScope {
    /// The presented token. A customer who signs out of one device stays signed in on the other
    /// devices.
    Presented,
    /// All tokens of the customer, as in Commerce.
    All,
}

/// The admin users who must sign in with a second factor.
///
/// An admin user who has a second factor must always use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecondFactorPolicy {
    /// Every admin user: Commerce's rule since 2.4.0.
    ///
    /// An admin user without a second factor gets no token. Instead, the crate mails an enrolment
    /// token.
    Required,
    /// The admin users who have set up a second factor.
    Optional,
    /// The admin users who have set up a second factor, and those whose row requires one:
    /// [`AdminUser::requires_second_factor`](crate::AdminUser::requires_second_factor).
    PerAdmin,
}

impl SecondFactorPolicy {
    /// True if this admin user must have a second factor.
    pub(crate) const fn demands_of(self, admin: &AdminRecord) -> bool {
        match self {
            Self::Required => true,
            Self::Optional => false,
            Self::PerAdmin => admin.requires_second_factor,
        }
    }
}

/// The websites on which an unconfirmed customer may not sign in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Confirmation {
    /// All websites.
    #[default]
    Everywhere,
    /// The listed websites. On all other websites an unconfirmed customer signs in like an active
    /// one (Commerce's `customer/create_account/confirm`, which is set per website).
    Only(BTreeSet<Website>),
    /// No website.
    Nowhere,
}

impl Confirmation {
    /// True if an unconfirmed customer of this website may not sign in.
    #[must_use]
    pub fn is_demanded_on(&self, website: &Website) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Only(websites) => websites.contains(website),
            Self::Nowhere => false,
        }
    }

    /// Returns the effective status of an account on this website, given the status of its row.
    pub(crate) fn standing(&self, website: &Website, status: AccountStatus) -> AccountStatus {
        match status {
            AccountStatus::Unconfirmed if !self.is_demanded_on(website) => AccountStatus::Active,
            status => status,
        }
    }
}
