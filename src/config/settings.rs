use std::{collections::BTreeSet, io, num::NonZero, thread, time::Duration};

use crate::{
    account::{AccountStatus, AdminRecord, Website},
    credential::{Argon2Params, Credential, PasswordPolicy},
    random::RandomError,
    state::budgets::{Budget, Lock},
    store::Purposes,
    token::Assistance,
};

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

/// The configuration of a shop: lifetimes, budgets and rules.
///
/// Start from [`commerce`](Self::commerce) or [`strict`](Self::strict) and set the fields that
/// differ. [`AuthBuilder::build`](crate::AuthBuilder::build) refuses values that are out of range.
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
    /// Lifetime of an assistance token: 15 min, at most 24 h. The token never outlives the admin
    /// user's own token.
    pub assistance_token_lifetime: Duration,
    /// Maximum number of live tokens of one customer or admin user: 100, at most 10,000.
    ///
    /// A sign-in beyond the maximum ends the oldest token by time of issue. Assistance tokens count
    /// as tokens of the customer. If the ended token belongs to an assistance, the ledger closes
    /// the assistance at its next reading or in [`Auth::purge`](crate::Auth::purge).
    pub tokens_per_subject: NonZero<usize>,
    /// Lifetime of a one-time code: 30 s in Commerce, at most 600 s (ASVS v5.0.0-6.5.5).
    pub one_time_code_lifetime: Duration,
    /// Lifetime of a reset token: 2 h in Commerce
    /// (`customer/password/reset_link_expiration_period`), at most 24 h (NIST SP 800-63B-4 section
    /// 4.2.1.2).
    pub reset_token_lifetime: Duration,
    /// The websites whose customers must confirm their e-mail address before they can sign in: all.
    ///
    /// The setting decides the status of new accounts
    /// ([`Auth::begin_registration`](crate::Auth::begin_registration)) and whether an unconfirmed
    /// customer may sign in.
    pub confirmation: Confirmation,
    /// Lifetime of a confirmation token: 24 h, which is also the maximum (NIST SP 800-63A-4: codes
    /// sent by e-mail are valid for at most 24 hours).
    pub confirmation_lifetime: Duration,
    /// Number of registrations that a source may begin: 10 in an hour.
    ///
    /// The number is the crate's own: each registration costs a hash, and a household or an office
    /// registers few customers. If the source of a registration is unknown, the registration is not
    /// counted.
    pub registration_budget: Budget,
    /// The admin users who must sign in with a second factor: all. This requires a keyring, which
    /// seals the secrets.
    pub admin_second_factor: SecondFactorPolicy,
    /// The budget of wrong codes of one admin user, over all sources: 5, then 15 minutes.
    ///
    /// A right code clears the budget. A right password does not. Each wrong code also counts
    /// against a separate counter with the size of [`account_budget`](Self::account_budget).
    ///
    /// Three more budgets have this size:
    ///
    /// - wrong recovery codes, for each source, since nobody can guess one;
    /// - first codes of an admin user's enrolments;
    /// - views of one enrolment's secret.
    pub second_factor_budget: Budget,
    /// Lifetime of an enrolment token: 1 h in Commerce, at most 24 h.
    pub enrolment_lifetime: Duration,
    /// The shop's name in an admin user's authenticator. A new password may not consist of this
    /// name: [`PasswordPolicy::refuse_guessable`].
    pub issuer: String,
    /// Maximum age of a fresh sign-in: 15 min.
    ///
    /// An admin user needs a fresh sign-in for a new password, a new authenticator or new recovery
    /// codes. If [`assistance_step_up`](Self::assistance_step_up) is true, assistance needs one as
    /// well.
    pub fresh_for: Duration,
    /// True if assistance requires that the admin user used a second factor within
    /// [`fresh_for`](Self::fresh_for).
    ///
    /// Commerce has no such rule. It is on in [`strict`](Self::strict) (ASVS v5.0.0-7.5.3).
    pub assistance_step_up: bool,
    /// Time for which the ledger shows an assistance after its end: a year.
    ///
    /// [`Auth::purge`](crate::Auth::purge) removes older entries. An entry keeps the time that was
    /// configured when the assistance ended.
    pub assistance_history: Duration,
    /// True if the shop offers assistance (Commerce's `login_as_customer/general/enabled`).
    ///
    /// If false, no admin user gets an assistance token or one-time code, and existing ones are
    /// refused.
    pub assistance: bool,
    /// The reason that replaces a blank reason, at most 1,024 bytes. With `None`, a blank reason is
    /// refused. In every reason, control characters become spaces.
    pub default_assistance_reason: Option<String>,
    /// The one-time credentials that a sign-in tries after the password.
    ///
    /// The host can remove steps of the chain but not reorder them. For example, set
    /// `one_time_code` to `false` if customers exchange codes only by
    /// [`Auth::exchange_one_time_code`](crate::Auth::exchange_one_time_code). A confirmation token
    /// is never a step of the chain.
    pub steps: Purposes,
    /// The budget of failed sign-ins of one source at one account: 6, then 30 minutes (Commerce's
    /// `oauth/authentication_lock`).
    pub source_budget: Budget,
    /// The budget of failed sign-ins at one account over all sources: 100 in 24 hours (NIST SP
    /// 800-63B-4 section 3.2.2).
    ///
    /// After that, unknown sources get one attempt per 15 min, and each failure doubles the pause
    /// up to 4 h. Devices and sources from which the account has signed in within 90 days keep
    /// their own [`source_budget`](Self::source_budget).
    pub account_budget: Budget,
    /// The budget of failures of one source over all accounts: 100 in an hour. A source is an IPv4
    /// address or an IPv6 /64.
    ///
    /// Sign-ins, reset requests, one-time credentials and enrolments count together. An attempt
    /// counts only when it ends, so parallel attempts can exceed the budget by their number.
    /// Callers without an address have no such budget. A source is suspicious once it has failures
    /// at 10 accounts, a tenth of the budget.
    pub source_total_budget: Budget,
    /// The budget of failures of an IPv6 /48, the network of one household or company: 1,000 in an
    /// hour. Otherwise as [`source_total_budget`](Self::source_total_budget).
    pub network_budget: Budget,
    /// The budget of wrong one-time credentials at one address over all sources: 100 in 24 hours.
    ///
    /// Once the budget is spent, a right credential is still accepted, and a wrong one leaves no
    /// counter in the store.
    pub redemption_budget: Budget,
    /// Number of password resets that may be requested for one address: 5 in an hour (Commerce's
    /// `customer/password/max_number_password_reset_requests`). Confirmation requests have a
    /// separate budget of this size.
    pub reset_account_budget: Budget,
    /// Number of password resets that one source may request, over all addresses: 20 in an hour.
    ///
    /// The number is larger because several customers may share an IP address. If the source of a
    /// request is unknown, the request counts only against the e-mail address. Confirmation
    /// requests have a separate budget of this size.
    pub reset_source_budget: Budget,
    /// The tokens that a sign-out ends.
    pub revoke: RevokeScope,
    /// Rules for new passwords.
    pub password_policy: PasswordPolicy,
    /// The cost of a password hash. If a stored hash has another cost, it is replaced when its
    /// owner signs in.
    pub argon2: Argon2Params,
    /// Number of hashing threads: the number of cores.
    ///
    /// The number limits how many hashes run at once and how many memory blocks they use. More
    /// threads than cores are slower, since they compete for the cache.
    pub hashing_threads: NonZero<usize>,
    /// Maximum number of hashes of one kind of caller that wait for a thread: 64 for each thread,
    /// at most 4,096.
    ///
    /// There are three kinds of caller. Each kind has this number of places, and the kinds take
    /// turns:
    ///
    /// - customers who are not signed in, for example at a sign-in, a registration or a reset;
    /// - customers who are signed in or use a known device, and the host;
    /// - admin users.
    ///
    /// Within a kind, the sources take turns, and a source holds at most a quarter of the places.
    /// If there is no place, the caller gets [`Error::Overloaded`](crate::Error::Overloaded).
    pub hashing_queue: usize,
    /// Maximum number of audit events that wait for the sink: 4,096, at most 65,536.
    ///
    /// Events that anybody can cause, such as refused sign-ins, take at most half of the queue.
    /// Beyond that they are summed up ([`AuditEvent::summed_up`](crate::audit::AuditEvent::summed_up)).
    /// Other events, such as sign-ins, may take the whole queue. If it is full, these events are
    /// lost and counted. Events of the host's actions, and events that change a credential or
    /// consent, do not go through the queue.
    pub audit_queue: NonZero<usize>,
}

const TOKENS: NonZero<usize> = NonZero::<usize>::MIN.saturating_add(99);
/// A sign-in that reaches the maximum reads all tokens of the subject.
const MAX_TOKENS: usize = 10_000;
/// In a longer queue, a hash would wait longer than the lease of its charge.
const MAX_QUEUE: usize = 4096;
const AUDIT_QUEUE: NonZero<usize> = NonZero::<usize>::MIN.saturating_add(4095);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const YEAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);

impl AuthConfig {
    /// Returns Commerce's values and rules: the default.
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

    /// Returns settings that satisfy NIST SP 800-63B-4 and OWASP ASVS 5.0.
    ///
    /// - Passwords are longer, without rules about character classes, and not guessable
    ///   ([`PasswordPolicy::refuse_guessable`]). ASVS v5.0.0-6.2.12 also requires
    ///   [`AuthBuilder::breached_passwords`](crate::AuthBuilder::breached_passwords).
    /// - Lifetimes are shorter.
    /// - Every assistance needs a reason and a fresh second factor.
    /// - After 90 failed sign-ins at an account, unknown sources are refused until a password reset
    ///   or [`Auth::unlock_customer`](crate::Auth::unlock_customer). Known devices share the last
    ///   10 of 100 (NIST SP 800-63B-4 section 3.2.2).
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
        // Only the budget of an account can keep failures for known devices.
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

/// True if a budget allows at least one failure and each of its times is between a minute and a
/// year. Shorter times would fail on nodes whose clocks differ.
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

/// The reason why [`AuthBuilder::build`](crate::AuthBuilder::build) failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A value is out of range, such as a lifetime of zero. Contains the name of the [`AuthConfig`]
    /// field.
    #[error("AuthConfig::{0} is out of range")]
    OutOfRange(&'static str),
    /// No customer table was given. Call [`AuthBuilder::customers`](crate::AuthBuilder::customers).
    #[error("no customer table was given")]
    NoCustomers,
    /// No notifier was given, so password resets would fail.
    ///
    /// Call [`AuthBuilder::notifier`](crate::AuthBuilder::notifier) or
    /// [`AuthBuilder::without_notifier`](crate::AuthBuilder::without_notifier).
    #[error(
        "no notifier was given: name one with AuthBuilder::notifier, or say AuthBuilder::without_notifier if this host \
         resets no passwords"
    )]
    NoNotifier,
    /// An admin user table was given without an audit sink. Call
    /// [`AuthBuilder::audit`](crate::AuthBuilder::audit).
    #[error("an admin user table was given, and no audit sink")]
    NoAuditSink,
    /// Admin users must have a second factor, but no keyring was given to seal its secret.
    ///
    /// Call [`AuthBuilder::keyring`](crate::AuthBuilder::keyring) or choose another
    /// [`AuthConfig::admin_second_factor`].
    #[error("admin users need a second factor, and no keyring was given")]
    NoKeyring,
    /// The operating system could not start a thread.
    #[error("a thread could not be started")]
    Threads(#[source] io::Error),
    /// Failed to obtain random bytes from the operating system.
    #[error(transparent)]
    Random(#[from] RandomError),
}
