use time::{OffsetDateTime, UtcOffset, macros::format_description};

/// A time as Commerce writes it: in UTC, without saying so.
pub(crate) fn text(at: OffsetDateTime) -> String {
    let form = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    at.to_offset(UtcOffset::UTC).format(&form).unwrap_or_default()
}
