//! What is presented, and the one-time credentials.

use commerce_auth::{Error, Field, InputError, PolicyViolation};
use time::OffsetDateTime as Time;

use super::{Assist, Shop};

/// The newest of a customer's one-time credentials that stay valid, for each purpose.
const KEPT: usize = 3;

#[derive(Debug)]
pub(crate) struct Secret {
    pub(crate) customer: usize,
    pub(crate) site: usize,
    /// On a one-time code: who generated it.
    pub(crate) assist: Option<Assist>,
    pub(crate) expires: Time,
    /// Pushed out by newer ones, or ended.
    pub(crate) gone: bool,
    pub(crate) spent: bool,
    /// True if a new password was set with it.
    pub(crate) by_reset: bool,
    /// The token it was spent on, if one came of it.
    pub(crate) bought: Option<usize>,
}

/// What the `password` argument holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Presented {
    Empty,
    TooLong,
    /// Nobody's anything.
    Wrong,
    Password(usize),
    Secret(usize),
}

/// What the `newPassword` argument holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum New {
    Good(usize),
    Empty,
    /// Seven characters.
    Short,
    /// 257 characters.
    Long,
    /// Over the bound of any credential.
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
    /// The new password, if it may be one.
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
    /// Whether a one-time credential is a customer's on this website, and has not ended.
    pub(super) fn fits(&self, secret: usize, customer: usize, site: usize) -> bool {
        let secret = &self.secrets[secret];
        (secret.customer, secret.site) == (customer, site) && !secret.gone && self.now < secret.expires
    }

    /// Whether a one-time credential can still be redeemed by somebody.
    pub(crate) fn is_outstanding(&self, secret: usize) -> bool {
        let Secret { expires, gone, spent, .. } = self.secrets[secret];
        !gone && !spent && self.now < expires
    }

    /// A new one-time credential: of the outstanding ones of its purpose, the oldest go.
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
