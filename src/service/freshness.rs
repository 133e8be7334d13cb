use std::{sync::Arc, time::Duration};

use time::OffsetDateTime;

use super::stop::Stop;
use crate::{
    audit::Refusal,
    clock::{Clock, after},
    error::SecondFactorError,
    token::Obtained,
};

/// The rule that an admin user needs a recent sign-in or step-up to change credentials. So a thief
/// who has an older token cannot change credentials with it. The field `limit` is the maximum age
/// of the sign-in.
#[derive(Clone, Debug)]
pub(crate) struct Freshness {
    limit: Duration,
    clock: Arc<dyn Clock>,
}

impl Freshness {
    pub(crate) fn new(limit: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { limit, clock }
    }

    /// Refuses a sign-in that is too old. If `with_factor` is true, also refuses a sign-in without
    /// a second factor.
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
