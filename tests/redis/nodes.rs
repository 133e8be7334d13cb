//! Several nodes of a shop over one database.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use commerce_auth::{
    AuditSink, CustomerId, Digest, Grant, Origin, RedisStore, StoreError, Subject,
    store::{
        Attempt, Generation, Insert, OneTimeCredential, OtcStore, Outcome, Presented, Reserve, Store, Take,
        ThrottleKey, ThrottleStore, TokenStore,
    },
};
use time::OffsetDateTime;

/// Stores that were opened one by one, and take turns.
#[derive(Debug)]
pub struct Nodes(pub Vec<RedisStore>, pub AtomicUsize);

impl Nodes {
    fn next(&self) -> &RedisStore {
        &self.0[self.1.fetch_add(1, Ordering::Relaxed) % self.0.len()]
    }
}

impl Store for Nodes {
    fn audit_sink(&self) -> Option<Arc<dyn AuditSink>> {
        self.next().audit_sink()
    }
}

macro_rules! in_turn {
    ($trait:ident: $(fn $verb:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl $trait for Nodes {
            $(async fn $verb(&self, $($argument: $type),*) -> Result<$answer, StoreError> {
                self.next().$verb($($argument),*).await
            })*
        }
    };
}

in_turn! { TokenStore:
    fn generation(subject: &Subject) -> Generation;
    fn insert(grant: &Grant, origin: &Origin, generation: Generation, now: OffsetDateTime) -> Insert;
    fn find(digest: &Digest, now: OffsetDateTime) -> Option<Grant>;
    fn revoke(digest: &Digest, now: OffsetDateTime, bar_until: OffsetDateTime) -> bool;
    fn revoke_all(subject: &Subject, keep: Option<&Digest>, now: OffsetDateTime) -> ();
    fn revoke_everything(now: OffsetDateTime) -> ();
    fn list(subject: &Subject, now: OffsetDateTime) -> Vec<(Grant, Origin)>;
    fn purge_tokens(now: OffsetDateTime, limit: usize) -> usize;
}

in_turn! { OtcStore:
    fn put(credential: &OneTimeCredential, keep: usize, now: OffsetDateTime) -> bool;
    fn peek(presented: &Presented, now: OffsetDateTime) -> Option<OneTimeCredential>;
    fn take(presented: &Presented, buys: Option<&Digest>, now: OffsetDateTime) -> Take;
    fn discard(customer: &CustomerId) -> ();
    fn purge_codes(now: OffsetDateTime, limit: usize) -> usize;
}

in_turn! { ThrottleStore:
    fn reserve(attempt: &Attempt, now: OffsetDateTime) -> Reserve;
    fn settle(attempt: &Attempt, outcome: Outcome, now: OffsetDateTime) -> bool;
    fn clear(account: &ThrottleKey) -> ();
    fn purge_attempts(now: OffsetDateTime, limit: usize) -> usize;
}
