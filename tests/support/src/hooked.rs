//! A memory store with a hook before each verb. It can be wiped.

use std::{
    fmt,
    future::poll_fn,
    num::NonZero,
    sync::{Arc, Mutex, RwLock},
    task::Poll,
};

use async_trait::async_trait;
use commerce_auth::{
    Origin, StateStore, TokenStore,
    error::StoreError,
    store::{
        Changes, CommitOutcome, Document, Generation, GenerationId, Index, Insert, Key, Listed, Partition,
        Position, memory::MemoryStore,
    },
    token::{Grant, GrantId, Subject},
};
use time::OffsetDateTime;

type Hook = Box<dyn Fn(&str) -> Result<(), StoreError> + Send + Sync>;

/// Calls its hook with the name of each verb. The verb runs only if the hook allows it. As in a
/// real store, no verb is done at once: verbs that begin in one poll of a flow run at the same
/// time.
pub struct Hooked {
    inner: RwLock<Arc<MemoryStore>>,
    hook: Hook,
    asked: Mutex<Vec<Subject>>,
    wiped_before: Mutex<Option<&'static str>>,
}

impl Default for Hooked {
    fn default() -> Self {
        Self::new(|_| Ok(()))
    }
}

impl Hooked {
    pub fn new(hook: impl Fn(&str) -> Result<(), StoreError> + Send + Sync + 'static) -> Self {
        Self::over(Arc::default(), hook)
    }

    /// As above, over a store that others use, too.
    pub fn over(
        inner: Arc<MemoryStore>,
        hook: impl Fn(&str) -> Result<(), StoreError> + Send + Sync + 'static,
    ) -> Self {
        let inner = RwLock::new(inner);
        Self { inner, hook: Box::new(hook), asked: Mutex::default(), wiped_before: Mutex::default() }
    }

    /// Removes everything, including the generations, like a store that is replaced or restored
    /// empty.
    pub fn wipe(&self) {
        *self.inner.write().expect("no task panics") = Arc::default();
    }

    /// Wipes the store just before this verb, once.
    pub fn wipe_before(&self, verb: &'static str) {
        *self.wiped_before.lock().expect("no task panics") = Some(verb);
    }

    /// Returns the subjects whose generations were read since the last call.
    pub fn asked(&self) -> Vec<Subject> {
        std::mem::take(&mut self.asked.lock().expect("no task panics"))
    }

    /// Returns the store, once the hook has allowed the verb.
    async fn called(&self, verb: &str) -> Result<Arc<MemoryStore>, StoreError> {
        (self.hook)(verb)?;
        yield_now().await;
        if self.wiped_before.lock().expect("no task panics").take_if(|at| *at == verb).is_some() {
            self.wipe();
        }
        Ok(Arc::clone(&self.inner.read().expect("no task panics")))
    }
}

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooked(..)")
    }
}

#[async_trait]
impl TokenStore for Hooked {
    async fn generation(&self, subject: &Subject, fresh: GenerationId) -> Result<Generation, StoreError> {
        let store = self.called("generation").await?;
        self.asked.lock().expect("no task panics").push(subject.clone());
        store.generation(subject, fresh).await
    }

    async fn insert(
        &self,
        grant: &Grant,
        origin: &Origin,
        generation: Generation,
        cap: NonZero<usize>,
        now: OffsetDateTime,
    ) -> Result<Insert, StoreError> {
        let store = self.called("insert").await?;
        store.insert(grant, origin, generation, cap, now).await
    }

    async fn find(&self, id: &GrantId, now: OffsetDateTime) -> Result<Option<Grant>, StoreError> {
        let store = self.called("find").await?;
        store.find(id, now).await
    }

    async fn revoke(
        &self,
        id: &GrantId,
        now: OffsetDateTime,
        bar_until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let store = self.called("revoke").await?;
        store.revoke(id, now, bar_until).await
    }

    async fn revoke_all(
        &self,
        subject: &Subject,
        keep: Option<&GrantId>,
        fresh: GenerationId,
        now: OffsetDateTime,
    ) -> Result<Generation, StoreError> {
        let store = self.called("revoke_all").await?;
        store.revoke_all(subject, keep, fresh, now).await
    }

    async fn revoke_everything(
        &self,
        fresh: GenerationId,
        now: OffsetDateTime,
    ) -> Result<GenerationId, StoreError> {
        let store = self.called("revoke_everything").await?;
        store.revoke_everything(fresh, now).await
    }

    async fn grants(
        &self,
        subject: &Subject,
        limit: usize,
        now: OffsetDateTime,
    ) -> Result<Vec<(Grant, Origin)>, StoreError> {
        let store = self.called("grants").await?;
        store.grants(subject, limit, now).await
    }

    async fn purge_tokens(&self, now: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        let store = self.called("purge_tokens").await?;
        store.purge_tokens(now, limit).await
    }
}

#[async_trait]
impl StateStore for Hooked {
    async fn load(&self, partition: &Partition, keys: &[Key]) -> Result<Vec<Option<Document>>, StoreError> {
        let store = self.called(&format!("load {}", keys[0].kind)).await?;
        store.load(partition, keys).await
    }

    async fn commit(
        &self,
        partition: &Partition,
        changes: &Changes,
        now: OffsetDateTime,
    ) -> Result<CommitOutcome, StoreError> {
        let store = self.called(&format!("commit {}", changes[0].key().kind)).await?;
        store.commit(partition, changes, now).await
    }

    async fn list(
        &self,
        index: &Index,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let store = self.called(&format!("list {}", index.name)).await?;
        StateStore::list(&*store, index, after, limit).await
    }

    async fn sweep(&self, until: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        let store = self.called("sweep").await?;
        store.sweep(until, limit).await
    }
}

async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
