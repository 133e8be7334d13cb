//! The one clock that decides every expiry.

use std::{
    fmt::Debug,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use time::OffsetDateTime;

/// Tells the time. One clock decides every expiry and every lock, so a test moves time instead of sleeping.
///
/// Nodes that share a store may differ by a second or two: a token then lives that much longer or shorter on
/// one of them. Keep them within a second (any NTP client does).
pub trait Clock: Debug + Send + Sync + 'static {
    /// The time now. A clock that goes backwards revives nothing that was revoked or spent; it only lengthens
    /// what has not yet expired.
    ///
    /// A clock that was ahead and is set right leaves records from a time that is yet to come. No lock, window of
    /// failures or lease then lasts longer than its own length from now on; a second factor takes codes again within two
    /// minutes; tokens, one-time credentials and enrolments issued more than an hour ahead are refused.
    fn now(&self) -> OffsetDateTime;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

/// A clock that moves only when told to: for tests.
///
/// ```
/// use std::time::Duration;
/// use commerce_auth::clock::{Clock, ManualClock};
/// use time::OffsetDateTime;
///
/// let clock = ManualClock::new(OffsetDateTime::UNIX_EPOCH);
/// clock.advance(Duration::from_secs(30));
/// assert_eq!(clock.now().unix_timestamp(), 30);
/// ```
#[derive(Debug)]
pub struct ManualClock(Mutex<OffsetDateTime>);

impl ManualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn new(now: OffsetDateTime) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves the clock forward, as far as the calendar goes.
    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = after(*now, by);
    }

    /// Sets the clock, backwards too.
    pub fn set(&self, now: OffsetDateTime) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> OffsetDateTime {
        (**self).now()
    }
}

/// Clocks of nodes may be apart by so much, 30 s, without any of them being wrong.
pub(crate) const SKEW: Duration = Duration::from_secs(30);

/// How far ahead of a node's own clock a stored time may be before it is refused. A refusal is harsh, so
/// it leaves a clock that is a little wrong more room than [`SKEW`].
pub(crate) const APART: Duration = Duration::from_secs(60 * 60);

/// True if this was written at a time that is yet to come, by a clock that was ahead and has been set right.
pub(crate) fn is_from_ahead(written_at: OffsetDateTime, now: OffsetDateTime) -> bool {
    written_at > after(now, APART)
}

/// `from` and `by` later, at most the end of the calendar: a hostile clock cannot make an addition panic.
pub(crate) fn after(from: OffsetDateTime, by: Duration) -> OffsetDateTime {
    from.saturating_add(by.try_into().unwrap_or(time::Duration::MAX))
}
