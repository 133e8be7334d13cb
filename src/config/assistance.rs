use std::time::Duration;

use super::{ConfigError, DAY, YEAR};
use crate::token::Assistance;

/// The rules of remote shopping assistance.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AssistanceRules {
    /// True if the shop offers assistance (Commerce's `login_as_customer/general/enabled`).
    ///
    /// If false, no admin user gets an assistance token or a one-time code. Assistance tokens and
    /// one-time codes that were issued before are refused.
    pub enabled: bool,
    /// True if an admin user needs a recent second factor to begin an assistance: a sign-in or a
    /// step-up with a second factor, at most
    /// [`Lifetimes::fresh_sign_in`](super::Lifetimes::fresh_sign_in) ago.
    ///
    /// Commerce has no such rule, so the default is false. In
    /// [`AuthConfig::strict`](crate::AuthConfig::strict) the setting is true, because ASVS
    /// v5.0.0-7.5.3 requires it.
    pub step_up: bool,
    /// The reason for an assistance that the library stores if the admin user gives a blank one. It
    /// has at most 1,024 bytes. If this setting is `None`, a blank reason is refused. In this
    /// reason and in reasons from admin users, the library replaces control characters by spaces.
    pub default_reason: Option<String>,
    /// Time for which the ledger shows an assistance that has ended: 365 days by default.
    ///
    /// [`Auth::purge`](crate::Auth::purge) removes older entries. The setting at the time at which
    /// an assistance ends decides how long its entry is kept. A later change of the setting does
    /// not affect this entry.
    pub history: Duration,
}

impl AssistanceRules {
    pub(super) fn commerce() -> Self {
        Self {
            enabled: true,
            step_up: false,
            default_reason: Some("No reason given".into()),
            history: DAY.saturating_mul(365),
        }
    }

    pub(super) fn strict() -> Self {
        Self { step_up: true, default_reason: None, ..Self::commerce() }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        super::check_lifetime("assistance.history", self.history, YEAR.saturating_mul(100))?;
        if let Some(reason) = &self.default_reason
            && (reason.len() > Assistance::MAX_REASON_BYTES
                || reason.chars().all(|char| char.is_control() || char.is_whitespace()))
        {
            return Err(ConfigError::OutOfRange("assistance.default_reason"));
        }
        Ok(())
    }
}
