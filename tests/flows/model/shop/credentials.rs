//! Presented values, and one-time credentials.

use commerce_auth::{
    Error,
    error::{Field, InputError, PolicyViolation},
};
use time::OffsetDateTime as Time;

use super::{Assist, Shop};

/// For each purpose, a customer's newest one-time credentials stay valid, up to this number.
const KEPT: usize = 3;

#[derive(Debug)]
pub(crate) struct Secret {
    pub(crate) customer: usize,
    pub(crate) site: usize,
    /// For a one-time code: the admin user who generated it.
    pub(crate) assist: Option<Assist>,
    pub(crate) expires: Time,
    /// True if newer credentials replaced it, or if it was ended.
    pub(crate) gone: bool,
    pub(crate) spent: bool,
    /// True if a new password was set with it.
    pub(crate) by_reset: bool,
    /// The token that was issued for it, if there is one.
    pub(crate) bought: Option<usize>,
}

/// The value of the `password` argument.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Presented {
    Empty,
    TooLong,
    /// A value that belongs to no account.
    Wrong,
    Password(usize),
    Secret(usize),
}

/// The value of the `newPassword` argument.
#[derive(Clone, Copy, Debug)]
pub(crate) enum New {
    Good(usize),
    Empty,
    /// Seven characters.
    Short,
    /// 257 characters.
    Long,
    /// Longer than any credential may be.
    Huge,
    Edge,
    TwoClasses,
    Address,
}

impl Presented {
    pub(super) const fn check(self, field: Field) -> Result<(), Error> {
        match self {
            Self::Empty => Err(Error::Input(InputError::Required(field))),
            Self::TooLong => Err(Error::Input(InputError::PasswordTooLong)),
            Self::Wrong | Self::Password(_) | Self::Secret(_) => Ok(()),
        }
    }
}

impl New {
    /// Returns the new password, if it is allowed.
    pub(super) const fn judge(self, field: Field) -> Result<usize, Error> {
        Err(Error::Input(InputError::Policy(match self {
            Self::Good(password) => return Ok(password),
            Self::Empty => return Err(Error::Input(InputError::Required(field))),
            Self::Short => PolicyViolation::TooShort(8),
            Self::Long | Self::Huge => PolicyViolation::TooLong(256),
            Self::Edge => PolicyViolation::EdgeSpace,
            Self::TwoClasses => PolicyViolation::TooFewClasses(3),
            Self::Address => PolicyViolation::SameAsEmail,
        })))
    }
}

impl Shop {
    /// True if a one-time credential is the customer's on this website, and has not ended.
    pub(super) fn fits(&self, secret: usize, customer: usize, site: usize) -> bool {
        let secret = &self.secrets[secret];
        (secret.customer, secret.site) == (customer, site) && !secret.gone && self.now < secret.expires
    }

    /// True if a one-time credential can still be redeemed.
    pub(crate) fn is_outstanding(&self, secret: usize) -> bool {
        let Secret { expires, gone, spent, .. } = self.secrets[secret];
        !gone && !spent && self.now < expires
    }

    /// Adds a one-time credential. If its purpose has too many outstanding ones, the oldest are
    /// removed.
    pub(crate) fn put(
        &mut self,
        customer: usize,
        site: usize,
        assist: Option<Assist>,
        expires: Time,
    ) -> usize {
        let (gone, spent, by_reset, bought) = (false, false, false, None);
        self.secrets.push(Secret { customer, site, assist, expires, gone, spent, by_reset, bought });
        let now = self.now;
        let outstanding = self.secrets.iter_mut().rev().filter(|secret| {
            secret.customer == customer
                && secret.assist.is_some() == assist.is_some()
                && !(secret.gone || secret.spent || now >= secret.expires)
        });
        outstanding.skip(KEPT).for_each(|secret| secret.gone = true);
        self.secrets.len() - 1
    }
}
