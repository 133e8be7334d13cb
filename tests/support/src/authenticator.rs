//! An admin user's authenticator app.

use std::sync::atomic::{AtomicU64, Ordering};

use commerce_auth::credential::TotpSecret;
use time::OffsetDateTime;

/// Shows each code of a secret once, because the tests sign in more often than every 30 seconds.
#[derive(Debug)]
pub struct Authenticator {
    secret: TotpSecret,
    last_step: AtomicU64,
}

impl Authenticator {
    pub fn new(base32: &str) -> Self {
        let secret = TotpSecret::from_base32(base32).expect("a secret of 160 bits");
        Self { secret, last_step: AtomicU64::new(0) }
    }

    pub const fn secret(&self) -> &TotpSecret {
        &self.secret
    }

    /// Returns the code at this time, whether it was shown before or not.
    pub fn code_at(&self, now: OffsetDateTime) -> String {
        self.secret.code_at(now).expect("it is after 1970")
    }

    /// Returns a code that was not shown before and is valid at this time: that of the previous
    /// step, this one or the next. None if all three were shown.
    pub fn unused_code(&self, now: OffsetDateTime) -> Option<String> {
        let present = now.unix_timestamp().unsigned_abs() / 30;
        let last = self.last_step.load(Ordering::SeqCst);
        let step = (present - 1).max(last + 1);
        if step > present + 1 {
            return None;
        }
        self.last_step.store(step, Ordering::SeqCst);
        let at = i64::try_from(step * 30).expect("it is before the end of time");
        Some(self.code_at(OffsetDateTime::from_unix_timestamp(at).expect("the same")))
    }
}
