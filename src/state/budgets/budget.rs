use std::time::Duration;

/// The consequence of a spent budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lock {
    /// Attempts are refused for this time, at least a minute. Then the budget is full again.
    For(Duration),
    /// One attempt at a time is allowed, each after a pause. The first pause is `first` (at least a
    /// minute). The pause doubles with each failure, up to `longest`. The budget is full again once
    /// its window has ended.
    Growing {
        /// The pause after the failure that spends the budget.
        first: Duration,
        /// The longest pause.
        longest: Duration,
    },
    /// Attempts are refused until the account is unlocked, by
    /// [`Auth::unlock_customer`](crate::Auth::unlock_customer) or by a password reset.
    UntilCleared {
        /// The number of failures at the end of the budget that are reserved for known devices.
        /// Other callers are refused once the rest of the budget is spent.
        kept_for_known: u32,
    },
}

/// A number of failed attempts that are allowed in a window.
///
/// If a host shortens `window` or `lock`, then running windows and locks may be shortened to the
/// new length from the next attempt on. If the host lengthens them, then running ones keep their
/// end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget {
    /// Number of failures that spend the budget.
    pub failures: u32,
    /// The time in which failures are counted, from the first one on. It is at least a minute,
    /// because the clocks of nodes may differ by 30 s.
    pub window: Duration,
    /// The consequence of a spent budget.
    pub lock: Lock,
}

impl Budget {
    /// Creates a budget of `failures` in a `window`.
    #[must_use]
    pub const fn new(failures: u32, window: Duration, lock: Lock) -> Self {
        Self { failures, window, lock }
    }

    /// Returns the number of failures after which callers of this standing are refused.
    pub(super) const fn limit(&self, standing: Standing) -> u32 {
        match (self.lock, standing) {
            (Lock::UntilCleared { kept_for_known }, Standing::Unknown) => {
                self.failures.saturating_sub(kept_for_known)
            }
            _ => self.failures,
        }
    }

    /// Returns the maximum duration of a lock. None if it may last until it is cleared.
    pub(crate) const fn longest_lock(&self) -> Option<Duration> {
        match self.lock {
            Lock::For(lock) => Some(lock),
            Lock::Growing { longest, .. } => Some(longest),
            Lock::UntilCleared { .. } => None,
        }
    }
}

/// How well an account knows a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The account has signed in from the caller's device or source before.
    Known,
    /// The account has not signed in from the caller's device or source, or this was not checked.
    Unknown,
}
