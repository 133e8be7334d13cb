//! The ledger of assistance: one document for each assistance, in the partition of the customer.
//!
//! An index of the customer's partition lists the customer's entries, the newest first. An index of
//! the shop lists the open entries, the oldest first: those without a recorded end. The indexes do
//! not decide if an assistance token is valid.

mod commands;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub(crate) use commands::{
    Beginning, Ending, ErasingEntries, FindingEntry, decode_entry, of_customer_index, open_index,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{format::Stored, stored};
use crate::{
    account::{CustomerId, Website},
    clock::micros,
    token::{Assistance, AssistanceEnd, AssistanceEntry, GrantId, Obtained, Origin},
};

/// The document of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    grant: GrantId,
    customer: CustomerId,
    website: Website,
    #[serde(with = "stored::assistance")]
    assistance: Arc<Assistance>,
    obtained: Obtained,
    #[serde(with = "stored::origin")]
    origin: Origin,
    #[serde(with = "micros")]
    began_at: OffsetDateTime,
    #[serde(with = "micros")]
    expires_at: OffsetDateTime,
    #[serde(deserialize_with = "Option::deserialize")]
    ended: Option<Ended>,
}

/// The end of an assistance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ended {
    #[serde(with = "micros")]
    at: OffsetDateTime,
    how: AssistanceEnd,
}

impl Stored for Entry {
    const FORMAT: u32 = 1;
}

impl Entry {
    fn of(entry: &AssistanceEntry) -> Self {
        let AssistanceEntry {
            grant,
            customer,
            website,
            assistance,
            obtained,
            origin,
            began_at,
            expires_at,
            ended_at,
            end,
        } = entry.clone();
        let ended = ended_at.zip(end).map(|(at, how)| Ended { at, how });
        Self { grant, customer, website, assistance, obtained, origin, began_at, expires_at, ended }
    }

    /// Records the end of the assistance. Returns false if an end is already recorded.
    fn end(&mut self, how: AssistanceEnd, now: OffsetDateTime) -> bool {
        let is_first = self.ended.is_none();
        let at = micros::to_time(micros::from_time(now)).min(self.expires_at);
        self.ended.get_or_insert(Ended { at, how });
        is_first
    }
}

impl From<Entry> for AssistanceEntry {
    fn from(entry: Entry) -> Self {
        let Entry { grant, customer, website, assistance, obtained, origin, began_at, expires_at, ended } =
            entry;
        Self {
            grant,
            customer,
            website,
            assistance,
            obtained,
            origin,
            began_at,
            expires_at,
            ended_at: ended.map(|ended| ended.at),
            end: ended.map(|ended| ended.how),
        }
    }
}
