//! A token store that forgets everything, as one does that is replaced or restored empty.

use std::{
    num::NonZero,
    sync::{Arc, Mutex, RwLock},
};

use async_trait::async_trait;
use commerce_auth::{
    Digest, Grant, MemoryStore, Origin, StoreError, Subject,
    store::{Generation, GenerationId, Insert, TokenStore},
};
use time::OffsetDateTime;

/// A token store that can be wiped, and remembers whose generation was asked for.
#[derive(Clone, Debug, Default)]
pub struct Wiped(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    store: RwLock<Arc<MemoryStore>>,
    asked: Mutex<Vec<Subject>>,
    wiped_before: Mutex<Option<&'static str>>,
}

impl Wiped {
    fn store(&self) -> Arc<MemoryStore> {
        Arc::clone(&self.0.store.read().unwrap())
    }

    /// Forgets everything, the generations too.
    pub fn wipe(&self) {
        *self.0.store.write().unwrap() = Arc::default();
    }

    /// Wipes it just before this verb, once.
    pub fn wipe_before(&self, verb: &'static str) {
        *self.0.wiped_before.lock().unwrap() = Some(verb);
    }

    fn is_asked(&self, verb: &str) {
        if self.0.wiped_before.lock().unwrap().take_if(|at| *at == verb).is_some() {
            self.wipe();
        }
    }

    /// The subjects whose generations were asked for since the last call.
    pub fn asked(&self) -> Vec<Subject> {
        std::mem::take(&mut self.0.asked.lock().unwrap())
    }
}

#[async_trait]
impl TokenStore for Wiped {
    async fn generation(&self, subject: &Subject, fresh: GenerationId) -> Result<Generation, StoreError> {
        self.is_asked("generation");
        self.0.asked.lock().unwrap().push(subject.clone());
        self.store().generation(subject, fresh).await
    }

    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
        cap: NonZero<usize>,
        now: OffsetDateTime,
    ) -> Result<Insert, StoreError> {
        self.is_asked("insert");
        self.store().insert(grant, origin, generation, cap, now).await
    }

    async fn find(&self, digest: &Digest, now: OffsetDateTime) -> Result<Option<Grant>, StoreError> {
        self.store().find(digest, now).await
    }

    async fn revoke(
        &self,
        digest: &Digest,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        self.store().revoke(digest, now, until).await
    }

    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&Digest>,
        fresh: GenerationId,
        now: OffsetDateTime,
    ) -> Result<Generation, StoreError> {
        self.store().revoke_all(subject, keep, fresh, now).await
    }

    async fn revoke_everything(
        &self,
        fresh: GenerationId,
        now: OffsetDateTime,
    ) -> Result<GenerationId, StoreError> {
        self.store().revoke_everything(fresh, now).await
    }

    async fn grants(
        &self,
        subject: &Subject,
        limit: usize,
        now: OffsetDateTime,
    ) -> Result<Vec<(Grant, Origin)>, StoreError> {
        self.store().grants(subject, limit, now).await
    }

    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        self.store().purge_tokens(now, limit).await
    }
}
