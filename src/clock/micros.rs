//! The serialised form of times: microseconds since 1970. Every backend can store this precision.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;

pub(crate) fn from_time(time: OffsetDateTime) -> i64 {
    let seconds = time.unix_timestamp().saturating_mul(1_000_000);
    seconds.saturating_add(i64::from(time.microsecond()))
}

#[inline(always)]
pub(crate) fn to_time(micros: i64) -> OffsetDateTime {
    let seconds = OffsetDateTime::from_unix_timestamp(micros.div_euclid(1_000_000));
    let seconds = seconds.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let rest = u32::try_from(micros.rem_euclid(1_000_000)).unwrap_or_default();
    seconds.replace_microsecond(rest).unwrap_or(seconds)
}

/// The same time as text (RFC 3339).
pub(crate) mod rfc3339 {
    use serde::{Deserializer, Serializer};
    use time::serde::rfc3339;

    use super::{from_time, to_time};

    pub(crate) fn serialize<S: Serializer>(micros: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        rfc3339::serialize(&to_time(*micros), serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        rfc3339::deserialize(deserializer).map(from_time)
    }
}

pub(crate) fn serialize<S: Serializer>(time: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    from_time(*time).serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OffsetDateTime, D::Error> {
    i64::deserialize(deserializer).map(to_time)
}
