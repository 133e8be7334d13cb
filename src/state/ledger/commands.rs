use std::time::Duration;

use time::OffsetDateTime;

use super::Entry;
use crate::{
    account::CustomerId,
    clock::{after, micros},
    state::{
        DocumentError, Step, Transition, Write,
        format::{decode, put, read},
        of_customer,
    },
    store::{Changes, DocumentId, Index, IndexEntry, Key, Name},
    token::{AssistanceEnd, AssistanceEntry, GrantId},
};

const ENTRY: Name = Name::of("assistance");
const OF_CUSTOMER: Name = Name::of("assistance");
const OPEN: Name = Name::of("open-assistance");

/// The index of a customer's entries, the newest first.
pub(crate) fn of_customer_index(customer: &CustomerId) -> Index {
    Index { partition: Some(of_customer(customer)), name: OF_CUSTOMER }
}

/// The index of the shop's entries that have not ended, the oldest first.
pub(crate) const fn open_index() -> Index {
    Index { partition: None, name: OPEN }
}

/// Decodes an entry from a document of the customer's index or of the shop's index.
pub(crate) fn decode_entry(bytes: &[u8]) -> Result<AssistanceEntry, DocumentError> {
    decode::<Entry>(bytes).map(Into::into)
}

/// Adds the entry of an assistance. If the grant already has an entry, that entry is not changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beginning<'a> {
    pub(crate) entry: &'a AssistanceEntry,
}

/// Records the end of an assistance, if no end is recorded yet. The recorded time is now, or the
/// expiry of the token if the token has already expired. Returns the changed entry. Returns none if
/// the entry does not exist or already has an end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending<'a> {
    pub(crate) grant: &'a GrantId,
    pub(crate) end: AssistanceEnd,
    /// The time for which the entry is kept after the end of the assistance.
    pub(crate) history: Duration,
}

/// Reads the entry of a grant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FindingEntry<'a> {
    pub(crate) grant: &'a GrantId,
}

/// Removes those of the given entries whose assistance has ended, and returns their number.
#[derive(Clone, Debug)]
pub(crate) struct ErasingEntries {
    pub(crate) keys: Vec<Key>,
}

impl ErasingEntries {
    /// Maximum number of entries in one command.
    pub(crate) const MAX: usize = Changes::MAX;
}

impl Transition for Beginning<'_> {
    type Answer = ();

    fn keys(&self) -> Vec<Key> {
        vec![key(&self.entry.grant)]
    }

    fn apply(&self, documents: &[Option<&[u8]>], _now: OffsetDateTime) -> Result<Step<()>, DocumentError> {
        let write = match read::<Entry>(documents, 0)? {
            Some(_) => Write::Keep,
            None => write(&Entry::of(self.entry), Duration::ZERO)?,
        };
        Ok(Step { answer: (), writes: vec![write] })
    }
}

impl Transition for Ending<'_> {
    type Answer = Option<AssistanceEntry>;

    fn keys(&self) -> Vec<Key> {
        vec![key(self.grant)]
    }

    fn apply(
        &self,
        documents: &[Option<&[u8]>],
        now: OffsetDateTime,
    ) -> Result<Step<Option<AssistanceEntry>>, DocumentError> {
        let mut entry = read::<Entry>(documents, 0)?;
        let Some(entry) = entry.take_if(|entry| entry.end(self.end, now)) else {
            return Ok(Step { answer: None, writes: vec![Write::Keep] });
        };
        let writes = vec![write(&entry, self.history)?];
        Ok(Step { answer: Some(entry.into()), writes })
    }
}

impl Transition for FindingEntry<'_> {
    type Answer = Option<AssistanceEntry>;

    fn keys(&self) -> Vec<Key> {
        vec![key(self.grant)]
    }

    fn apply(
        &self,
        documents: &[Option<&[u8]>],
        _now: OffsetDateTime,
    ) -> Result<Step<Option<AssistanceEntry>>, DocumentError> {
        let answer = read::<Entry>(documents, 0)?.map(Into::into);
        Ok(Step { answer, writes: vec![Write::Keep] })
    }
}

impl Transition for ErasingEntries {
    type Answer = usize;

    fn keys(&self) -> Vec<Key> {
        self.keys.clone()
    }

    fn apply(&self, documents: &[Option<&[u8]>], _now: OffsetDateTime) -> Result<Step<usize>, DocumentError> {
        let mut answer = 0;
        let mut writes = Vec::with_capacity(documents.len());
        for place in 0..documents.len() {
            let has_ended = read::<Entry>(documents, place)?.is_some_and(|entry| entry.ended.is_some());
            answer += usize::from(has_ended);
            writes.push(if has_ended { Write::Delete } else { Write::Keep });
        }
        Ok(Step { answer, writes })
    }
}

fn key(grant: &GrantId) -> Key {
    Key { kind: ENTRY, id: DocumentId::from_bytes(*grant.as_bytes()) }
}

/// Encodes an entry. While the entry is open, it is in the customer's index and in the shop's
/// index, and a sweep does not remove it. A closed entry is only in the customer's index.
fn write(entry: &Entry, history: Duration) -> Result<Write, DocumentError> {
    let began_at = micros::from_time(entry.began_at);
    let mut index = vec![IndexEntry { shop_wide: false, name: OF_CUSTOMER, rank: began_at.saturating_neg() }];
    if entry.ended.is_none() {
        index.push(IndexEntry { shop_wide: true, name: OPEN, rank: began_at });
    }
    put(entry, entry.ended.map(|ended| after(ended.at, history)), index)
}
