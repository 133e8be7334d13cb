use std::time::Duration;

/// The consequence of a spent budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lock {
    /// Attempts are refused for so long, at least a minute; then the budget is new.
    For(Duration),
    /// Attempts are refused until the account is unlocked:
    /// [`Auth::unlock_customer`](crate::Auth::unlock_customer), or a password reset.
    UntilCleared,
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
