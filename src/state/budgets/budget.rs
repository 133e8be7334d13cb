use std::time::Duration;

/// The consequence of a spent budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lock {
    /// Attempts are refused for this time, at least a minute. After that, the counted failures are
    /// cleared, and the whole budget is available again.
    For(Duration),
    /// Attempts are refused during a pause. After the pause, one attempt is allowed. If this
    /// attempt fails, the next pause is twice as long.
    ///
    /// The first pause lasts for `first` (at least a minute), and the longest pause for `longest`.
    /// Once the budget's window and the last pause have ended, the whole budget is available again.
    Growing {
        /// The pause after the failure that spends the budget.
        first: Duration,
        /// The longest pause.
        longest: Duration,
    },
    /// Attempts are refused until the account is unlocked:
    ///
    /// - a customer's account by [`Auth::unlock_customer`](crate::Auth::unlock_customer) or by a
    ///   password reset,
    /// - an admin user's account by [`Auth::unlock_admin`](crate::Auth::unlock_admin) or by a
    ///   mailed link ([`Auth::unlock_admin_by_link`](crate::Auth::unlock_admin_by_link)).
    UntilCleared {
        /// The number of failures of the budget that are reserved for callers from known devices
        /// and sources. Callers from unknown devices and sources are refused once the rest of the
        /// budget is spent.
        kept_for_known: u32,
    },
}

/// The number of failed attempts that are allowed in a period, the window.
///
/// If a host lengthens `window` or `lock` in the configuration, windows and locks that have already
/// begun keep their end. If the host shortens `window` or `lock`, the next attempts can shorten
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget {
    /// Number of failures that spend the budget.
    pub failures: u32,
    /// The time for which failures are counted, which begins with the first failure. `window` must
    /// be at least a minute, because the clocks of two nodes can differ by up to 30 s.
    pub window: Duration,
    /// The consequence of a spent budget.
    pub lock: Lock,
}

impl Budget {
    /// Creates a budget of `failures` in a `window`. `lock` is the consequence if the budget is
    /// spent.
    #[must_use]
    pub const fn new(failures: u32, window: Duration, lock: Lock) -> Self {
        Self { failures, window, lock }
    }

    /// Returns the number of counted failures from which on callers of this standing are refused.
    pub(super) const fn limit(&self, standing: Standing) -> u32 {
        match (self.lock, standing) {
            (Lock::UntilCleared { kept_for_known }, Standing::Unknown) => {
                self.failures.saturating_sub(kept_for_known)
            }
            _ => self.failures,
        }
    }

    /// Returns the maximum duration of a lock. None if a lock lasts until the account is unlocked.
    pub(crate) const fn longest_lock(&self) -> Option<Duration> {
        match self.lock {
            Lock::For(lock) => Some(lock),
            Lock::Growing { longest, .. } => Some(longest),
            Lock::UntilCleared { .. } => None,
        }
    }
}

/// The standing of a caller at an account: known or unknown to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The account has signed in from the caller's device or source before.
    Known,
    /// The account has not signed in from the caller's device or source, or this was not checked.
    Unknown,
}
