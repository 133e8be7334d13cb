use std::sync::atomic::Ordering;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::{Faulty, START};
use crate::{
    account::CustomerId,
    conformance::Fault,
    error::StoreError,
    store::{OneTimeCredential, OtcStore, Presented, Store, Take},
    token::Digest,
};

#[async_trait]
impl<S: Store> OtcStore for Faulty<S> {
    async fn put(
        &self,
        credential: &OneTimeCredential,
        keep: usize,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let keep = match self.fault {
            Fault::KeepsTooMany => usize::MAX,
            Fault::KeepsTooFew => keep.saturating_sub(1),
            _ => keep,
        };
        let stored = self.inner.put(credential, keep, now).await?;
        let mut memory = self.memory();
        memory.credentials.insert(credential.digest, credential.clone());
        if self.is(Fault::Revives) && !stored {
            // What is put again can be taken again.
            memory.taken.remove(&credential.digest);
            memory.marks.insert(credential.digest, None);
        }
        Ok(stored)
    }

    async fn peek(
        &self,
        presented: &Presented,
        now: OffsetDateTime,
    ) -> Result<Option<OneTimeCredential>, StoreError> {
        match self.fault {
            Fault::PeeksAtNothing => Ok(None),
            Fault::PeeksAtTheSpent => Ok(self.memory().credentials.get(&presented.digest).cloned()),
            Fault::SpendsOnPeek => match self.inner.take(presented, None, now).await? {
                Take::Taken(credential) => Ok(Some(credential)),
                Take::Spent { .. } | Take::Nothing => Ok(None),
            },
            _ => self.inner.peek(presented, now).await,
        }
    }

    async fn take(
        &self,
        presented: &Presented,
        buys: Option<&Digest>,
        now: OffsetDateTime,
    ) -> Result<Take, StoreError> {
        let mut asked = presented.clone();
        let known = self.memory().credentials.get(&presented.digest).cloned();
        let mut now = now;
        match (self.fault, &known) {
            (Fault::WidensTheTuple, Some(known)) => {
                asked.website = known.website.clone();
                asked.customer = known.customer.clone();
            }
            (Fault::IgnoresThePurposes, _) => {
                asked.purposes.reset_token = true;
                asked.purposes.one_time_code = true;
            }
            (Fault::TakesExpired, _) => now = START,
            (Fault::SpendsOnAWrongTuple, Some(known)) if known.customer != presented.customer => {
                asked.customer = known.customer.clone();
                let _ = self.inner.take(&asked, buys, now).await?;
                return Ok(Take::Nothing);
            }
            _ => {}
        }
        let answer = self.inner.take(&asked, buys, now).await?;
        let mut memory = self.memory();
        match (self.fault, answer) {
            (_, Take::Taken(credential)) => {
                memory.taken.insert(credential.digest, credential.clone());
                Ok(Take::Taken(credential))
            }
            (Fault::TakesTwice, Take::Spent { .. }) => {
                Ok(memory.taken.remove(&presented.digest).map_or(Take::Nothing, Take::Taken))
            }
            (Fault::Revives, Take::Spent { purpose, bought }) => {
                Ok(match (memory.marks.remove(&presented.digest), known) {
                    (Some(None), Some(known)) => Take::Taken(known),
                    _ => Take::Spent { purpose, bought },
                })
            }
            (Fault::ForgetsTheMark, Take::Spent { .. }) => Ok(Take::Nothing),
            (Fault::MovesTheMark, Take::Spent { purpose, .. }) => {
                Ok(Take::Spent { purpose, bought: buys.copied() })
            }
            (Fault::PurgesMarks | Fault::DiscardsMarks, Take::Spent { .. })
                if self.counter.load(Ordering::Relaxed) > 0 =>
            {
                Ok(Take::Nothing)
            }
            (_, answer) => Ok(answer),
        }
    }

    async fn discard(&self, customer: &CustomerId) -> Result<(), StoreError> {
        match self.fault {
            Fault::ForgetsDiscard => Ok(()),
            Fault::DiscardsMarks => {
                self.number();
                self.inner.discard(customer).await
            }
            _ => self.inner.discard(customer).await,
        }
    }

    async fn purge_codes(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.number();
        self.inner.purge_codes(now, limit).await
    }
}
