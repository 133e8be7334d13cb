use std::time::Duration;

/// The consequence of a spent budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lock {
    /// Attempts are refused for so long, at least a minute; then the budget is new.
    For(Duration),
    /// One attempt at a time is let through, after a pause that doubles with each failure: `first`, at least a
    /// minute, up to `longest`. The budget is new once its window has ended.
    Growing {
        /// The pause after the failure that spends the budget.
        first: Duration,
        /// The longest pause.
        longest: Duration,
    },
    /// Attempts are refused until the account is unlocked:
    /// [`Auth::unlock_customer`](crate::Auth::unlock_customer), or a password reset.
    UntilCleared {
        /// The number of failures, at the end of the budget, that only known devices may use. Others are refused
        /// once the rest of the budget is spent.
        kept_for_known: u32,
    },
}

/// The number of failed attempts that are allowed.
///
/// If a host shortens `window` or `lock`, windows and locks that run already may be shortened to the new
/// length from the next attempt on. If it lengthens them, those that run keep their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // A host's configuration is written as a literal.
pub struct Budget {
    /// The number of failures that spend the budget.
    pub failures: u32,
    /// The time in which they are counted, from the first of them. At least a minute, since the clocks of
    /// nodes may differ by 30 s.
    pub window: Duration,
    /// The consequence once it is spent.
    pub lock: Lock,
}

impl Budget {
    /// The number of failures after which callers of this standing are refused.
    pub(super) const fn limit(&self, standing: Standing) -> u32 {
        match (self.lock, standing) {
            (Lock::UntilCleared { kept_for_known }, Standing::Unknown) => {
                self.failures.saturating_sub(kept_for_known)
            }
            _ => self.failures,
        }
    }

    /// The longest time for which a lock may last. None if it may last until it is cleared.
    pub(crate) const fn longest_lock(&self) -> Option<Duration> {
        match self.lock {
            Lock::For(lock) => Some(lock),
            Lock::Growing { longest, .. } => Some(longest),
            Lock::UntilCleared { .. } => None,
        }
    }
}

/// The standing of a caller at an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The account has signed in from the caller's device or source before.
    Known,
    /// It has not, or nobody asked.
    Unknown,
}
