//! What a shop's sign-in promises, restated in plain data: no hashes, no tasks, no store.
//!
//! Accounts, secrets and tokens are named by their places in these lists, in the order in which they came.

use std::collections::BTreeMap;

use commerce_auth::{AccountStatus, Error, Field, Obtained};
use time::{Duration, OffsetDateTime as Time};

/// The newest of a customer's one-time credentials that stay valid, by purpose.
pub(crate) const RESET_TOKENS_KEPT: usize = 3;
pub(crate) const CODES_KEPT: usize = 2;

pub(crate) struct Shop {
    pub(crate) now: Time,
    pub(crate) customers: Vec<Account>,
    pub(crate) admins: Vec<Admin>,
    /// The admin users' own grants.
    pub(crate) parents: Vec<Parent>,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) tokens: Vec<Token>,
    /// By website, address and scope; addresses that nobody has are among them.
    pub(crate) budgets: BTreeMap<(usize, usize, Scope), Counter>,
    /// Where a failure was last counted.
    pub(crate) last_failure: Option<(usize, usize, Scope)>,
}

#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) site: usize,
    pub(crate) address: usize,
    pub(crate) password: Option<usize>,
    pub(crate) status: AccountStatus,
    pub(crate) consents: bool,
}

#[derive(Debug)]
pub(crate) struct Admin {
    pub(crate) active: bool,
    pub(crate) permissions: [bool; 2],
}

#[derive(Debug)]
pub(crate) struct Parent {
    pub(crate) admin: usize,
    pub(crate) expires: Time,
    pub(crate) revoked: bool,
}

#[derive(Debug)]
pub(crate) struct Secret {
    pub(crate) customer: usize,
    pub(crate) site: usize,
    /// On a one-time code, the grant through which an admin user generated it.
    pub(crate) parent: Option<usize>,
    pub(crate) expires: Time,
    /// Pushed out by newer ones, or discarded.
    pub(crate) gone: bool,
    pub(crate) spent: bool,
    /// The token it was spent on, if one came of it.
    pub(crate) bought: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) customer: usize,
    pub(crate) site: usize,
    pub(crate) obtained: Obtained,
    pub(crate) parent: Option<usize>,
    pub(crate) issued: Time,
    pub(crate) expires: Time,
    pub(crate) revoked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    Source(u32),
    Confirmation,
    AllSources,
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

/// One budget: failures since the first of them, and the lock that follows the last.
#[derive(Debug)]
pub(crate) struct Counter {
    first: Option<Time>,
    failures: u32,
    locked_until: Option<Time>,
}

impl Scope {
    /// Failures, their window, and the lock.
    const fn budget(self) -> (u32, Duration, Duration) {
        match self {
            Self::Source(_) | Self::Confirmation => (6, Duration::minutes(30), Duration::minutes(30)),
            Self::AllSources => (100, Duration::hours(24), Duration::hours(24)),
        }
    }
}

impl Shop {
    fn is_spent(&self, site: usize, address: usize, scope: Scope) -> bool {
        let counter = self.budgets.get(&(site, address, scope));
        counter.and_then(|counter| counter.locked_until).is_some_and(|until| self.now < until)
    }

    /// When a lock ends, or the window of failures that have not led to one.
    pub(crate) fn reopens(&self, site: usize, address: usize, scope: Scope) -> Option<Time> {
        let counter = self.budgets.get(&(site, address, scope))?;
        counter.locked_until.or_else(|| counter.first.map(|first| first + scope.budget().1))
    }

    fn fail(&mut self, site: usize, address: usize, scope: Scope) {
        let (budget, window, lock) = scope.budget();
        let now = self.now;
        let fresh = || Counter { first: None, failures: 0, locked_until: None };
        let counter = self.budgets.entry((site, address, scope)).or_insert_with(fresh);
        let over = counter.locked_until.is_some_and(|until| now >= until)
            || counter.first.is_some_and(|first| now >= first + window);
        if over {
            *counter = fresh();
        }
        counter.first.get_or_insert(now);
        counter.failures += 1;
        if counter.failures == budget {
            counter.locked_until = Some(now + lock);
        }
    }

    /// Nothing if a budget is spent; otherwise one hash, and whatever the verdict does to the budgets.
    fn within_budget<T>(
        &mut self,
        (site, address): (usize, usize),
        scope: Scope,
        spent: Error,
        judge: impl FnOnce(&mut Self) -> Result<T, Error>,
        is_password: impl Fn(&T) -> bool,
    ) -> (Result<T, Error>, u64) {
        let scopes = [scope, Scope::AllSources];
        if scopes.iter().any(|scope| self.is_spent(site, address, *scope)) {
            return (Err(spent), 0);
        }
        let verdict = judge(self);
        for scope in scopes {
            match &verdict {
                Ok(matched) if is_password(matched) => {
                    self.budgets.remove(&(site, address, scope));
                }
                Ok(_) | Err(Error::NotConfirmed) => {}
                Err(_) => self.fail(site, address, scope),
            }
        }
        if verdict.as_ref().is_err_and(|error| !matches!(error, Error::NotConfirmed)) {
            self.last_failure = Some((site, address, scope));
        }
        (verdict, 1)
    }

    /// A sign-in: the new token or the refusal, and how many hashes it costs.
    pub(crate) fn sign_in(
        &mut self,
        account: (usize, usize),
        source: u32,
        presented: Presented,
    ) -> (Result<usize, Error>, u64) {
        if let Err(refused) = check_bounds(presented) {
            return (Err(refused), 0);
        }
        let judge = |shop: &mut Self| shop.admit(account, presented);
        let (verdict, hashes) = self.within_budget(
            account,
            Scope::Source(source),
            Error::SignInRefused,
            judge,
            |(obtained, _, _)| *obtained == Obtained::Password,
        );
        let issued = verdict.map(|(obtained, customer, secret)| {
            let parent = secret.and_then(|secret| self.secrets[secret].parent);
            let (issued, site) = (self.now, account.0);
            let expires = match parent {
                // Never longer than the admin user's own.
                Some(parent) => self.parents[parent].expires.min(issued + Duration::minutes(15)),
                None => issued + Duration::hours(1),
            };
            self.tokens.push(Token { customer, site, obtained, parent, issued, expires, revoked: false });
            if let Some(secret) = secret {
                self.secrets[secret].bought = Some(self.tokens.len() - 1);
            }
            self.tokens.len() - 1
        });
        (issued, hashes)
    }

    pub(crate) fn find(&self, site: usize, address: usize) -> Option<usize> {
        self.customers.iter().position(|row| (row.site, row.address) == (site, address))
    }

    /// Password, then one-time credential, then the standing of the account, then that of the assistance.
    fn admit(
        &mut self,
        (site, address): (usize, usize),
        presented: Presented,
    ) -> Result<(Obtained, usize, Option<usize>), Error> {
        let Some(customer) = self.find(site, address) else { return Err(Error::SignInRefused) };
        let mut used = None;
        let obtained = match presented {
            Presented::Password(n) if self.customers[customer].password == Some(n) => Obtained::Password,
            Presented::Secret(n) => {
                let secret = &mut self.secrets[n];
                let fits = (secret.site, secret.customer) == (site, customer);
                if !fits || secret.gone || self.now >= secret.expires {
                    return Err(Error::SignInRefused);
                }
                if secret.spent {
                    if let (Some(_), Some(bought)) = (secret.parent, secret.bought) {
                        self.tokens[bought].revoked = true;
                    }
                    return Err(Error::SignInRefused);
                }
                secret.spent = true;
                used = Some(n);
                if secret.parent.is_some() { Obtained::OneTimeCode } else { Obtained::ResetToken }
            }
            _ => return Err(Error::SignInRefused),
        };
        let parent = used.and_then(|n| self.secrets[n].parent);
        match self.customers[customer].status {
            AccountStatus::Active if parent.is_none_or(|parent| self.assists(parent, customer)) => {
                Ok((obtained, customer, used))
            }
            AccountStatus::Unconfirmed => Err(Error::NotConfirmed),
            _ => Err(Error::SignInRefused),
        }
    }

    /// Whether the customer consents, and the admin user behind this grant may assist, at this moment.
    fn assists(&self, parent: usize, customer: usize) -> bool {
        let admin = &self.admins[self.parents[parent].admin];
        self.customers[customer].consents
            && self.customers[customer].status == AccountStatus::Active
            && self.is_signed_in(parent)
            && admin.active
            && admin.permissions == [true, true]
    }

    /// Whether an admin user's own grant lives.
    pub(crate) fn is_signed_in(&self, parent: usize) -> bool {
        !self.parents[parent].revoked && self.now < self.parents[parent].expires
    }

    /// Whether an admin user's own token is accepted.
    pub(crate) fn is_admin(&self, parent: usize) -> bool {
        self.is_signed_in(parent) && self.admins[self.parents[parent].admin].active
    }

    pub(crate) fn is_live(&self, token: usize) -> bool {
        !self.tokens[token].revoked && self.now < self.tokens[token].expires
    }

    pub(crate) fn verify(&self, token: usize, site: usize) -> Result<&Token, Error> {
        let row = &self.tokens[token];
        if !self.is_live(token) {
            Err(Error::InvalidToken)
        } else if row.site != site {
            Err(Error::NotAuthorized)
        } else if row.parent.is_some_and(|parent| !self.assists(parent, row.customer)) {
            Err(Error::InvalidToken)
        } else {
            Ok(row)
        }
    }

    /// As [`verify`](Self::verify), for what a token born of assistance may not do: the customer.
    fn verify_self(&self, token: usize, site: usize) -> Result<usize, Error> {
        let row = self.verify(token, site)?;
        if row.parent.is_some() { Err(Error::NotAuthorized) } else { Ok(row.customer) }
    }

    pub(crate) fn confirm(
        &mut self,
        token: usize,
        site: usize,
        presented: Presented,
    ) -> (Result<(), Error>, u64) {
        let customer = match check_bounds(presented).and_then(|()| self.verify_self(token, site)) {
            Ok(customer) => customer,
            Err(refused) => return (Err(refused), 0),
        };
        let Account { site, address, password, status, .. } = self.customers[customer];
        let right = matches!(presented, Presented::Password(n) if Some(n) == password)
            && status == AccountStatus::Active;
        let judge = |_: &mut Self| if right { Ok(()) } else { Err(Error::WrongPassword) };
        self.within_budget((site, address), Scope::Confirmation, Error::Locked, judge, |()| true)
    }

    pub(crate) fn revoke(&mut self, token: usize, site: usize) -> Result<(), Error> {
        self.verify(token, site)?;
        self.tokens[token].revoked = true;
        Ok(())
    }

    pub(crate) fn revoke_listed(&mut self, token: usize, site: usize, other: usize) -> Result<bool, Error> {
        let customer = self.verify_self(token, site)?;
        let owned = self.is_live(other) && self.tokens[other].customer == customer;
        self.tokens[other].revoked |= owned;
        Ok(owned)
    }

    pub(crate) fn revoke_all(&mut self, token: usize, site: usize, keep: bool) -> Result<(), Error> {
        let customer = self.verify_self(token, site)?;
        self.end_tokens(customer, keep.then_some(token));
        Ok(())
    }

    pub(crate) fn customer_changed(&mut self, customer: usize) {
        self.end_tokens(customer, None);
        for secret in self.secrets.iter_mut().filter(|secret| secret.customer == customer && !secret.spent) {
            secret.gone = true;
        }
    }

    fn end_tokens(&mut self, customer: usize, keep: Option<usize>) {
        for (place, token) in self.tokens.iter_mut().enumerate() {
            token.revoked |= token.customer == customer && Some(place) != keep;
        }
    }

    /// A new one-time credential: of the live and unspent ones of its kind, the oldest go.
    pub(crate) fn put(&mut self, customer: usize, site: usize, parent: Option<usize>, expires: Time) {
        let keep = if parent.is_some() { CODES_KEPT } else { RESET_TOKENS_KEPT };
        let (gone, spent, bought) = (false, false, None);
        self.secrets.push(Secret { customer, site, parent, expires, gone, spent, bought });
        let now = self.now;
        let outstanding = self.secrets.iter_mut().rev().filter(|secret| {
            secret.customer == customer
                && secret.parent.is_some() == parent.is_some()
                && !(secret.gone || secret.spent || now >= secret.expires)
        });
        outstanding.skip(keep).for_each(|secret| secret.gone = true);
    }
}

fn check_bounds(presented: Presented) -> Result<(), Error> {
    match presented {
        Presented::Empty => Err(Error::Required(Field::Password)),
        Presented::TooLong => Err(Error::PasswordTooLong),
        _ => Ok(()),
    }
}
