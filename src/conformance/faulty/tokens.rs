use std::num::NonZero;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::Faulty;
use crate::{
    error::StoreError,
    store::{Generation, GenerationId, Insert, Store, TokenStore},
    token::{Digest, Grant, Origin, Subject},
};

/// Without a fault: the cases of the token store have faulty stores of their own.
#[async_trait]
impl<S: Store> TokenStore for Faulty<S> {
    async fn generation(&self, subject: &Subject, fresh: GenerationId) -> Result<Generation, StoreError> {
        self.inner.generation(subject, fresh).await
    }

    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
        cap: NonZero<usize>,
        now: OffsetDateTime,
    ) -> Result<Insert, StoreError> {
        self.inner.insert(grant, origin, generation, cap, now).await
    }

    async fn find(&self, digest: &Digest, now: OffsetDateTime) -> Result<Option<Grant>, StoreError> {
        self.inner.find(digest, now).await
    }

    async fn revoke(
        &self,
        digest: &Digest,
        now: OffsetDateTime,
        bar_until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.inner.revoke(digest, now, bar_until).await
    }

    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&Digest>,
        fresh: GenerationId,
        now: OffsetDateTime,
    ) -> Result<Generation, StoreError> {
        self.inner.revoke_all(subject, keep, fresh, now).await
    }

    async fn revoke_everything(
        &self,
        fresh: GenerationId,
        now: OffsetDateTime,
    ) -> Result<GenerationId, StoreError> {
        self.inner.revoke_everything(fresh, now).await
    }

    async fn grants(
        &self,
        subject: &Subject,
        limit: usize,
        now: OffsetDateTime,
    ) -> Result<Vec<(Grant, Origin)>, StoreError> {
        self.inner.grants(subject, limit, now).await
    }

    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.inner.purge_tokens(now, limit).await
    }
}
