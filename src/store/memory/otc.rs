use std::collections::HashMap;

use time::OffsetDateTime;

use super::shards::Shards;
use crate::{
    account::CustomerId,
    store::{OneTimeCredential, Presented, Take},
    token::Digest,
};

/// The one-time credentials, by whom they were made for.
#[derive(Debug, Default)]
pub(super) struct Codes {
    shards: Shards<Shard>,
}

#[derive(Default)]
struct Shard {
    customers: HashMap<CustomerId, Vec<Row>>,
    /// So many more insertions until the shard is swept.
    until_sweep: usize,
}

struct Row {
    credential: OneTimeCredential,
    /// Once it is spent: the grant it was taken for.
    spent: Option<Option<Digest>>,
}

impl Row {
    fn is_live(&self, now: OffsetDateTime) -> bool {
        now < self.credential.expires_at
    }

    fn fits(&self, presented: &Presented, now: OffsetDateTime) -> bool {
        self.credential.digest == presented.digest
            && self.credential.website == presented.website
            && presented.purposes.contains(self.credential.purpose)
            && self.is_live(now)
    }
}

impl Codes {
    pub(super) fn put(&self, credential: &OneTimeCredential, keep: usize, now: OffsetDateTime) -> bool {
        let mut shard = self.shards.write(self.shards.index_of(&credential.customer));
        shard.until_sweep = shard.until_sweep.saturating_sub(1);
        if shard.until_sweep == 0 {
            shard.remove_expired(now, usize::MAX);
            // Half as many insertions as rows between two sweeps make their cost constant per insertion.
            shard.until_sweep = 64.max(shard.customers.len() / 2);
        }
        let rows = shard.customers.entry(credential.customer.clone()).or_default();
        rows.retain(|row| row.is_live(now));
        if rows.iter().any(|row| row.credential.digest == credential.digest) {
            return false;
        }
        rows.push(Row { credential: credential.clone(), spent: None });
        let outstanding = |row: &Row| row.spent.is_none() && row.credential.purpose == credential.purpose;
        let mut surplus = rows.iter().filter(|row| outstanding(row)).count().saturating_sub(keep);
        // Rows stand in the order of their arrival: the oldest go first.
        rows.retain(|row| {
            let goes = surplus > 0 && outstanding(row);
            surplus -= usize::from(goes);
            !goes
        });
        true
    }

    pub(super) fn peek(&self, presented: &Presented, now: OffsetDateTime) -> Option<OneTimeCredential> {
        let shard = self.shards.read(self.shards.index_of(&presented.customer));
        let rows = shard.customers.get(&presented.customer)?;
        let row = rows.iter().find(|row| row.spent.is_none() && row.fits(presented, now))?;
        Some(row.credential.clone())
    }

    pub(super) fn take(&self, presented: &Presented, buys: Option<&Digest>, now: OffsetDateTime) -> Take {
        let mut shard = self.shards.write(self.shards.index_of(&presented.customer));
        let Some(rows) = shard.customers.get_mut(&presented.customer) else { return Take::Nothing };
        match rows.iter_mut().find(|row| row.fits(presented, now)) {
            None => Take::Nothing,
            Some(Row { credential, spent: Some(bought) }) => {
                Take::Spent { purpose: credential.purpose, bought: *bought }
            }
            Some(row) => {
                row.spent = Some(buys.copied());
                Take::Taken(row.credential.clone())
            }
        }
    }

    pub(super) fn discard(&self, customer: &CustomerId) {
        let mut shard = self.shards.write(self.shards.index_of(customer));
        if let Some(rows) = shard.customers.get_mut(customer) {
            rows.retain(|row| row.spent.is_some());
        }
    }

    pub(super) fn purge(&self, now: OffsetDateTime, limit: usize) -> usize {
        (0..=u8::MAX)
            .fold(0, |removed, index| removed + self.shards.write(index).remove_expired(now, limit - removed))
    }
}

impl Shard {
    /// Removes at most `limit` expired rows and answers how many.
    fn remove_expired(&mut self, now: OffsetDateTime, limit: usize) -> usize {
        let mut removed = 0;
        self.customers.retain(|_, rows| {
            rows.retain(|row| {
                let goes = removed < limit && !row.is_live(now);
                removed += usize::from(goes);
                !goes
            });
            !rows.is_empty()
        });
        removed
    }
}
