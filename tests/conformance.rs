//! The suite every store must pass, on the memory backend, under three runtimes.

use async_trait::async_trait;
use commerce_auth::{
    CustomerId, Digest, Grant, MemoryStore, Origin, StoreError, Subject,
    store::{
        Attempt, Generation, Insert, OneTimeCredential, OtcStore, Outcome, Presented, Reserve, Take,
        ThrottleKey, ThrottleStore, TokenStore,
    },
    store_conformance,
};
use time::OffsetDateTime;

store_conformance! {
    mod memory;
    runtime: |future| pollster::block_on(future);
    store: || async { MemoryStore::new() };
    broken: || async { Unreachable };
}

store_conformance! {
    mod memory_under_tokio;
    runtime: {
        let tokio = tokio::runtime::Runtime::new().expect("tokio starts");
        move |future| tokio.block_on(future)
    };
    store: || async { MemoryStore::new() };
}

store_conformance! {
    mod memory_under_smol;
    runtime: |future| smol::block_on(future);
    store: || async { MemoryStore::new() };
}

/// A store whose server cannot be reached.
#[derive(Debug)]
struct Unreachable;

fn refused<T>() -> Result<T, StoreError> {
    Err(StoreError::new(std::io::Error::from(std::io::ErrorKind::ConnectionRefused)))
}

#[async_trait]
impl TokenStore for Unreachable {
    async fn generation(&self, _: &Subject) -> Result<Generation, StoreError> {
        refused()
    }

    async fn insert(
        &self,
        _: &Grant,
        _: &Origin,
        _: Generation,
        _: OffsetDateTime,
    ) -> Result<Insert, StoreError> {
        refused()
    }

    async fn find(&self, _: &Digest, _: OffsetDateTime) -> Result<Option<Grant>, StoreError> {
        refused()
    }

    async fn revoke(&self, _: &Digest, _: OffsetDateTime, _: OffsetDateTime) -> Result<bool, StoreError> {
        refused()
    }

    async fn revoke_all(&self, _: &Subject, _: Option<&Digest>, _: OffsetDateTime) -> Result<(), StoreError> {
        refused()
    }

    async fn revoke_everything(&self, _: OffsetDateTime) -> Result<(), StoreError> {
        refused()
    }

    async fn list(&self, _: &Subject, _: OffsetDateTime) -> Result<Vec<(Grant, Origin)>, StoreError> {
        refused()
    }

    async fn purge_tokens(&self, _: OffsetDateTime, _: usize) -> Result<usize, StoreError> {
        refused()
    }
}

#[async_trait]
impl OtcStore for Unreachable {
    async fn put(&self, _: &OneTimeCredential, _: usize, _: OffsetDateTime) -> Result<bool, StoreError> {
        refused()
    }

    async fn take(&self, _: &Presented, _: Option<&Digest>, _: OffsetDateTime) -> Result<Take, StoreError> {
        refused()
    }

    async fn discard(&self, _: &CustomerId) -> Result<(), StoreError> {
        refused()
    }

    async fn purge_codes(&self, _: OffsetDateTime, _: usize) -> Result<usize, StoreError> {
        refused()
    }
}

#[async_trait]
impl ThrottleStore for Unreachable {
    async fn reserve(&self, _: &Attempt, _: OffsetDateTime) -> Result<Reserve, StoreError> {
        refused()
    }

    async fn settle(&self, _: &Attempt, _: Outcome, _: OffsetDateTime) -> Result<(), StoreError> {
        refused()
    }

    async fn clear(&self, _: &ThrottleKey) -> Result<(), StoreError> {
        refused()
    }

    async fn purge_attempts(&self, _: OffsetDateTime, _: usize) -> Result<usize, StoreError> {
        refused()
    }
}
