use super::{ConfigError, DAY, HOUR, MINUTE, YEAR};
pub use crate::state::budgets::{Budget, Lock};

/// The budgets of the shop: how many failures or requests are allowed in a period, and how long
/// further ones are then refused (the lock). The numbers below are the defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budgets {
    /// The budget of failed sign-ins of one source at one account: 6 failures in 30 minutes. After
    /// the sixth failure, the source cannot sign in to this account for 30 minutes (Commerce's
    /// `oauth/authentication_lock`).
    pub source: Budget,
    /// The budget of failed sign-ins at one account over all sources: 100 failures in 24 hours
    /// (NIST SP 800-63B-4 section 3.2.2).
    ///
    /// Once the budget is spent, all unknown devices and sources together get one attempt after a
    /// pause of 15 min. Each further failure doubles the pause, up to 4 h. A known device or source
    /// is not affected, because it has its own budget with the size of [`source`](Self::source). A
    /// device or source is known for 90 days after a sign-in of the account.
    pub account: Budget,
    /// The budget of failures of one source over all accounts: 100 failures in an hour. A source is
    /// an IPv4 address or an IPv6 /64 network.
    ///
    /// Failed sign-ins, reset requests, one-time credentials and enrolments count together in this
    /// budget. A failure counts when the attempt ends. So if the budget allows one more failure and
    /// ten attempts run at once, all ten can fail. If the IP address of a caller is unknown, the
    /// budget does not apply. If the budget is spent, a known device can still sign in. Once a
    /// source has failed at 10 accounts (a tenth of the budget), it counts as suspicious: see
    /// [`Pressure::is_suspicious`](crate::challenge::Pressure::is_suspicious).
    pub source_total: Budget,
    /// The budget of failures of one IPv6 /48 network over all accounts: 1,000 failures in an hour.
    /// A provider often gives such a network to one household or company. Failures count as in
    /// [`source_total`](Self::source_total).
    pub network: Budget,
    /// The budget of wrong one-time credentials for one e-mail address over all sources: 100
    /// failures in 24 hours.
    ///
    /// A spent budget refuses nobody, because a one-time credential cannot be guessed. It only
    /// saves storage: further wrong credentials create no more counters in the store.
    pub redemption: Budget,
    /// The budget of wrong second-factor codes of one admin user over all sources: 5 failures in 15
    /// minutes. Then the codes of this admin user are refused for 15 minutes.
    ///
    /// A right code clears the budget, but a right password does not. Each wrong code of the
    /// authenticator also counts in a second budget, for the codes of this admin user over a longer
    /// period. It has the size of [`account`](Self::account).
    ///
    /// Three more budgets have the same size:
    ///
    /// - wrong recovery codes of one source for one admin user (not over all sources, because a
    ///   recovery code cannot be guessed);
    /// - wrong first codes of an admin user's enrolments;
    /// - requests that show the secret of one enrolment.
    pub second_factor: Budget,
    /// The budget of registrations that one source may begin: 10 in an hour.
    ///
    /// Commerce does not limit registrations. The library limits them because each one can cost a
    /// password hash. The default is enough for the few customers of a household or an office. If
    /// the source of a registration is unknown, the registration is not counted.
    pub registration: Budget,
    /// The budget of password resets that may be requested for one e-mail address: 5 in an hour
    /// (Commerce's `customer/password/max_number_password_reset_requests`). Requests for a
    /// confirmation mail are counted in a second budget of this size. Requests for an enrolment
    /// mail are counted in a third one, for each admin user.
    pub reset_account: Budget,
    /// The budget of password resets that one source may request, over all e-mail addresses: 20 in
    /// an hour.
    ///
    /// The budget is larger than [`reset_account`](Self::reset_account), because several customers
    /// may share an IP address. If the source of a request is unknown, the request counts only for
    /// the e-mail address. Requests for a confirmation mail are counted in a second budget of this
    /// size.
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
        // Only the budget `account` can reserve attempts for known devices.
        for (name, budget) in [("budgets.source", self.source), ("budgets.second_factor", self.second_factor)]
        {
            if matches!(budget.lock, Lock::UntilCleared { kept_for_known: 1.. }) {
                return Err(ConfigError::OutOfRange(name));
            }
        }
        Ok(())
    }
}

/// True if a budget allows at least one failure, and its window and locks are between a minute and
/// a year. Shorter times would not work, because the clocks of nodes can differ by some seconds.
fn is_possible(budget: &Budget) -> bool {
    let spans = MINUTE..=YEAR;
    let lock_is_possible = match budget.lock {
        Lock::For(lock) => spans.contains(&lock),
        Lock::Growing { first, longest } => spans.contains(&first) && (first..=YEAR).contains(&longest),
        Lock::UntilCleared { kept_for_known } => kept_for_known < budget.failures,
    };
    budget.failures > 0 && spans.contains(&budget.window) && lock_is_possible
}
