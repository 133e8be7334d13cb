use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use commerce_auth::{
    clock::{Clock, ManualClock},
    credential::TotpSecret,
};
use time::OffsetDateTime;

use super::Result;

/// The admin user's authenticator app.
#[derive(Debug)]
pub(super) struct Authenticator {
    secret: TotpSecret,
    last_step: AtomicU64,
}

impl Default for Authenticator {
    fn default() -> Self {
        Self::of(TotpSecret::from_base32("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").expect("160 bits"))
    }
}

impl Authenticator {
    const STEP: u64 = 30;

    pub(super) const fn of(secret: TotpSecret) -> Self {
        Self { secret, last_step: AtomicU64::new(0) }
    }

    pub(super) const fn secret(&self) -> &TotpSecret {
        &self.secret
    }

    /// Returns an unused code. The shop accepts the codes of this step of 30 seconds, of the
    /// previous one and of the next one, each once. If all three are used, the clock moves on.
    pub(super) fn unused_code(&self, clock: &ManualClock) -> Result<String> {
        let present = u64::try_from(clock.now().unix_timestamp())? / Self::STEP;
        let step = (present - 1).max(self.last_step.load(Ordering::Relaxed) + 1);
        clock.advance(Duration::from_secs(step.saturating_sub(present + 1) * Self::STEP));
        self.last_step.store(step, Ordering::Relaxed);
        let at = OffsetDateTime::from_unix_timestamp(i64::try_from(step * Self::STEP)?)?;
        Ok(self.secret.code_at(at).ok_or("it is after 1970")?)
    }
}
