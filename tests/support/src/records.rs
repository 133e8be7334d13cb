//! Records for tests, and how tests read them.

use std::time::Duration;

use commerce_auth::{
    CustomerId, Website,
    token::{Grant, GrantId, Obtained, Subject},
};
use time::{OffsetDateTime, macros::datetime};

pub const NOW: OffsetDateTime = datetime!(2026-01-01 12:00 UTC);
pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(60 * 60);

pub fn grant_id(name: &str) -> GrantId {
    GrantId::of(name.as_bytes())
}

/// Returns a grant of a customer that lives for an hour.
pub fn grant_of(customer: impl Into<CustomerId>, name: &str) -> Grant {
    Grant::customer(grant_id(name), customer.into(), Website::default(), Obtained::Password, NOW, NOW + HOUR)
}

/// Returns a grant of customer 1.
pub fn grant(name: &str) -> Grant {
    grant_of(1, name)
}

pub fn subject() -> Subject {
    Subject::Customer(1.into())
}

/// Returns an error and its sources in their printed forms.
pub fn said(error: &dyn std::error::Error) -> String {
    let mut said = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        said.push_str(&format!("{error} {error:?} {error:#?} "));
        next = error.source();
    }
    said
}
