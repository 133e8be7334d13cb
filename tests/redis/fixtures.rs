//! What the tests of the Redis store put in and ask for.

#![allow(dead_code)] // Each test file uses its part.

use std::{error::Error, fmt::Write, time::Duration};

use commerce_auth::{
    CustomerId, Digest, Grant, Obtained, Origin, RedisOptions, RedisStore, Subject, Website,
    store::{Generation, Insert, TokenStore},
};
use time::OffsetDateTime;

pub use crate::fresh::{CAP, fresh};

pub fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

pub fn customer(number: i64) -> Subject {
    Subject::Customer(CustomerId::from(number))
}

/// A grant of a customer that lives for an hour.
pub fn grant(name: &str, number: i64) -> Grant {
    let (digest, now) = (Digest::of(name.as_bytes()), now());
    let customer = CustomerId::from(number);
    Grant::customer(digest, customer, Website::default(), Obtained::Password, now, now + seconds(3600))
}

/// An
pub async fn generation(store: &impl TokenStore, subject: &Subject) -> Generation {
    store.generation(subject, fresh()).await.unwrap()
}

pub async fn insert(store: &impl TokenStore, grant: &Grant) {
    let generation = generation(store, &grant.subject).await;
    let answer = store.insert(grant, &Origin::default(), generation, CAP, grant.issued_at).await.unwrap();
    assert_eq!(answer, Insert::Stored);
}

pub async fn lives(store: &impl TokenStore, grant: &Grant) -> bool {
    store.find(&grant.digest, now()).await.unwrap().is_some()
}

/// A store whose keeper does not ask anything during the test.
pub async fn quiet(url: String) -> RedisStore {
    RedisOptions::new(url).timeout(seconds(600)).connect().await.unwrap()
}

/// The digest as a command's argument, in double quotes.
pub fn escaped(digest: &Digest) -> String {
    digest.as_bytes().iter().fold(String::new(), |mut text, byte| {
        write!(text, "\\x{byte:02x}").unwrap();
        text
    })
}

/// All that an error and what is behind it show.
pub fn shown(error: &(dyn Error + 'static)) -> String {
    let mut shown = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        write!(shown, "{error} {error:?} {error:#?} ").unwrap();
        next = error.source();
    }
    shown
}
