use std::{sync::atomic::Ordering, time::Duration};

use async_trait::async_trait;
use time::OffsetDateTime;

use super::{Faulty, START};
use crate::{
    conformance::Fault,
    error::StoreError,
    store::{Generation, Insert, Store, TokenStore},
    token::{Digest, Grant, Origin, Subject},
};

#[async_trait]
impl<S: Store> TokenStore for Faulty<S> {
    async fn generation(&self, subject: &Subject) -> Result<Generation, StoreError> {
        if self.is(Fault::SharesTheGeneration) {
            return Ok(Generation { subject: self.counter.load(Ordering::Relaxed), everything: 0 });
        }
        self.inner.generation(subject).await
    }

    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
        now: OffsetDateTime,
    ) -> Result<Insert, StoreError> {
        let mut grant = grant.clone();
        let mut origin = origin.clone();
        let mut generation = generation;
        self.memory().grants.insert(grant.digest, grant.clone());
        match self.fault {
            Fault::ForgetsTheGeneration | Fault::SharesTheGeneration => {
                generation = self.inner.generation(&grant.subject).await?;
            }
            Fault::RefusesTheSameInstant
                if self.memory().revoked_at.get(&grant.subject).is_some_and(|at| now <= *at) =>
            {
                return Ok(Insert::Revoked);
            }
            Fault::Overwrites => {
                self.inner.revoke(&grant.digest, now, START).await?;
            }
            Fault::ShortensBar if self.memory().bars.get(&grant.digest).is_some_and(|until| now < *until) => {
                return Ok(Insert::Barred);
            }
            Fault::LosesTheOrigin => origin = Origin::default(),
            Fault::LosesTheAssistance => grant.assistance = None,
            Fault::ExpiresLate => grant.expires_at += Duration::from_micros(1),
            _ => {}
        }
        self.inner.insert(&grant, &origin, generation, now).await
    }

    async fn find(&self, digest: &Digest, now: OffsetDateTime) -> Result<Option<Grant>, StoreError> {
        let now = if self.is(Fault::FindsExpired) { START } else { now };
        let found = self.inner.find(digest, now).await?;
        // The cache answers for a while after the store no longer does: for longer than it takes a slow store to say that it
        // has revoked.
        if self.is(Fault::FindsFromACache) && found.is_none() {
            let mut memory = self.memory();
            let answered = memory.cached.entry(*digest).or_default();
            *answered += 1;
            return Ok(if *answered <= 100 { memory.grants.get(digest).cloned() } else { None });
        }
        Ok(found.map(|mut grant| {
            if self.is(Fault::ExpiresLate) {
                grant.expires_at -= Duration::from_micros(1);
            }
            grant
        }))
    }

    async fn revoke(
        &self,
        digest: &Digest,
        now: OffsetDateTime,
        bar_until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        match self.fault {
            Fault::ForgetsRevoke => Ok(self.inner.find(digest, now).await?.is_some()),
            Fault::ForgetsBar => self.inner.revoke(digest, now, START).await,
            Fault::ShortensBar => {
                self.memory().bars.insert(*digest, bar_until);
                self.inner.revoke(digest, now, START).await
            }
            Fault::BarsForGood => {
                self.inner.revoke(digest, now, bar_until + Duration::from_secs(1 << 30)).await
            }
            _ => self.inner.revoke(digest, now, bar_until).await,
        }
    }

    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&Digest>,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        self.memory().revoked_at.insert(subject.clone(), now);
        match self.fault {
            Fault::SharesTheGeneration => {
                self.number();
                self.inner.revoke_all(subject, keep, now).await
            }
            Fault::KeepsNone => self.inner.revoke_all(subject, None, now).await,
            Fault::KeepsAll if keep.is_some() => Ok(()),
            Fault::LeavesGrants => {
                let grants = self.inner.list(subject, now).await?;
                self.inner.revoke_all(subject, keep, now).await?;
                let generation = self.inner.generation(subject).await?;
                for (grant, origin) in grants {
                    let _ = self.inner.insert(&grant, &origin, generation, now).await?;
                }
                Ok(())
            }
            _ => self.inner.revoke_all(subject, keep, now).await,
        }
    }

    async fn revoke_everything(&self, now: OffsetDateTime) -> Result<(), StoreError> {
        if self.is(Fault::ForgetsEverything) { Ok(()) } else { self.inner.revoke_everything(now).await }
    }

    async fn list(&self, subject: &Subject, now: OffsetDateTime) -> Result<Vec<(Grant, Origin)>, StoreError> {
        let now = if self.is(Fault::ListsExpired) { START } else { now };
        let mut listed = self.inner.list(subject, now).await?;
        if self.is(Fault::ListsUnsorted) {
            listed.sort_by_key(|(grant, _)| grant.digest);
        }
        Ok(listed)
    }

    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        match self.fault {
            Fault::PurgesLiveGrants => self.inner.purge_tokens(now + Duration::from_secs(60), limit).await,
            Fault::PurgesWithoutLimit => self.inner.purge_tokens(now, usize::MAX).await,
            _ => self.inner.purge_tokens(now, limit).await,
        }
    }
}
