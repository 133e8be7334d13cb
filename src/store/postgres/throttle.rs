use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::{Command, Failure, PostgresStore, limit, parameters, removed};
use crate::{
    error::StoreError,
    store::{Attempt, Charge, Lock, Outcome, Reserve, ThrottleKey, ThrottleStore, micros},
};

#[async_trait]
impl ThrottleStore for PostgresStore {
    async fn reserve(&self, attempt: &Attempt, now: OffsetDateTime) -> Result<Reserve, StoreError> {
        let budgets = || attempt.charges.iter().map(|charge| charge.budget);
        let allowed: Vec<_> =
            budgets().map(|budget| i32::try_from(budget.failures).unwrap_or(i32::MAX)).collect();
        let windows: Vec<_> = budgets().map(|budget| length(budget.window)).collect();
        let locks: Vec<_> = budgets()
            .map(|budget| match budget.lock {
                Lock::For(lock) => Some(length(lock)),
                Lock::UntilCleared => None,
            })
            .collect();
        let reserve = self.call::<i32>(
            Command::Reserve,
            parameters![
                attempt.account.as_bytes().to_vec(),
                attempt.id.0.to_vec(),
                micros::from_time(attempt.lease_until),
                micros::from_time(now),
                scopes(&attempt.charges),
                allowed,
                windows,
                locks,
            ],
        );
        match reserve.await? {
            0 => Ok(Reserve::Reserved),
            1 => Ok(Reserve::Busy),
            2 => Ok(Reserve::Spent),
            _ => Err(Failure::Unreadable.into()),
        }
    }

    async fn settle(
        &self,
        attempt: &Attempt,
        outcome: Outcome,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let outcome = match outcome {
            Outcome::Failed => 0,
            Outcome::Succeeded => 1,
            Outcome::Withdrawn => 2,
        };
        let settle = self.call(
            Command::Settle,
            parameters![
                attempt.account.as_bytes().to_vec(),
                attempt.id.0.to_vec(),
                outcome,
                micros::from_time(now),
                scopes(&attempt.charges),
            ],
        );
        Ok(settle.await?)
    }

    async fn clear(&self, account: &ThrottleKey) -> Result<(), StoreError> {
        self.command(Command::Clear, parameters![account.as_bytes().to_vec()]).await?;
        Ok(())
    }

    async fn purge_attempts(&self, now: OffsetDateTime, most: usize) -> Result<usize, StoreError> {
        let purge = self.call(Command::PurgeAttempts, parameters![micros::from_time(now), limit(most)]);
        Ok(removed(purge.await?))
    }
}

fn scopes(charges: &[Charge]) -> Vec<Vec<u8>> {
    charges.iter().map(|charge| charge.scope.as_bytes().to_vec()).collect()
}

/// In microseconds; a century at most, so that no sum of times overflows.
fn length(duration: Duration) -> i64 {
    const CENTURY: i64 = 100 * 366 * 24 * 60 * 60 * 1_000_000;
    i64::try_from(duration.as_micros()).unwrap_or(CENTURY).min(CENTURY)
}
