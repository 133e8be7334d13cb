use std::num::NonZero;

use super::{
    AssistanceRules, Budgets, ConfigError, Confirmation, Hashing, Lifetimes, RevokeScope, SecondFactorPolicy,
};
use crate::{
    credential::{Credential, PasswordPolicy},
    store::Purposes,
};

/// The configuration of a shop: lifetimes, budgets and rules.
///
/// Start from [`commerce`](Self::commerce) or [`strict`](Self::strict), and change the fields that
/// your shop needs. [`AuthBuilder::build`](crate::AuthBuilder::build) refuses values that are out
/// of range.
///
/// ```
/// use std::time::Duration;
/// use commerce_auth::AuthConfig;
///
/// let mut config = AuthConfig::commerce();
/// config.lifetimes.customer_token = Duration::from_secs(30 * 60);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthConfig {
    /// The lifetimes of tokens and codes, and the maximum age of a fresh sign-in.
    pub lifetimes: Lifetimes,
    /// The budgets: how many failures or requests are allowed in a period, and the lock that
    /// follows.
    pub budgets: Budgets,
    /// The rules of remote shopping assistance.
    pub assistance: AssistanceRules,
    /// The cost of password hashes, and the pool of threads that computes them.
    pub hashing: Hashing,
    /// The admin users who must sign in with a second factor: all by default. If the host has admin
    /// users, it must set a keyring for this default, because a keyring encrypts the secrets of
    /// second factors.
    pub admin_second_factor: SecondFactorPolicy,
    /// The websites whose customers must confirm their e-mail address before they can sign in: all
    /// by default.
    ///
    /// On a website that requires the confirmation, a new account is unconfirmed at first
    /// ([`Auth::begin_registration`](crate::Auth::begin_registration)), and an unconfirmed customer
    /// cannot sign in. On any other website, a new account is active at once, and an unconfirmed
    /// customer can sign in.
    pub confirmation: Confirmation,
    /// The shop's name, which an admin user's authenticator app shows. A new password that consists
    /// of this name is refused ([`PasswordPolicy::refuse_guessable`]).
    pub issuer: String,
    /// Maximum number of live tokens of one customer or admin user. The default is 100, and the
    /// largest value that is accepted is 10,000.
    ///
    /// If a sign-in would exceed the maximum, the account's oldest token ends. Assistance tokens
    /// count as tokens of the customer. If an assistance token ends because of the maximum, its
    /// entry in the ledger is closed later: when the ledger is next read, or by
    /// [`Auth::purge`](crate::Auth::purge).
    pub tokens_per_subject: NonZero<usize>,
    /// The kinds of one-time credential that a sign-in compares with the `password` argument, after
    /// the account's password.
    ///
    /// A sign-in compares reset tokens before one-time codes. The host can leave out either kind,
    /// but it cannot change the order. For example, set `one_time_code` to `false` if the shop
    /// accepts one-time codes only by
    /// [`Auth::exchange_one_time_code`](crate::Auth::exchange_one_time_code). `confirmation` must
    /// be `false`, because a confirmation token signs nobody in.
    pub steps: Purposes,
    /// The customer's tokens that a sign-out ends: the presented token by default.
    pub revoke: RevokeScope,
    /// Rules for new passwords.
    pub password_policy: PasswordPolicy,
    /// Maximum number of audit events that wait for the sink. The default is 4,096, and the largest
    /// value that is accepted is 65,536.
    ///
    /// There are three kinds of event:
    ///
    /// - Events that an anonymous client can cause, such as refused sign-ins, take at most half of
    ///   the queue. If this half is full, further such events are summed up: one event then stands
    ///   for several ([`AuditEvent::summed_up`](crate::audit::AuditEvent::summed_up)).
    /// - All other queued events, such as sign-ins, can take the whole queue. If the queue is full,
    ///   such an event is lost, and the loss is counted
    ///   ([`Auth::audit_stats`](crate::Auth::audit_stats)).
    /// - Events of admin users and of the host's own calls do not go through the queue, and events
    ///   that change a customer's password, e-mail address, consent or all tokens. The operation
    ///   waits until the sink has stored them. If an admin user is refused because of a spent
    ///   budget, then this event goes through the queue.
    pub audit_queue: NonZero<usize>,
}

const TOKENS: NonZero<usize> = NonZero::<usize>::MIN.saturating_add(99);
/// Upper bound of [`AuthConfig::tokens_per_subject`]. There is a bound because, if an account has
/// the configured maximum of tokens, each further sign-in reads all of them.
const MAX_TOKENS: usize = 10_000;
const AUDIT_QUEUE: NonZero<usize> = NonZero::<usize>::MIN.saturating_add(4095);

impl AuthConfig {
    /// Returns the default configuration, with Commerce's values and rules.
    #[must_use]
    pub fn commerce() -> Self {
        Self {
            lifetimes: Lifetimes::commerce(),
            budgets: Budgets::commerce(),
            assistance: AssistanceRules::commerce(),
            hashing: Hashing::commerce(),
            admin_second_factor: SecondFactorPolicy::Required,
            confirmation: Confirmation::Everywhere,
            issuer: "Commerce".into(),
            tokens_per_subject: TOKENS,
            steps: Purposes { reset_token: true, one_time_code: true, confirmation: false },
            revoke: RevokeScope::Presented,
            password_policy: PasswordPolicy::commerce(),
            audit_queue: AUDIT_QUEUE,
        }
    }

    /// Returns settings that satisfy NIST SP 800-63B-4 and OWASP ASVS 5.0.
    ///
    /// - A new password has at least 15 characters of any classes, and must not be guessable
    ///   ([`PasswordPolicy::refuse_guessable`]). ASVS v5.0.0-6.2.12 also requires
    ///   [`AuthBuilder::breached_passwords`](crate::AuthBuilder::breached_passwords), which the
    ///   host must set.
    /// - Tokens of customers and admin users, assistance tokens and reset tokens have shorter
    ///   lifetimes.
    /// - To begin an assistance, an admin user needs a reason, and must have used a second factor
    ///   within 15 min.
    /// - An account allows 100 failed sign-ins in a year (NIST SP 800-63B-4 section 3.2.2). After
    ///   90, it is locked for unknown devices and sources until a password reset or
    ///   [`Auth::unlock_customer`](crate::Auth::unlock_customer). The remaining 10 failures are
    ///   reserved for the account's known devices and sources together.
    #[must_use]
    pub fn strict() -> Self {
        Self {
            lifetimes: Lifetimes::strict(),
            budgets: Budgets::strict(),
            assistance: AssistanceRules::strict(),
            password_policy: PasswordPolicy::strict(),
            ..Self::commerce()
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        self.lifetimes.check()?;
        self.budgets.check()?;
        self.assistance.check()?;
        self.hashing.check()?;
        if self.steps.confirmation {
            return Err(ConfigError::OutOfRange("steps"));
        }
        if self.tokens_per_subject.get() > MAX_TOKENS {
            return Err(ConfigError::OutOfRange("tokens_per_subject"));
        }
        let policy = &self.password_policy;
        let lengths = 64.max(policy.min_length)..=Credential::MAX_BYTES;
        if policy.min_length < 8 || !lengths.contains(&policy.max_length) || policy.min_classes > 4 {
            return Err(ConfigError::OutOfRange("password_policy"));
        }
        if self.issuer.trim().is_empty() || self.issuer.len() > 64 {
            return Err(ConfigError::OutOfRange("issuer"));
        }
        if self.audit_queue.get() > 65_536 {
            return Err(ConfigError::OutOfRange("audit_queue"));
        }
        Ok(())
    }
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self::commerce()
    }
}
