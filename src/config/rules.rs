use std::collections::BTreeSet;

use crate::account::{AccountStatus, AdminRecord, Website};

/// The customer's tokens that a sign-out ends
/// ([`Auth::revoke_customer_token`](crate::Auth::revoke_customer_token)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevokeScope {
    /// Only the presented token. A customer who signs out on one device stays signed in on the
    /// other devices.
    Presented,
    /// All tokens of the customer, as in Commerce.
    All,
}

/// The admin users who must sign in with a second factor.
///
/// Under each policy, an admin user who has a second factor must use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecondFactorPolicy {
    /// Every admin user: Commerce's rule since 2.4.0.
    ///
    /// An admin user without a second factor gets no token. Instead, the crate mails an enrolment
    /// token.
    Required,
    /// Only the admin users who have set up a second factor.
    Optional,
    /// The admin users who have set up a second factor, and the admin users whose account row
    /// requires one
    /// ([`AdminUser::requires_second_factor`](crate::AdminUser::requires_second_factor)).
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

/// The websites on which customers must confirm their e-mail address before they can sign in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Confirmation {
    /// All websites.
    #[default]
    Everywhere,
    /// Only on the listed websites, a customer must confirm the e-mail address. On all other
    /// websites an unconfirmed customer can sign in, too. Commerce has this setting for each
    /// website: `customer/create_account/confirm`.
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

    /// Returns the status that decides about a sign-in, from the status in the account's row. On a
    /// website without confirmation, an unconfirmed account counts as active.
    pub(crate) fn standing(&self, website: &Website, status: AccountStatus) -> AccountStatus {
        match status {
            AccountStatus::Unconfirmed if !self.is_demanded_on(website) => AccountStatus::Active,
            status => status,
        }
    }
}
