use std::time::Duration;

use super::{ConfigError, DAY, YEAR};
use crate::token::Assistance;

/// The rules of remote shopping assistance.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AssistanceRules {
    /// True if the shop offers assistance (Commerce's `login_as_customer/general/enabled`).
    ///
    /// If false, no admin user gets an assistance token or a one-time code. Existing assistance
    /// tokens and one-time codes are refused.
    pub enabled: bool,
    /// True if an admin user can begin an assistance only within
    /// [`Lifetimes::fresh_sign_in`](super::Lifetimes::fresh_sign_in) after a sign-in or step-up
    /// with a second factor.
    ///
    /// Commerce has no such rule. The default is false. It is true in
    /// [`AuthConfig::strict`](crate::AuthConfig::strict) (ASVS v5.0.0-7.5.3).
    pub step_up: bool,
    /// The reason of an assistance that is stored if the admin user gives a blank reason. It has at
    /// most 1,024 bytes. With `None`, a blank reason is refused. In every reason, control
    /// characters become spaces.
    pub default_reason: Option<String>,
    /// Time for which the ledger shows an assistance that has ended: 365 days by default.
    ///
    /// [`Auth::purge`](crate::Auth::purge) removes older entries. A change of this setting does not
    /// affect assistances that have already ended: the setting at the time of the end counts.
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
