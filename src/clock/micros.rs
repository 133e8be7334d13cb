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

pub(crate) fn serialize<S: Serializer>(time: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    from_time(*time).serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OffsetDateTime, D::Error> {
    i64::deserialize(deserializer).map(to_time)
}
