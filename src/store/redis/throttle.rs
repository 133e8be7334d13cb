use async_trait::async_trait;
use time::OffsetDateTime;

use super::{
    PURGED_AT_ONCE, RedisStore,
    answer::{flag, size, word},
    failure::Failure,
    keys::{slack_millis, span_micros},
    script::{CLEAR, PURGE_ATTEMPTS, RESERVE, SETTLE},
};
use crate::{
    error::StoreError,
    store::{Attempt, Lock, Outcome, Reserve, ThrottleKey, ThrottleStore, micros},
};

#[async_trait]
impl ThrottleStore for RedisStore {
    async fn reserve(&self, attempt: &Attempt, now: OffsetDateTime) -> Result<Reserve, StoreError> {
        let mut call = RESERVE
            .on([self.0.keys.attempts(&attempt.account)])
            .arg(&attempt.id.0)
            .arg(micros::from_time(attempt.lease_until))
            .arg(micros::from_time(now))
            .arg(slack_millis());
        for charge in &attempt.charges {
            let lock = match charge.budget.lock {
                Lock::For(lock) => span_micros(lock),
                Lock::UntilCleared => -1,
            };
            call = call
                .arg(charge.scope.as_bytes())
                .arg(charge.budget.failures)
                .arg(span_micros(charge.budget.window))
                .arg(lock);
        }
        match word(&self.0.links.run(call).await?)? {
            b"reserved" => Ok(Reserve::Reserved),
            b"busy" => Ok(Reserve::Busy),
            b"spent" => Ok(Reserve::Spent),
            _ => Err(Failure::Corrupt("an answer").into()),
        }
    }

    async fn settle(
        &self,
        attempt: &Attempt,
        outcome: Outcome,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let outcome = match outcome {
            Outcome::Failed => "failed",
            Outcome::Succeeded => "succeeded",
            Outcome::Withdrawn => "withdrawn",
        };
        let mut call = SETTLE
            .on([self.0.keys.attempts(&attempt.account)])
            .arg(&attempt.id.0)
            .arg(outcome)
            .arg(micros::from_time(now))
            .arg(slack_millis());
        for charge in &attempt.charges {
            call = call.arg(charge.scope.as_bytes());
        }
        Ok(flag(&self.0.links.run(call).await?)?)
    }

    async fn clear(&self, account: &ThrottleKey) -> Result<(), StoreError> {
        self.0.links.run(CLEAR.on([self.0.keys.attempts(account)])).await?;
        Ok(())
    }

    async fn purge_attempts(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        let keys = &self.0.keys;
        let call = PURGE_ATTEMPTS
            .on([keys.cursor("a")])
            .arg(keys.pattern("a"))
            .arg(PURGED_AT_ONCE)
            .arg(micros::from_time(now))
            .arg(limit);
        Ok(size(&self.0.links.run(call).await?)?)
    }
}
