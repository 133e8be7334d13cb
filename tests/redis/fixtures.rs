//! What the tests of the Redis store put in and ask for.

#![allow(dead_code)] // Each test file uses its part.

use std::{error::Error, fmt::Write, time::Duration};

use commerce_auth::{
    Assistance, CustomerId, Digest, Grant, Obtained, Origin, RedisOptions, RedisStore, Subject, Website,
    store::{AssistanceEntry, Generation, Insert, OneTimeCredential, Presented, Purposes, TokenStore},
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

/// A reset token of customer 1 that lives for an hour.
pub fn code(name: &str) -> OneTimeCredential {
    let (digest, now) = (Digest::of(name.as_bytes()), now());
    OneTimeCredential::reset_token(digest, Website::default(), CustomerId::from(1), now, now + seconds(3600))
}

pub fn presented(credential: &OneTimeCredential) -> Presented {
    Presented {
        website: credential.website.clone(),
        customer: credential.customer.clone(),
        digest: credential.digest,
        purposes: Purposes { reset_token: true, one_time_code: true },
    }
}

/// An assistance to a customer that begins now and lives for an hour.
pub fn entry(name: &str, number: i64) -> AssistanceEntry {
    let assistance = Assistance::new(7.into(), Digest::of(b"an admin user's grant"), "why");
    AssistanceEntry::of(&grant(name, number).assisted(assistance), &Origin::default()).unwrap()
}

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
