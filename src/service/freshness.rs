use std::{sync::Arc, time::Duration};

use time::OffsetDateTime;

use super::stop::Stop;
use crate::{
    audit::Refusal,
    clock::{Clock, after},
    error::SecondFactorError,
    token::Obtained,
};

/// The maximum age of a sign-in with which an admin user may change credentials. A stolen token
/// alone is therefore not enough.
#[derive(Clone, Debug)]
pub(crate) struct Freshness {
    limit: Duration,
    clock: Arc<dyn Clock>,
}

impl Freshness {
    pub(crate) fn new(limit: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { limit, clock }
    }

    /// Refuses a sign-in that is not fresh, or that lacks a required second factor.
    pub(crate) fn require(
        &self,
        signed_in_at: OffsetDateTime,
        obtained: Obtained,
        with_factor: bool,
    ) -> Result<(), Stop> {
        let lacks_factor = with_factor && !obtained.has_second_factor();
        if lacks_factor || self.clock.now() >= after(signed_in_at, self.limit) {
            return Err(Refusal::NotFresh.told(SecondFactorError::StepUpRequired(self.limit)));
        }
        Ok(())
    }
}
