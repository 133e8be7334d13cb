//! The one clock that decides every expiry.

pub(crate) mod micros;

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
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not tell the time",
    label = "it must implement `Clock`, or be an `Arc` of a type that does",
    note = "write `impl Clock for {Self}` with the function `now`",
    note = "ready-made clocks are `SystemClock`, the default, and `ManualClock` for tests"
)]
pub trait Clock: Debug + Send + Sync + 'static {
    /// The time now. A clock that goes backwards revives nothing that was revoked. It lengthens what has not yet expired.
    ///
    /// A clock that was ahead and is set right leaves records from a time that is yet to come. A lock, a window of
    /// failures or a lease then lasts its own length from the next attempt on, and a second factor takes right codes
    /// again: one that was used already is good once more, within its own 90 s. Tokens, one-time credentials and
    /// enrolments last until the time that was written for them:
    /// [`Auth::revoke_everything`](crate::Auth::revoke_everything) ends the tokens and enrolments.
    ///
    /// A clock that falls behind while the node runs shortens locks that other nodes began.
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

/// Maximum difference between the clocks of a server and of the machine when a store connects: 30 s.
#[cfg(any(feature = "postgres", feature = "redis"))]
pub(crate) const SKEW: Duration = Duration::from_secs(30);

/// Returns by how much a server's clock differs from the machine's, at least. The server read its clock after the machine
/// read `sent` and before it read `received`: a slow answer is not a difference.
#[cfg(any(feature = "postgres", feature = "redis"))]
pub(crate) fn difference(server: OffsetDateTime, sent: OffsetDateTime, received: OffsetDateTime) -> Duration {
    let (ahead, behind) = (server - received, sent - server);
    ahead.max(behind).try_into().unwrap_or_default()
}

/// `from` and `by` later, at most the end of the calendar: a hostile clock cannot make an addition panic.
pub(crate) fn after(from: OffsetDateTime, by: Duration) -> OffsetDateTime {
    from.saturating_add(by.try_into().unwrap_or(time::Duration::MAX))
}

/// `from` and `by` earlier, at least the beginning of the calendar.
pub(crate) fn before(from: OffsetDateTime, by: Duration) -> OffsetDateTime {
    from.saturating_sub(by.try_into().unwrap_or(time::Duration::MAX))
}

#[cfg(all(test, any(feature = "postgres", feature = "redis")))]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_is_no_difference() {
        let at = |second| OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(second);
        for (server, seconds) in [(0, 100), (99, 1), (100, 0), (130, 0), (160, 0), (161, 1), (1000, 840)] {
            let found = difference(at(server), at(100), at(160));
            assert_eq!(found, Duration::from_secs(seconds), "the server's is {server}");
        }
        // A machine's clock that is set back between the two.
        assert_eq!(difference(at(100), at(100), at(40)), Duration::from_secs(60));
    }
}
