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
/// Start from [`commerce`](Self::commerce) or [`strict`](Self::strict) and set the fields that
/// differ. [`AuthBuilder::build`](crate::AuthBuilder::build) refuses values that are out of range.
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
    /// The numbers of failures or requests that are allowed in a window, and the locks that follow.
    pub budgets: Budgets,
    /// The rules of remote shopping assistance.
    pub assistance: AssistanceRules,
    /// The cost of password hashes, and the pool of threads that computes them.
    pub hashing: Hashing,
    /// The admin users who must sign in with a second factor: all. This requires a keyring, which
    /// seals the secrets.
    pub admin_second_factor: SecondFactorPolicy,
    /// The websites whose customers must confirm their e-mail address before they can sign in: all.
    ///
    /// The setting decides the status of new accounts
    /// ([`Auth::begin_registration`](crate::Auth::begin_registration)) and whether an unconfirmed
    /// customer may sign in.
    pub confirmation: Confirmation,
    /// The shop's name in an admin user's authenticator. A new password may not consist of this
    /// name: [`PasswordPolicy::refuse_guessable`].
    pub issuer: String,
    /// Maximum number of live tokens of one customer or admin user: 100, at most 10,000.
    ///
    /// A sign-in beyond the maximum ends the oldest token by time of issue. Assistance tokens count
    /// as tokens of the customer. If the ended token belongs to an assistance, the ledger closes
    /// the assistance at its next reading or in [`Auth::purge`](crate::Auth::purge).
    pub tokens_per_subject: NonZero<usize>,
    /// The one-time credentials that a sign-in tries after the password.
    ///
    /// The host can remove steps of the chain but not reorder them. For example, set
    /// `one_time_code` to `false` if customers exchange codes only by
    /// [`Auth::exchange_one_time_code`](crate::Auth::exchange_one_time_code). A confirmation token
    /// is never a step of the chain.
    pub steps: Purposes,
    /// The tokens that a sign-out ends.
    pub revoke: RevokeScope,
    /// Rules for new passwords.
    pub password_policy: PasswordPolicy,
    /// Maximum number of audit events that wait for the sink: 4,096, at most 65,536.
    ///
    /// Events that anybody can cause, such as refused sign-ins, take at most half of the queue.
    /// Beyond that they are summed up
    /// ([`AuditEvent::summed_up`](crate::audit::AuditEvent::summed_up)). Other events, such as
    /// sign-ins, may take the whole queue. If it is full, these events are lost and counted. Events
    /// of the host's actions, and events that change a credential or consent, do not go through the
    /// queue.
    pub audit_queue: NonZero<usize>,
}

const TOKENS: NonZero<usize> = NonZero::<usize>::MIN.saturating_add(99);
/// Upper bound of [`AuthConfig::tokens_per_subject`]. A sign-in that reaches the configured maximum
/// reads all tokens of the subject.
const MAX_TOKENS: usize = 10_000;
const AUDIT_QUEUE: NonZero<usize> = NonZero::<usize>::MIN.saturating_add(4095);

impl AuthConfig {
    /// Returns Commerce's values and rules: the default.
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
