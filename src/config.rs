//! The numbers and rules of a shop.

use std::{collections::BTreeSet, io, num::NonZero, thread, time::Duration};

use crate::{
    account::{AccountStatus, AdminRecord, Website},
    credential::{Argon2Params, Credential, PasswordPolicy},
    random::RandomError,
    state::budgets::{Budget, Lock},
    store::Purposes,
    token::Assistance,
};

/// Which tokens [`Auth::revoke_customer_token`](crate::Auth::revoke_customer_token) ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevokeScope {
    /// The token presented: a customer who signs out of one device stays signed in on the others.
    Presented,
    /// All of the customer's tokens, as Commerce does.
    All,
}

/// Which admin users must sign in with a second factor. Whoever has one must always use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecondFactorPolicy {
    /// Every admin user: Commerce's rule since 2.4.0. Whoever has none is mailed how to set one up, and gets no token.
    Required,
    /// Those who have set one up.
    Optional,
    /// Those who have set one up, and those whose row says so:
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
    /// All of them.
    #[default]
    Everywhere,
    /// These. On the others an unconfirmed customer signs in like an active one (Commerce's
    /// `customer/create_account/confirm`, which is set per website).
    Only(BTreeSet<Website>),
    /// None.
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

    /// Standing of an account of this website, given the status of its row.
    pub(crate) fn standing(&self, website: &Website, status: AccountStatus) -> AccountStatus {
        match status {
            AccountStatus::Unconfirmed if !self.is_demanded_on(website) => AccountStatus::Active,
            status => status,
        }
    }
}

/// The numbers and rules of a shop. Start from [`commerce`](Self::commerce) or [`strict`](Self::strict) and
/// set what differs; [`AuthBuilder::build`](crate::AuthBuilder::build) refuses nonsense.
///
/// ```
/// use std::time::Duration;
/// use commerce_auth::AuthConfig;
///
/// let mut config = AuthConfig::commerce();
/// config.customer_token_lifetime = Duration::from_secs(30 * 60);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthConfig {
    /// Lifetime of a customer's token: 1 h in Commerce (`oauth/access_token_lifetime/customer`).
    pub customer_token_lifetime: Duration,
    /// Lifetime of an admin user's token: 4 h in Commerce (`oauth/access_token_lifetime/admin`).
    pub admin_token_lifetime: Duration,
    /// Lifetime of a token born of assistance: 15 min, at most 24 h, and never longer than the admin
    /// user's own.
    pub assistance_token_lifetime: Duration,
    /// The most live tokens of one customer or admin user: 100, at most 10,000. A sign-in beyond it ends the oldest one,
    /// by the time of issue; tokens born of assistance count as the customer's. An assistance whose token ends so is
    /// closed in the ledger when the ledger is next read, or by [`Auth::purge`](crate::Auth::purge).
    pub tokens_per_subject: NonZero<usize>,
    /// Lifetime of a one-time code: 30 s in Commerce, at most 600 s (ASVS v5.0.0-6.5.5).
    pub one_time_code_lifetime: Duration,
    /// Lifetime of a reset token: 2 h in Commerce (`customer/password/reset_link_expiration_period`), at
    /// most 24 h (NIST SP 800-63B-4 section 4.2.1.2).
    pub reset_token_lifetime: Duration,
    /// The websites whose customers must confirm their e-mail address before they can sign in: all. It decides the status
    /// of new accounts ([`Auth::begin_registration`](crate::Auth::begin_registration)) and what an unconfirmed one may do.
    pub confirmation: Confirmation,
    /// Lifetime of a confirmation token: 24 h, which is the most (NIST SP 800-63A-4: codes that are sent by e-mail are
    /// valid for at most 24 hours).
    pub confirmation_lifetime: Duration,
    /// Number of registrations that a source may begin: 10 in an hour. The number is ours: each costs a hash, and a
    /// household or an office registers few customers. A registration whose source is not known is not counted.
    pub registration_budget: Budget,
    /// Which admin users must sign in with a second factor: all. A keyring is needed then, which seals the secrets.
    pub admin_second_factor: SecondFactorPolicy,
    /// The budget of wrong codes of one admin user, over all sources: 5, then 15 minutes. A right password does not clear
    /// it; a right code does. Beside it the wide [`account_budget`](Self::account_budget) is charged, in a counter of its
    /// own. Recovery codes, which nobody guesses, have a budget of this size for each source. So have the first codes of
    /// an admin user's enrolments, and the showings of one enrolment's secret.
    pub second_factor_budget: Budget,
    /// Lifetime of an enrolment token: 1 h in Commerce, at most 24 h.
    pub enrolment_lifetime: Duration,
    /// The shop's name in an admin user's authenticator. No new password may be made of it:
    /// [`PasswordPolicy::refuse_guessable`].
    pub issuer: String,
    /// Age up to which a sign-in is fresh: 15 min. A fresh one is needed for an admin user's new password, new
    /// authenticator or new recovery codes, and, if [`assistance_step_up`](Self::assistance_step_up) says so, assistance.
    pub fresh_for: Duration,
    /// True if assistance is given only by an admin user who has used a second factor within
    /// [`fresh_for`](Self::fresh_for): not in Commerce, on in [`strict`](Self::strict) (ASVS v5.0.0-7.5.3).
    pub assistance_step_up: bool,
    /// Time for which the ledger shows an assistance after its end: a year. [`Auth::purge`](crate::Auth::purge) removes older ones.
    /// An entry keeps the span that was in force when it ended.
    pub assistance_history: Duration,
    /// True if the shop offers assistance at all (Commerce's `login_as_customer/general/enabled`). Switched off, no
    /// token or code is given to an admin user, and none given before is good for anything.
    pub assistance: bool,
    /// The reason that stands for a blank one, at most 1,024 bytes. `None` refuses a blank reason. As in every reason,
    /// control characters become spaces.
    pub default_assistance_reason: Option<String>,
    /// Which one-time credentials the chain tries after the password. The chain can be narrowed, never
    /// reordered: a shop that wants codes exchanged by
    /// [`Auth::exchange_one_time_code`](crate::Auth::exchange_one_time_code) only sets `one_time_code` to `false`. A
    /// confirmation token is none of the steps.
    pub steps: Purposes,
    /// The budget of failed sign-ins of one source at one account: 6, then 30 minutes (Commerce's
    /// `oauth/authentication_lock`).
    pub source_budget: Budget,
    /// The budget of failed sign-ins at one account over all sources: 100 in 24 hours (NIST SP 800-63B-4
    /// section 3.2.2). After that, unknown sources get one attempt per 15 min, and each failure doubles the pause up to
    /// 4 h. Devices and sources from which the account has signed in within 90 days keep their own
    /// [`source_budget`](Self::source_budget).
    pub account_budget: Budget,
    /// The budget of failures of one source over all accounts: 100 in an hour. A source is an IPv4 address or an
    /// IPv6 /64. Sign-ins, reset requests, one-time credentials and enrolments count together. Attempts on their way
    /// do not count yet, so that a source may exceed it by those. Callers without an address have no such budget. A
    /// source with failures at a tenth as many accounts is suspicious.
    pub source_total_budget: Budget,
    /// The same budget of an IPv6 /48, the network of one household or company: 1,000 in an hour.
    pub network_budget: Budget,
    /// The budget of wrong one-time credentials at one address over all sources: 100 in 24 hours. Once it is spent,
    /// a right one is still accepted, and a wrong one leaves no counter in the store.
    pub redemption_budget: Budget,
    /// Number of resets that may be asked for an address: 5 in an hour (Commerce's
    /// `customer/password/max_number_password_reset_requests`). Confirmations have a budget of this size of their own.
    pub reset_account_budget: Budget,
    /// Number of resets that a source may ask for, over all addresses: 20 in an hour, as several customers may share an
    /// address. A request whose source is not known counts against the address only. Confirmations have a budget of this
    /// size of their own.
    pub reset_source_budget: Budget,
    /// Which tokens a sign-out ends.
    pub revoke: RevokeScope,
    /// Rules for new passwords.
    pub password_policy: PasswordPolicy,
    /// The cost of a password hash. Hashes of another cost are made anew when their owner signs in.
    pub argon2: Argon2Params,
    /// Threads that hash, and so the most hashes at once and the most blocks of memory: the number of cores.
    /// More are slower, since they fight for the cache.
    pub hashing_threads: NonZero<usize>,
    /// Hashes that may wait for a thread, at most 4,096: 64 for each. Customers who sign in, whoever is signed in, and
    /// admin users have as many places each, and take turns; so do the sources among them, each of which holds a
    /// quarter of the places at most. Beyond that a caller is told that the service is busy.
    pub hashing_queue: usize,
    /// Audit events that may wait for the sink: 4,096, at most 65,536. What anybody can cause, such as a refused sign-in,
    /// takes at most half of it and is summed up beyond ([`AuditEvent::summed_up`](crate::AuditEvent::summed_up)). Other
    /// events, such as sign-ins, may take all of it, and are counted and lost beyond. What the host does, and what changes a
    /// credential or consent, does not go through the queue.
    pub audit_queue: NonZero<usize>,
}

const TOKENS: NonZero<usize> = NonZero::<usize>::MIN.saturating_add(99);
/// A sign-in at the cap looks at all of a subject's tokens.
const MAX_TOKENS: usize = 10_000;
/// A longer queue would outlast the lease of a charge.
const MAX_QUEUE: usize = 4096;
const AUDIT_QUEUE: NonZero<usize> = NonZero::<usize>::MIN.saturating_add(4095);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const YEAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);

impl AuthConfig {
    /// Commerce's numbers and rules: the default.
    #[must_use]
    pub fn commerce() -> Self {
        let hashing_threads = thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        Self {
            customer_token_lifetime: HOUR,
            admin_token_lifetime: 4 * HOUR,
            assistance_token_lifetime: 15 * MINUTE,
            tokens_per_subject: TOKENS,
            one_time_code_lifetime: Duration::from_secs(30),
            reset_token_lifetime: 2 * HOUR,
            confirmation: Confirmation::Everywhere,
            confirmation_lifetime: DAY,
            registration_budget: Budget { failures: 10, window: HOUR, lock: Lock::For(HOUR) },
            admin_second_factor: SecondFactorPolicy::Required,
            second_factor_budget: Budget { failures: 5, window: 15 * MINUTE, lock: Lock::For(15 * MINUTE) },
            enrolment_lifetime: HOUR,
            issuer: "Commerce".into(),
            fresh_for: 15 * MINUTE,
            assistance_step_up: false,
            assistance_history: 365 * DAY,
            assistance: true,
            default_assistance_reason: Some("No reason given".into()),
            steps: Purposes { reset_token: true, one_time_code: true, confirmation: false },
            source_budget: Budget { failures: 6, window: 30 * MINUTE, lock: Lock::For(30 * MINUTE) },
            account_budget: Budget {
                failures: 100,
                window: DAY,
                lock: Lock::Growing { first: 15 * MINUTE, longest: 4 * HOUR },
            },
            source_total_budget: Budget { failures: 100, window: HOUR, lock: Lock::For(HOUR) },
            network_budget: Budget { failures: 1_000, window: HOUR, lock: Lock::For(HOUR) },
            redemption_budget: Budget { failures: 100, window: DAY, lock: Lock::For(DAY) },
            reset_account_budget: Budget { failures: 5, window: HOUR, lock: Lock::For(HOUR) },
            reset_source_budget: Budget { failures: 20, window: HOUR, lock: Lock::For(HOUR) },
            revoke: RevokeScope::Presented,
            password_policy: PasswordPolicy::commerce(),
            argon2: Argon2Params::default(),
            hashing_threads,
            hashing_queue: hashing_threads.get().saturating_mul(64),
            audit_queue: AUDIT_QUEUE,
        }
    }

    /// For those who owe it to NIST SP 800-63B-4 and ASVS: longer passwords without rules about their
    /// classes, and no guessable ones ([`PasswordPolicy::refuse_guessable`]; ASVS v5.0.0-6.2.12 also wants
    /// [`AuthBuilder::breached_passwords`](crate::AuthBuilder::breached_passwords)), shorter lives, a reason and a fresh second factor for every assistance. 90 failed sign-ins at an
    /// account stop unknown sources until a password reset or
    /// [`Auth::unlock_customer`](crate::Auth::unlock_customer); known devices share the last 10 of 100 (NIST SP 800-63B-4
    /// section 3.2.2).
    #[must_use]
    pub fn strict() -> Self {
        Self {
            customer_token_lifetime: 30 * MINUTE,
            admin_token_lifetime: HOUR,
            assistance_token_lifetime: 10 * MINUTE,
            reset_token_lifetime: HOUR,
            default_assistance_reason: None,
            assistance_step_up: true,
            account_budget: Budget {
                failures: 100,
                window: 365 * DAY,
                lock: Lock::UntilCleared { kept_for_known: 10 },
            },
            password_policy: PasswordPolicy::strict(),
            ..Self::commerce()
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let lifetimes = [
            ("customer_token_lifetime", self.customer_token_lifetime, YEAR),
            ("admin_token_lifetime", self.admin_token_lifetime, YEAR),
            ("assistance_token_lifetime", self.assistance_token_lifetime, DAY),
            ("one_time_code_lifetime", self.one_time_code_lifetime, 10 * MINUTE),
            ("reset_token_lifetime", self.reset_token_lifetime, DAY),
            ("confirmation_lifetime", self.confirmation_lifetime, DAY),
            ("enrolment_lifetime", self.enrolment_lifetime, DAY),
            ("fresh_for", self.fresh_for, DAY),
            ("assistance_history", self.assistance_history, 100 * YEAR),
        ];
        for (name, lifetime, most) in lifetimes {
            if lifetime.is_zero() || lifetime > most {
                return Err(ConfigError::OutOfRange(name));
            }
        }
        if self.steps.confirmation {
            return Err(ConfigError::OutOfRange("steps"));
        }
        if self.tokens_per_subject.get() > MAX_TOKENS {
            return Err(ConfigError::OutOfRange("tokens_per_subject"));
        }
        let budgets = [
            ("source_budget", self.source_budget),
            ("account_budget", self.account_budget),
            ("source_total_budget", self.source_total_budget),
            ("network_budget", self.network_budget),
            ("redemption_budget", self.redemption_budget),
            ("second_factor_budget", self.second_factor_budget),
            ("reset_account_budget", self.reset_account_budget),
            ("reset_source_budget", self.reset_source_budget),
            ("registration_budget", self.registration_budget),
        ];
        for (name, budget) in budgets {
            if !is_possible(&budget) {
                return Err(ConfigError::OutOfRange(name));
            }
        }
        // Only an account knows devices to keep failures for.
        let narrow = [self.source_budget, self.second_factor_budget];
        let kept = |budget: &Budget| matches!(budget.lock, Lock::UntilCleared { kept_for_known: 1.. });
        if narrow.iter().any(kept) {
            return Err(ConfigError::OutOfRange("kept_for_known"));
        }
        let policy = &self.password_policy;
        let lengths = 64.max(policy.min_length)..=Credential::MAX_BYTES;
        if policy.min_length < 8 || !lengths.contains(&policy.max_length) || policy.min_classes > 4 {
            return Err(ConfigError::OutOfRange("password_policy"));
        }
        if let Some(reason) = &self.default_assistance_reason
            && (reason.len() > Assistance::MAX_REASON_BYTES
                || reason.chars().all(|char| char.is_control() || char.is_whitespace()))
        {
            return Err(ConfigError::OutOfRange("default_assistance_reason"));
        }
        if self.issuer.trim().is_empty() || self.issuer.len() > 64 {
            return Err(ConfigError::OutOfRange("issuer"));
        }
        if self.audit_queue.get() > 65_536 {
            return Err(ConfigError::OutOfRange("audit_queue"));
        }
        if self.hashing_threads.get() > 1024 {
            return Err(ConfigError::OutOfRange("hashing_threads"));
        }
        if !(1..=MAX_QUEUE).contains(&self.hashing_queue) {
            return Err(ConfigError::OutOfRange("hashing_queue"));
        }
        Ok(())
    }
}

/// True if a budget allows something, and its spans are neither too short for clocks that differ nor too long.
fn is_possible(budget: &Budget) -> bool {
    let spans = MINUTE..=YEAR;
    let lock_is_possible = match budget.lock {
        Lock::For(lock) => spans.contains(&lock),
        Lock::Growing { first, longest } => spans.contains(&first) && (first..=YEAR).contains(&longest),
        Lock::UntilCleared { kept_for_known } => kept_for_known < budget.failures,
    };
    budget.failures > 0 && spans.contains(&budget.window) && lock_is_possible
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self::commerce()
    }
}

/// Why [`AuthBuilder::build`](crate::AuthBuilder::build) refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A number that makes no sense, such as a lifetime of zero; the field of [`AuthConfig`] is named.
    #[error("AuthConfig::{0} is out of range")]
    OutOfRange(&'static str),
    /// No customer table was given: [`AuthBuilder::customers`](crate::AuthBuilder::customers).
    #[error("no customer table was given")]
    NoCustomers,
    /// No notifier was given, and password resets would fail: [`AuthBuilder::notifier`](crate::AuthBuilder::notifier), or
    /// [`AuthBuilder::without_notifier`](crate::AuthBuilder::without_notifier).
    #[error(
        "no notifier was given: name one with AuthBuilder::notifier, or say AuthBuilder::without_notifier if this host \
         resets no passwords"
    )]
    NoNotifier,
    /// Admin users, and nowhere to record what they do: [`AuthBuilder::audit`](crate::AuthBuilder::audit).
    #[error("an admin user table was given, and no audit sink")]
    NoAuditSink,
    /// Admin users who must have a second factor, and no key to seal its secret with:
    /// [`AuthBuilder::keyring`](crate::AuthBuilder::keyring), or another [`AuthConfig::admin_second_factor`].
    #[error("admin users need a second factor, and no keyring was given")]
    NoKeyring,
    /// The operating system gave no thread.
    #[error("a thread could not be started")]
    Threads(#[source] io::Error),
    /// The operating system gave no random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
}
