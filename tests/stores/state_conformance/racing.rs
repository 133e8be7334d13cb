//! Faults that only show if another caller runs between two steps.

use std::{thread, time::Duration};

use commerce_auth::{
    StateStore,
    error::StoreError,
    store::{Change, CommitOutcome, Document, Index, Key, Listed, Partition, Position},
};
use time::OffsetDateTime;

use crate::state_conformance::faulty::{Fault, Faulty};

type Result<T> = std::result::Result<T, StoreError>;

/// Waits as long as a fast engine takes to reply. Without the wait, a busy machine may run both
/// steps of every round without an interruption.
fn between_two_steps() {
    thread::sleep(Duration::from_micros(50));
}

impl Faulty {
    pub(crate) async fn load_in_two_steps(
        &self,
        partition: &Partition,
        keys: &[Key],
    ) -> Result<Vec<Option<Document>>> {
        let mut found = Vec::new();
        for key in keys {
            found.push(self.inner_load(partition, key).await?);
            between_two_steps();
        }
        Ok(found)
    }

    pub(crate) async fn list_in_two_steps(
        &self,
        index: &Index,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Listed>> {
        let positions = StateStore::list(&self.inner, index, after, limit).await?;
        let mut found = Vec::new();
        for Listed { position, .. } in positions {
            between_two_steps();
            let document = self.inner_load(&position.partition, &position.key).await?;
            found.extend(document.map(|document| Listed { position, document }));
        }
        Ok(found)
    }

    pub(crate) async fn sweep_in_two_steps(&self, until: OffsetDateTime, limit: usize) -> Result<usize> {
        let over: Vec<_> = self.over(until).into_iter().take(limit).collect();
        between_two_steps();
        let mut removed = 0;
        for place in over {
            removed += usize::from(self.remove(place).await?);
        }
        Ok(removed)
    }

    /// Compares in one step and changes in another. Anything that the fault does not compare again
    /// is changed without a check.
    pub(crate) async fn commit_in_two_steps(
        &self,
        partition: &Partition,
        mut changes: Vec<Change>,
    ) -> Result<CommitOutcome> {
        for change in &changes {
            let found = self.inner_load(partition, change.key()).await?;
            if change.expects() != found.map(|document| document.version) {
                return self.inner_commit(partition, changes).await;
            }
        }
        between_two_steps();
        if self.is(Fault::ChecksInTwoSteps) {
            changes.retain(|change| !matches!(change, Change::Check { .. }));
            return self.inner_commit(partition, changes).await;
        }
        let is_blind = |change: &Change| matches!(change, Change::Put(put) if put.expects.is_none() == self.is(Fault::CreatesInTwoSteps));
        let blind: Vec<_> = changes.iter().map(is_blind).collect();
        loop {
            let CommitOutcome::Conflict(current) = self.inner_commit(partition, changes.clone()).await?
            else {
                return Ok(CommitOutcome::Committed);
            };
            for ((change, found), blind) in changes.iter_mut().zip(&current).zip(&blind) {
                let present = found.as_ref().map(|document| document.version);
                match change {
                    Change::Put(put) if *blind => put.expects = present,
                    change if change.expects() != present => return Ok(CommitOutcome::Conflict(current)),
                    _ => {}
                }
            }
        }
    }
}
