//! The clock from which the library reads the time for every expiry.

pub(crate) mod micros;

use std::{
    fmt::Debug,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use time::OffsetDateTime;

/// A clock, from which the library reads the current time for every expiry and every lock. A test
/// can set a [`ManualClock`], and move this clock forward instead of waiting.
///
/// If several nodes share a store, their clocks may differ. A token then expires on one node
/// earlier than on another node, by the difference of the clocks. Use NTP to keep the difference
/// below one second.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not tell the time",
    label = "it must implement `Clock`, or be an `Arc` of a type that does",
    note = "write `impl Clock for {Self}` with the function `now`",
    note = "ready-made clocks are `SystemClock`, the default, and `ManualClock` for tests"
)]
pub trait Clock: Debug + Send + Sync + 'static {
    /// Returns the current time.
    ///
    /// If the clock goes backwards, then revoked tokens stay revoked. Tokens and other records last
    /// longer, because their stored expiry is then further in the future.
    ///
    /// If a clock was ahead and is corrected, then times that were stored before the correction can
    /// lie in the future. The effects depend on the record:
    ///
    /// - A lock, the period of a budget, or a reservation lasts for its normal duration, counted
    ///   from the next attempt.
    /// - If the time of the last used code of a second factor lies in the future, the library
    ///   ignores this time, so that the admin user can sign in. A code that was already used can
    ///   therefore be used once more, within the 90 s in which the code is valid.
    /// - Tokens, reset tokens, one-time codes, confirmation tokens and enrolments last until their
    ///   stored expiry. To end all of them earlier, call
    ///   [`Auth::revoke_everything`](crate::Auth::revoke_everything).
    ///
    /// If a clock falls behind while its node runs, then this node shortens the locks that other
    /// nodes have stored, because their times seem to lie in the future.
    fn now(&self) -> OffsetDateTime;

    /// Returns a time that is at most 10 ms behind [`now`](Self::now). By default, it is `now`.
    ///
    /// The library calls this method for each verification of a token, so it must be fast. An
    /// expired token can therefore still be accepted for 10 ms.
    fn coarse_now(&self) -> OffsetDateTime {
        self.now()
    }
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    /// Reads the time of the kernel's last tick (`CLOCK_REALTIME_COARSE` of clock_gettime(2)),
    /// which is in memory. Reading the processor's counter takes several times as long. A kernel
    /// has 100 to 1,000 ticks in a second.
    #[cfg(target_os = "linux")]
    fn coarse_now(&self) -> OffsetDateTime {
        use rustix::time::{ClockId, clock_gettime};

        let read = clock_gettime(ClockId::RealtimeCoarse);
        let seconds = OffsetDateTime::from_unix_timestamp(read.tv_sec).ok();
        let nanoseconds = u32::try_from(read.tv_nsec).ok();
        seconds
            .zip(nanoseconds)
            .and_then(|(seconds, nanoseconds)| seconds.replace_nanosecond(nanoseconds).ok())
            .unwrap_or_else(|| self.now())
    }
}

/// A clock for tests. It moves only if a test moves it.
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
    /// Creates a clock that returns `now` until it is moved.
    #[must_use]
    pub fn new(now: OffsetDateTime) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves the clock forward, at most to the maximum of [`OffsetDateTime`].
    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = after(*now, by);
    }

    /// Sets the clock to a later or an earlier time.
    pub fn set(&self, now: OffsetDateTime) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Maximum difference between the clock of a database server and the clock of this machine: 30 s.
/// The PostgreSQL and Redis stores compare the clocks when they connect.
#[cfg(any(feature = "postgres", feature = "redis"))]
pub(crate) const SKEW: Duration = Duration::from_secs(30);

/// Returns the smallest possible difference between a server's clock and the machine's clock. The
/// server has read its clock at some time between the machine's times `sent` and `received`. If the
/// server's time is between these two times, then the difference is zero, even if the reply was
/// slow.
#[cfg(any(feature = "postgres", feature = "redis"))]
pub(crate) fn difference(server: OffsetDateTime, sent: OffsetDateTime, received: OffsetDateTime) -> Duration {
    let (ahead, behind) = (server - received, sent - server);
    ahead.max(behind).try_into().unwrap_or_default()
}

/// Returns `from` plus `by`, at most the maximum of [`OffsetDateTime`], so that a wrong clock
/// cannot cause a panic.
pub(crate) fn after(from: OffsetDateTime, by: Duration) -> OffsetDateTime {
    from.saturating_add(by.try_into().unwrap_or(time::Duration::MAX))
}

/// Returns `from` minus `by`, at least the minimum of [`OffsetDateTime`].
pub(crate) fn before(from: OffsetDateTime, by: Duration) -> OffsetDateTime {
    from.saturating_sub(by.try_into().unwrap_or(time::Duration::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coarse_time_is_close_to_the_time() {
        let before = SystemClock.now();
        let coarse = SystemClock.coarse_now();
        assert!(coarse <= SystemClock.now());
        // Not 10 ms, because a virtual machine's ticks can be late.
        assert!(before - coarse < Duration::from_secs(1), "{}", before - coarse);
    }

    #[cfg(any(feature = "postgres", feature = "redis"))]
    #[test]
    fn a_slow_answer_is_no_difference() {
        let at = |second| OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(second);
        for (server, seconds) in [(0, 100), (99, 1), (100, 0), (130, 0), (160, 0), (161, 1), (1000, 840)] {
            let found = difference(at(server), at(100), at(160));
            assert_eq!(found, Duration::from_secs(seconds), "the server's is {server}");
        }
        // The machine's clock is set back between the two readings.
        assert_eq!(difference(at(100), at(100), at(40)), Duration::from_secs(60));
    }
}
