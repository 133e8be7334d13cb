use std::time::Duration;

use super::{ConfigError, DAY, YEAR};
use crate::token::Assistance;

/// The rules of remote shopping assistance.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AssistanceRules {
    /// True if the shop offers assistance (Commerce's `login_as_customer/general/enabled`).
    ///
    /// If false, no admin user gets an assistance token or one-time code, and existing ones are
    /// refused.
    pub enabled: bool,
    /// True if assistance requires that the admin user used a second factor within
    /// [`Lifetimes::fresh_sign_in`](super::Lifetimes::fresh_sign_in).
    ///
    /// Commerce has no such rule. It is on in [`AuthConfig::strict`](crate::AuthConfig::strict)
    /// (ASVS v5.0.0-7.5.3).
    pub step_up: bool,
    /// The reason that replaces a blank reason, at most 1,024 bytes. With `None`, a blank reason is
    /// refused. In every reason, control characters become spaces.
    pub default_reason: Option<String>,
    /// Time for which the ledger shows an assistance after its end: a year.
    ///
    /// [`Auth::purge`](crate::Auth::purge) removes older entries. An entry keeps the time that was
    /// configured when the assistance ended.
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
