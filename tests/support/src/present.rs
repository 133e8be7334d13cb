//! Grants issued at the present time, for servers that use their own clock.

use std::time::Duration;

use commerce_auth::{
    CustomerId, Origin, TokenStore, Website,
    store::{Generation, Insert},
    token::{Grant, GrantId, Obtained, Subject},
};
use time::OffsetDateTime;

use crate::fresh::{CAP, fresh};

pub fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

pub fn customer(number: i64) -> Subject {
    Subject::Customer(CustomerId::from(number))
}

/// Returns a grant of a customer that lives for an hour.
pub fn grant(name: &str, number: i64) -> Grant {
    let (id, now) = (GrantId::of(name.as_bytes()), now());
    let customer = CustomerId::from(number);
    Grant::customer(id, customer, Website::default(), Obtained::Password, now, now + seconds(3600))
}

/// Returns the generation of a subject.
pub async fn generation(store: &impl TokenStore, subject: &Subject) -> Generation {
    store.generation(subject, fresh()).await.unwrap()
}

pub async fn insert(store: &impl TokenStore, grant: &Grant) {
    let generation = generation(store, &grant.subject).await;
    let answer = store.insert(grant, &Origin::default(), generation, CAP, grant.issued_at()).await.unwrap();
    assert_eq!(answer, Insert::Stored);
}

pub async fn lives(store: &impl TokenStore, grant: &Grant) -> bool {
    store.find(&grant.id, now()).await.unwrap().is_some()
}
