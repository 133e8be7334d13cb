use super::{ConfigError, DAY, HOUR, MINUTE, YEAR};
pub use crate::state::budgets::{Budget, Lock};

/// The numbers of failures or requests that are allowed in a window, and the locks that follow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budgets {
    /// The budget of failed sign-ins of one source at one account: 6, then 30 minutes (Commerce's
    /// `oauth/authentication_lock`).
    pub source: Budget,
    /// The budget of failed sign-ins at one account over all sources: 100 in 24 hours (NIST SP
    /// 800-63B-4 section 3.2.2).
    ///
    /// After that, unknown sources get one attempt per 15 min, and each failure doubles the pause
    /// up to 4 h. Devices and sources from which the account has signed in within 90 days keep
    /// separate budgets with the size of [`source`](Self::source).
    pub account: Budget,
    /// The budget of failures of one source over all accounts: 100 in an hour. A source is an IPv4
    /// address or an IPv6 /64.
    ///
    /// Sign-ins, reset requests, one-time credentials and enrolments count together. An attempt
    /// counts only when it ends, so parallel attempts can exceed the budget by their number.
    /// Callers without an address have no such budget. A source is suspicious once it has failures
    /// at 10 accounts, a tenth of the budget.
    pub source_total: Budget,
    /// The budget of failures of an IPv6 /48, the network of one household or company: 1,000 in an
    /// hour. Otherwise as [`source_total`](Self::source_total).
    pub network: Budget,
    /// The budget of wrong one-time credentials at one address over all sources: 100 in 24 hours.
    ///
    /// Once the budget is spent, a right credential is still accepted, and a wrong one leaves no
    /// counter in the store.
    pub redemption: Budget,
    /// The budget of wrong codes of one admin user, over all sources: 5, then 15 minutes.
    ///
    /// A right code clears the budget. A right password does not. Each wrong code also counts
    /// against a separate counter with the size of [`account`](Self::account).
    ///
    /// Three more budgets have this size:
    ///
    /// - wrong recovery codes, for each source and not over all sources, because nobody can guess one;
    /// - first codes of an admin user's enrolments;
    /// - views of one enrolment's secret.
    pub second_factor: Budget,
    /// Number of registrations that a source may begin: 10 in an hour.
    ///
    /// The number is the crate's own: each registration costs a hash, and a household or an office
    /// registers few customers. If the source of a registration is unknown, the registration is not
    /// counted.
    pub registration: Budget,
    /// Number of password resets that may be requested for one address: 5 in an hour (Commerce's
    /// `customer/password/max_number_password_reset_requests`). Confirmation requests and
    /// enrolment mails have separate budgets of this size.
    pub reset_account: Budget,
    /// Number of password resets that one source may request, over all addresses: 20 in an hour.
    ///
    /// The number is larger because several customers may share an IP address. If the source of a
    /// request is unknown, the request counts only against the e-mail address. Confirmation
    /// requests have a separate budget of this size.
    pub reset_source: Budget,
}

impl Budgets {
    pub(super) const fn commerce() -> Self {
        let quarter = MINUTE.saturating_mul(15);
        let half = MINUTE.saturating_mul(30);
        Self {
            source: Budget::new(6, half, Lock::For(half)),
            account: Budget {
                failures: 100,
                window: DAY,
                lock: Lock::Growing { first: quarter, longest: HOUR.saturating_mul(4) },
            },
            source_total: Budget::new(100, HOUR, Lock::For(HOUR)),
            network: Budget::new(1_000, HOUR, Lock::For(HOUR)),
            redemption: Budget::new(100, DAY, Lock::For(DAY)),
            second_factor: Budget::new(5, quarter, Lock::For(quarter)),
            registration: Budget::new(10, HOUR, Lock::For(HOUR)),
            reset_account: Budget::new(5, HOUR, Lock::For(HOUR)),
            reset_source: Budget::new(20, HOUR, Lock::For(HOUR)),
        }
    }

    pub(super) const fn strict() -> Self {
        Self {
            account: Budget {
                failures: 100,
                window: DAY.saturating_mul(365),
                lock: Lock::UntilCleared { kept_for_known: 10 },
            },
            ..Self::commerce()
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let budgets = [
            ("budgets.source", self.source),
            ("budgets.account", self.account),
            ("budgets.source_total", self.source_total),
            ("budgets.network", self.network),
            ("budgets.redemption", self.redemption),
            ("budgets.second_factor", self.second_factor),
            ("budgets.registration", self.registration),
            ("budgets.reset_account", self.reset_account),
            ("budgets.reset_source", self.reset_source),
        ];
        for (name, budget) in budgets {
            if !is_possible(&budget) {
                return Err(ConfigError::OutOfRange(name));
            }
        }
        // Only the budget of an account can keep failures for known devices.
        for (name, budget) in [("budgets.source", self.source), ("budgets.second_factor", self.second_factor)]
        {
            if matches!(budget.lock, Lock::UntilCleared { kept_for_known: 1.. }) {
                return Err(ConfigError::OutOfRange(name));
            }
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
