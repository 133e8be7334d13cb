//! The promises of a shop's sign-in, restated in plain data: no hashes, no tasks, no store.
//!
//! Accounts, secrets and tokens are named by their places in these lists, in the order of their
//! creation. Each flow returns the answer that the crate must give, and records the other effects
//! of the step: hashes, events and notices.

mod assistance;
mod budgets;
mod credentials;
mod devices;
mod ledger;
mod passwords;
mod sign_in;
mod tokens;
mod trail;

use std::collections::{BTreeMap, BTreeSet};

use commerce_auth::{
    Error,
    account::AccountStatus,
    token::{AssistanceEnd, Obtained},
};
use time::{Duration, OffsetDateTime as Time};

pub(crate) use assistance::NO_REASON;
use budgets::Counter;
pub(crate) use budgets::{Counted, NETWORK_FAILURES, NOWHERE, Scope};
pub(crate) use credentials::{New, Presented, Secret};
pub(crate) use devices::Caller;
use devices::{Link, Memory};
pub(crate) use trail::{Name, Told};

/// A website and an address.
pub(crate) type Door = (usize, usize);

pub(crate) struct Shop {
    pub(crate) now: Time,
    pub(crate) setup: Setup,
    pub(crate) customers: Vec<Account>,
    pub(crate) admins: Vec<Admin>,
    /// The tokens of customers and admin users.
    pub(crate) tokens: Vec<Token>,
    pub(crate) secrets: Vec<Secret>,
    /// The tokens of assistance that is open in the ledger, the oldest first.
    pub(crate) open: Vec<usize>,
    /// Includes names without an account.
    pub(crate) budgets: BTreeMap<(Counted, Scope), Counter>,
    /// The devices and sources from which accounts have signed in.
    pub(crate) memories: BTreeMap<Counted, Memory>,
    /// The number of devices whose secrets were handed out.
    pub(crate) devices: usize,
    /// The links that unlock admin users.
    pub(crate) links: Vec<Link>,
    /// The budget in which a failure was last counted.
    pub(crate) last_failure: Option<(Counted, Scope)>,
    pub(crate) led_to: LedTo,
}

/// The effects of the last step beside its answer.
#[derive(Debug, Default)]
pub(crate) struct LedTo {
    pub(crate) hashes: u64,
    /// The events that must be recorded before the step returns.
    pub(crate) kept: Vec<Told>,
    /// The events that may be recorded later.
    pub(crate) queued: Vec<Told>,
    pub(crate) notices: Vec<(usize, Notified)>,
    pub(crate) admin_notices: Vec<(usize, ToldAdmin)>,
}

/// The settings that a host may choose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) assistance: bool,
    pub(crate) demands_reason: bool,
    /// True if a sign-in accepts one-time codes, false if only the exchange does.
    pub(crate) codes_in_chain: bool,
    pub(crate) revokes_all: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) site: usize,
    pub(crate) address: usize,
    pub(crate) password: Option<usize>,
    /// How often a flow has set the password.
    pub(crate) password_sets: usize,
    pub(crate) status: AccountStatus,
    pub(crate) consents: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Admin {
    pub(crate) active: bool,
    pub(crate) permissions: [bool; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Customer(usize),
    Admin(usize),
}

/// The admin user who acts for a customer, the admin user's own token, and the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Assist {
    pub(crate) actor: usize,
    pub(crate) parent: usize,
    pub(crate) reason: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) owner: Who,
    /// None for an admin user's token.
    pub(crate) site: Option<usize>,
    pub(crate) obtained: Obtained,
    pub(crate) assist: Option<Assist>,
    pub(crate) issued: Time,
    pub(crate) expires: Time,
    pub(crate) revoked: bool,
}

/// A notice to a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notified {
    ResetToken(usize),
    PasswordReset,
    PasswordChanged,
    PasswordSetByHost,
    NewDevice,
    SignedInByResetToken,
    Replayed(Obtained),
    /// The place of the address to which the notice goes.
    EmailChanged(usize),
    Locked,
    Consent(bool),
    /// An assistance, by its token.
    Began(usize),
    Ended(usize, AssistanceEnd),
}

/// A notice to an admin user.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ToldAdmin {
    /// A link that unlocks the account, by its place.
    Locked(usize),
    PasswordSetByHost,
    NewDevice,
}

/// The answer of a flow that succeeds.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    Done,
    /// A new token, and the device whose secret is issued with it.
    Issued(usize, Token, Option<usize>),
    /// A new one-time code, by its place, with the customer, the website and the expiry.
    Code(usize, usize, usize, Time),
    /// True if the customer had the token.
    Had(bool),
    /// The customer's live tokens, each with true for the presented one.
    Listed(BTreeSet<(usize, bool)>),
}

impl Shop {
    pub(crate) fn new(now: Time, setup: Setup, customers: Vec<Account>, admins: Vec<Admin>) -> Self {
        Self {
            now,
            setup,
            customers,
            admins,
            tokens: Vec::new(),
            secrets: Vec::new(),
            open: Vec::new(),
            budgets: BTreeMap::new(),
            memories: BTreeMap::new(),
            devices: 0,
            links: Vec::new(),
            last_failure: None,
            led_to: LedTo::default(),
        }
    }

    pub(crate) fn find(&self, (site, address): Door) -> Option<usize> {
        self.customers.iter().position(|row| (row.site, row.address) == (site, address))
    }

    pub(crate) fn is_live(&self, token: usize) -> bool {
        !self.tokens[token].revoked && self.now < self.tokens[token].expires
    }

    fn end_tokens(&mut self, owner: Who, keep: Option<usize>) {
        for (place, token) in self.tokens.iter_mut().enumerate() {
            token.revoked |= token.owner == owner && Some(place) != keep;
        }
    }

    /// Ends a customer's one-time credentials, and all tokens except one.
    fn end_credentials(&mut self, customer: usize, keep: Option<usize>) {
        self.end_secrets(|owner| owner == customer);
        self.end_tokens(Who::Customer(customer), keep);
        self.settle_of(customer);
    }

    /// Ends the outstanding one-time credentials of some customers. Spent ones stay spent.
    fn end_secrets(&mut self, of: impl Fn(usize) -> bool) {
        for secret in self.secrets.iter_mut().filter(|secret| of(secret.customer) && !secret.spent) {
            secret.gone = true;
        }
    }

    /// Issues a token for this lifetime, at most until `until`.
    fn issue(
        &mut self,
        (owner, site): (Who, Option<usize>),
        obtained: Obtained,
        assist: Option<Assist>,
        until: Option<Time>,
    ) -> Answer {
        let issued = self.now;
        let lifetime = match (owner, assist) {
            (Who::Admin(_), _) => Duration::hours(4),
            (Who::Customer(_), Some(_)) => Duration::minutes(15),
            (Who::Customer(_), None) => Duration::hours(1),
        };
        let expires = until.map_or(issued + lifetime, |until| until.min(issued + lifetime));
        let token = Token { owner, site, obtained, assist, issued, expires, revoked: false };
        self.tokens.push(token);
        Answer::Issued(self.tokens.len() - 1, token, None)
    }
}

/// The end of a flow: its outcome for the trail, and the answer to the caller.
type Ended<T> = Result<T, (commerce_auth::audit::Outcome, Error)>;
