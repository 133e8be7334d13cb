use std::time::Duration;

use super::{ConfigError, DAY, HOUR, MINUTE, YEAR};

/// The lifetimes of tokens and codes, and the maximum age of a fresh sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lifetimes {
    /// Lifetime of a customer's token: 1 h in Commerce (`oauth/access_token_lifetime/customer`).
    pub customer_token: Duration,
    /// Lifetime of an admin user's token: 4 h in Commerce (`oauth/access_token_lifetime/admin`).
    pub admin_token: Duration,
    /// Lifetime of an assistance token: 15 min by default, at most 24 h. If the admin user's own
    /// token expires earlier, the assistance token expires with it.
    pub assistance_token: Duration,
    /// Lifetime of a one-time code: 30 s in Commerce, at most 600 s (ASVS v5.0.0-6.5.5).
    pub one_time_code: Duration,
    /// Lifetime of a reset token: 2 h in Commerce
    /// (`customer/password/reset_link_expiration_period`), at most 24 h (NIST SP 800-63B-4 section
    /// 4.2.1.2).
    pub reset_token: Duration,
    /// Lifetime of a confirmation token: 24 h by default, which is also the maximum (NIST SP
    /// 800-63A-4: codes sent by e-mail are valid for at most 24 hours).
    pub confirmation_token: Duration,
    /// Lifetime of an enrolment token: 1 h in Commerce, at most 24 h.
    pub enrolment_token: Duration,
    /// Maximum age of a fresh sign-in: 15 min by default. A step-up counts as a sign-in.
    ///
    /// An admin user needs a fresh sign-in for a new password, a new authenticator or new recovery
    /// codes. If [`AssistanceRules::step_up`](super::AssistanceRules::step_up) is true, an admin
    /// user also needs one to begin an assistance.
    pub fresh_sign_in: Duration,
}

impl Lifetimes {
    pub(super) const fn commerce() -> Self {
        Self {
            customer_token: HOUR,
            admin_token: HOUR.saturating_mul(4),
            assistance_token: MINUTE.saturating_mul(15),
            one_time_code: Duration::from_secs(30),
            reset_token: HOUR.saturating_mul(2),
            confirmation_token: DAY,
            enrolment_token: HOUR,
            fresh_sign_in: MINUTE.saturating_mul(15),
        }
    }

    pub(super) const fn strict() -> Self {
        Self {
            customer_token: MINUTE.saturating_mul(30),
            admin_token: HOUR,
            assistance_token: MINUTE.saturating_mul(10),
            reset_token: HOUR,
            ..Self::commerce()
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let lifetimes = [
            ("lifetimes.customer_token", self.customer_token, YEAR),
            ("lifetimes.admin_token", self.admin_token, YEAR),
            ("lifetimes.assistance_token", self.assistance_token, DAY),
            ("lifetimes.one_time_code", self.one_time_code, 10 * MINUTE),
            ("lifetimes.reset_token", self.reset_token, DAY),
            ("lifetimes.confirmation_token", self.confirmation_token, DAY),
            ("lifetimes.enrolment_token", self.enrolment_token, DAY),
            ("lifetimes.fresh_sign_in", self.fresh_sign_in, DAY),
        ];
        lifetimes
            .into_iter()
            .try_for_each(|(name, lifetime, most)| super::check_lifetime(name, lifetime, most))
    }
}
