//! Records to keep, and how they are asked for.

#![allow(dead_code)] // Each test file uses its part.

use std::time::Duration;

use commerce_auth::{
    CustomerId, Digest, Grant, KeyId, Obtained, Sealed, Subject, Website,
    store::{Enrolment, FactorStore},
};
use time::{OffsetDateTime, macros::datetime};

pub const NOW: OffsetDateTime = datetime!(2026-01-01 12:00 UTC);
pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(60 * 60);

pub fn digest(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

/// A grant of a customer that lives for an hour.
pub fn grant_of(customer: impl Into<CustomerId>, name: &str) -> Grant {
    Grant::customer(digest(name), customer.into(), Website::default(), Obtained::Password, NOW, NOW + HOUR)
}

/// A grant of customer 1.
pub fn grant(name: &str) -> Grant {
    grant_of(1, name)
}

pub fn subject() -> Subject {
    Subject::Customer(1.into())
}

/// An enrolment of an admin user who has no factor, that lives for an hour.
pub fn enrolment(name: &str, admin: i32) -> Enrolment {
    Enrolment {
        token: digest(name),
        admin: admin.into(),
        secret: Sealed { key: KeyId(1), bytes: name.into() },
        replaces: None,
        begun_with: None,
        expires_at: NOW + HOUR,
    }
}

pub fn recovery_code() -> Digest {
    digest("a recovery code")
}

/// Gives an admin user who has none a factor of this name, with one recovery code; its first step is 1.
pub async fn enrolled(store: &impl FactorStore, name: &str, admin: i32) -> Enrolment {
    let enrolment = enrolment(name, admin);
    store.begin_enrolment(&enrolment, NOW).await.unwrap();
    assert!(store.activate(&enrolment.token, 1, &[recovery_code()], NOW).await.unwrap());
    enrolment
}

/// Everything that is said of an error and of its sources, to whoever prints them.
pub fn said(error: &dyn std::error::Error) -> String {
    let mut said = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        said.push_str(&format!("{error} {error:?} "));
        next = error.source();
    }
    said
}
