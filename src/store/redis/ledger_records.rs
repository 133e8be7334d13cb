//! Entries of the ledger, byte for byte. See `ledger.lua`.

use super::{
    failure::Failure,
    records::{Reader, obtained_byte, write_assistance, write_origin, write_text},
};
use crate::{
    store::{AssistanceEnd, AssistanceEntry, micros},
    token::Digest,
};

const CORRUPT_ENTRY: Failure = Failure::Corrupt("an entry of the ledger");

pub(super) fn write_entry(entry: &AssistanceEntry) -> Vec<u8> {
    let customer = entry.customer.to_string();
    let mut record = Vec::with_capacity(256);
    record.push(entry.end.map_or(0, end_byte));
    record.extend(entry.ended_at.map_or(0, micros::from_time).to_be_bytes());
    record.push(u8::try_from(customer.len()).unwrap_or(u8::MAX));
    record.extend(customer.into_bytes());
    record.extend(micros::from_time(entry.began_at).to_be_bytes());
    record.extend(micros::from_time(entry.expires_at).to_be_bytes());
    record.push(obtained_byte(entry.obtained));
    write_text(&mut record, Some(entry.website.as_str()));
    write_assistance(&mut record, Some(&entry.assistance));
    write_origin(&mut record, &entry.origin);
    record
}

pub(super) fn read_entry(grant: &[u8], record: &[u8]) -> Result<AssistanceEntry, Failure> {
    let grant = grant.try_into().map(Digest::from_bytes).map_err(|_| CORRUPT_ENTRY)?;
    Reader(record).entry(grant).ok_or(CORRUPT_ENTRY)
}

pub(super) const fn end_byte(end: AssistanceEnd) -> u8 {
    match end {
        AssistanceEnd::Expired => 1,
        AssistanceEnd::SignedOut => 2,
        AssistanceEnd::EndedByCustomer => 3,
        AssistanceEnd::ConsentWithdrawn => 4,
        AssistanceEnd::Withdrawn => 5,
        AssistanceEnd::NotIssued => 6,
    }
}

impl Reader<'_> {
    fn entry(&mut self, grant: Digest) -> Option<AssistanceEntry> {
        let end = match self.byte()? {
            0 => None,
            1 => Some(AssistanceEnd::Expired),
            2 => Some(AssistanceEnd::SignedOut),
            3 => Some(AssistanceEnd::EndedByCustomer),
            4 => Some(AssistanceEnd::ConsentWithdrawn),
            5 => Some(AssistanceEnd::Withdrawn),
            6 => Some(AssistanceEnd::NotIssued),
            _ => return None,
        };
        let ended_at = self.time()?;
        let ended_at = end.is_some().then_some(ended_at);
        let customer = self.short()?.parse().ok()?;
        let (began_at, expires_at) = (self.time()?, self.time()?);
        let obtained = self.obtained()?;
        let website = self.text()??.parse().ok()?;
        let (assistance, origin) = (self.assistance()??, self.origin()?);
        Some(AssistanceEntry {
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
        })
    }
}
