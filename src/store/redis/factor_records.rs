//! Second factors and enrolments, byte for byte. See `factors.lua` and `enrolments.lua`.

use time::OffsetDateTime;

use super::{failure::Failure, records::Reader};
use crate::{
    account::AdminId,
    keyring::{KeyId, Sealed},
    store::{Enrolment, Factor, micros},
    token::Digest,
};

const CORRUPT_FACTOR: Failure = Failure::Corrupt("a second factor");
const CORRUPT_ENROLMENT: Failure = Failure::Corrupt("an enrolment");

pub(super) fn read_factor(record: &[u8]) -> Result<Factor, Failure> {
    Reader(record).factor().ok_or(CORRUPT_FACTOR)
}

/// The admin user under whom a factor stands.
pub(super) fn read_admin(field: &[u8]) -> Result<AdminId, Failure> {
    str::from_utf8(field).ok().and_then(|id| id.parse().ok()).ok_or(CORRUPT_FACTOR)
}

pub(super) fn write_enrolment(enrolment: &Enrolment) -> Vec<u8> {
    let mut record = micros::from_time(enrolment.expires_at).to_be_bytes().to_vec();
    for named in [&enrolment.replaces, &enrolment.begun_with] {
        let named = named.as_ref().map_or(&[][..], |named| named.as_bytes());
        record.push(u8::try_from(named.len()).unwrap_or_default());
        record.extend(named);
    }
    record.extend(sealed_bytes(&enrolment.secret));
    record.extend(enrolment.admin.to_string().into_bytes());
    record
}

/// The enrolment of a record, if it is one that lives.
pub(super) fn read_enrolment(
    token: Digest,
    record: &[u8],
    now: OffsetDateTime,
) -> Result<Option<Enrolment>, Failure> {
    let enrolment = Reader(record).enrolment(token).ok_or(CORRUPT_ENROLMENT)?;
    Ok((now < enrolment.expires_at).then_some(enrolment))
}

/// The key's name, the length, the bytes.
pub(super) fn sealed_bytes(sealed: &Sealed) -> Vec<u8> {
    let length = u32::try_from(sealed.bytes.len()).unwrap_or(u32::MAX);
    [&sealed.key.0.to_be_bytes()[..], &length.to_be_bytes(), &sealed.bytes].concat()
}

pub(super) fn codes_bytes(codes: &[Digest]) -> Vec<u8> {
    codes.iter().flat_map(Digest::as_bytes).copied().collect()
}

impl Reader<'_> {
    fn factor(&mut self) -> Option<Factor> {
        let name = self.digest()?;
        let last_step = u64::from_be_bytes(self.int()?);
        let activated_at = self.time()?;
        let secret = self.sealed()?;
        let mut recovery_codes = Vec::new();
        while !self.0.is_empty() {
            recovery_codes.push(self.digest()?);
        }
        Some(Factor { name, secret, activated_at, last_step, recovery_codes })
    }

    fn enrolment(&mut self, token: Digest) -> Option<Enrolment> {
        let expires_at = self.time()?;
        let (replaces, begun_with) = (self.named()?, self.named()?);
        let secret = self.sealed()?;
        let admin = str::from_utf8(self.0).ok()?.parse().ok()?;
        Some(Enrolment { token, admin, secret, replaces, begun_with, expires_at })
    }

    /// A digest that may not be there.
    fn named(&mut self) -> Option<Option<Digest>> {
        match self.byte()? {
            0 => Some(None),
            32 => self.digest().map(Some),
            _ => None,
        }
    }

    fn sealed(&mut self) -> Option<Sealed> {
        let key = KeyId(self.short_int()?);
        let length = usize::try_from(self.short_int()?).ok()?;
        Some(Sealed { key, bytes: self.take(length)?.to_vec() })
    }

    fn short_int(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }
}
