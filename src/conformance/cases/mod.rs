pub(super) mod state;
pub(super) mod tokens;

use std::time::Duration;

use time::OffsetDateTime;

use crate::{
    account::{AdminId, CustomerId, Website},
    conformance::Failure,
    token::{Assistance, Grant, GrantId, Obtained, Subject},
};

/// Makes the case fail if the condition is false.
macro_rules! ensure {
    ($condition:expr, $($what:tt)+) => {
        if !$condition {
            return Err($crate::conformance::Failure::new(format!($($what)+)));
        }
    };
}
pub(crate) use ensure;

/// Returns a time for a case: a fixed time in 2050 with microseconds, plus `seconds`. The time is
/// in the future, so that an engine that removes records by the engine's clock removes none during
/// a case.
fn at(seconds: u64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::from_micros(2_524_608_000_123_456) + Duration::from_secs(seconds)
}

/// Returns the time one microsecond earlier. A microsecond is the precision that a store must keep.
fn just_before(instant: OffsetDateTime) -> OffsetDateTime {
    instant - Duration::from_micros(1)
}

fn id(name: &str) -> GrantId {
    GrantId::of(name.as_bytes())
}

fn customer(number: i32) -> CustomerId {
    CustomerId::from(number)
}

fn subject(number: i32) -> Subject {
    Subject::Customer(customer(number))
}

fn website(code: &str) -> Result<Website, Failure> {
    code.parse().map_err(|_| Failure::new("not a website code"))
}

/// Returns a grant of customer `number` that is live from second 0 to 60.
fn grant(name: &str, number: i32) -> Grant {
    Grant::customer(id(name), customer(number), Website::default(), Obtained::Password, at(0), at(60))
}

fn assistance(reason: &str) -> Assistance {
    Assistance::new(AdminId::from(7), id("an admin user's grant"), reason)
}

/// Returns texts that a faulty store does not keep unchanged. They have quotes, search patterns,
/// terminators or characters of other scripts, and one has the maximum length.
fn odd_texts() -> Vec<String> {
    let texts = [
        "'",
        "\"; DROP TABLE grants; --",
        "{tag}",
        "%",
        "_",
        "*",
        "a:b",
        "a\\",
        "$1",
        "ключ",
        "🦀",
        " ",
        "NULL",
    ];
    texts.iter().map(ToString::to_string).chain(["x".repeat(128)]).collect()
}
