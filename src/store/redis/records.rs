//! The stored form of grants. The Lua scripts read the first fields of a record: the expiry, the
//! shop's generation, the subject and the time of issue. Only this module reads the fields after
//! them.

use std::{net::IpAddr, sync::Arc};

use time::OffsetDateTime;

use super::failure::Failure;
use crate::{
    account::Website,
    clock::micros,
    store::GenerationId,
    token::{Assistance, Grant, GrantId, Obtained, Origin, Subject},
};

const BAR: u8 = 0;
const GRANT: u8 = 1;

const CORRUPT_GRANT: Failure = Failure::Corrupt("a grant");

/// Encodes a grant, with the shop's generation under which it is stored.
pub(super) fn write_grant(grant: &Grant, origin: &Origin, shop: GenerationId) -> Vec<u8> {
    let subject = subject_bytes(&grant.subject);
    let mut record = Vec::with_capacity(128);
    record.push(GRANT);
    record.extend(grant.expires_micros.to_be_bytes());
    record.extend(shop.as_bytes());
    record.push(u8::try_from(subject.len()).unwrap_or(u8::MAX));
    record.extend(subject);
    record.extend(grant.issued_micros.to_be_bytes());
    record.push(obtained_byte(grant.obtained));
    write_text(&mut record, grant.website.as_ref().map(Website::as_str));
    write_assistance(&mut record, grant.assistance.as_deref());
    write_origin(&mut record, origin);
    record
}

/// Decodes a record. If the record holds a live grant, returns the grant and a reader for the rest
/// of the record, which holds the origin. None if the record holds a bar, or a grant that is not
/// live.
pub(super) fn read_grant(
    id: GrantId,
    record: &[u8],
    shop: Option<GenerationId>,
    now: OffsetDateTime,
) -> Result<Option<(Grant, Reader<'_>)>, Failure> {
    let mut reader = Reader(record);
    let kind = reader.byte().ok_or(CORRUPT_GRANT)?;
    if kind == BAR {
        return Ok(None);
    }
    let expires_micros = reader.micros().filter(|_| kind == GRANT).ok_or(CORRUPT_GRANT)?;
    let stored_under = reader.generation().ok_or(CORRUPT_GRANT)?;
    if micros::from_time(now) >= expires_micros || Some(stored_under) != shop {
        return Ok(None);
    }
    let grant = reader.grant(id, expires_micros).ok_or(CORRUPT_GRANT)?;
    Ok(Some((grant, reader)))
}

pub(super) fn read_origin(mut reader: Reader<'_>) -> Result<Origin, Failure> {
    reader.origin().ok_or(CORRUPT_GRANT)
}

/// Encodes a subject: a letter for the kind of account, then the id of the account.
pub(super) fn subject_bytes(subject: &Subject) -> Vec<u8> {
    match subject {
        Subject::Customer(id) => format!("c{id}"),
        Subject::Admin(id) => format!("a{id}"),
    }
    .into_bytes()
}

const fn obtained_byte(obtained: Obtained) -> u8 {
    match obtained {
        Obtained::Password => 1,
        Obtained::ResetToken => 2,
        Obtained::OneTimeCode => 3,
        Obtained::AsAdmin => 4,
        Obtained::PasswordAndTotp => 5,
        Obtained::PasswordAndRecoveryCode => 6,
    }
}

fn write_text(record: &mut Vec<u8>, text: Option<&str>) {
    write_bytes(record, text.map(str::as_bytes));
}

/// Writes an optional byte string. For `None`, writes only a zero byte. For a byte string, writes
/// its length plus one, and then the bytes. The length is written in groups of seven bits, the
/// lowest group first.
fn write_bytes(record: &mut Vec<u8>, bytes: Option<&[u8]>) {
    let mut length = bytes.map_or(0, |bytes| bytes.len() + 1);
    while length > 0x7f {
        record.push(u8::try_from(length & 0x7f).unwrap_or_default() | 0x80);
        length >>= 7;
    }
    record.push(u8::try_from(length).unwrap_or_default());
    record.extend(bytes.unwrap_or_default());
}

fn write_origin(record: &mut Vec<u8>, origin: &Origin) {
    match origin.source {
        None => write_bytes(record, None),
        Some(IpAddr::V4(source)) => write_bytes(record, Some(&source.octets())),
        Some(IpAddr::V6(source)) => write_bytes(record, Some(&source.octets())),
    }
    write_text(record, origin.user_agent.as_deref());
    write_text(record, origin.correlation_id.as_deref());
}

fn write_assistance(record: &mut Vec<u8>, assistance: Option<&Assistance>) {
    write_text(record, assistance.map(|assistance| assistance.actor.to_string()).as_deref());
    if let Some(assistance) = assistance {
        record.extend(assistance.parent.as_bytes());
        write_text(record, Some(&assistance.reason));
    }
}

/// Reads the fields of a record one after another. If a field cannot be read because the record is
/// damaged, then a function returns `None`.
pub(super) struct Reader<'r>(pub(super) &'r [u8]);

impl<'r> Reader<'r> {
    pub(super) fn take(&mut self, length: usize) -> Option<&'r [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(super) fn int(&mut self) -> Option<[u8; 8]> {
        self.take(8)?.try_into().ok()
    }

    fn generation(&mut self) -> Option<GenerationId> {
        Some(GenerationId::from_bytes(self.take(16)?.try_into().ok()?))
    }

    fn micros(&mut self) -> Option<i64> {
        Some(i64::from_be_bytes(self.int()?))
    }

    pub(super) fn grant_id(&mut self) -> Option<GrantId> {
        Some(GrantId::from_bytes(self.take(32)?.try_into().ok()?))
    }

    /// Reads a text that is stored as one byte for the length, followed by the text.
    fn short(&mut self) -> Option<&'r str> {
        let length = self.byte()?;
        str::from_utf8(self.take(length.into())?).ok()
    }

    fn bytes(&mut self) -> Option<Option<&'r [u8]>> {
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            let group = self.byte()?;
            length |= usize::from(group & 0x7f).checked_shl(shift)?;
            shift += 7;
            if group & 0x80 == 0 {
                break;
            }
        }
        match length.checked_sub(1) {
            None => Some(None),
            Some(length) => self.take(length).map(Some),
        }
    }

    fn text(&mut self) -> Option<Option<&'r str>> {
        self.bytes()?.map(str::from_utf8).transpose().ok()
    }

    fn assistance(&mut self) -> Option<Option<Arc<Assistance>>> {
        let Some(actor) = self.text()? else { return Some(None) };
        let (actor, parent) = (actor.parse().ok()?, self.grant_id()?);
        let reason = self.text()??.to_owned();
        Some(Some(Arc::new(Assistance { actor, parent, reason })))
    }

    fn obtained(&mut self) -> Option<Obtained> {
        Some(match self.byte()? {
            1 => Obtained::Password,
            2 => Obtained::ResetToken,
            3 => Obtained::OneTimeCode,
            4 => Obtained::AsAdmin,
            5 => Obtained::PasswordAndTotp,
            6 => Obtained::PasswordAndRecoveryCode,
            _ => return None,
        })
    }

    fn grant(&mut self, id: GrantId, expires_micros: i64) -> Option<Grant> {
        let subject = self.short()?;
        let subject = match subject.split_at_checked(1)? {
            ("c", id) => Subject::Customer(id.parse().ok()?),
            ("a", id) => Subject::Admin(id.parse().ok()?),
            _ => return None,
        };
        let issued_micros = self.micros()?;
        let obtained = self.obtained()?;
        let website = self.text()?.map(str::parse).transpose().ok()?;
        let assistance = self.assistance()?;
        Some(Grant { id, subject, website, obtained, assistance, issued_micros, expires_micros })
    }

    fn origin(&mut self) -> Option<Origin> {
        let source = match self.bytes()? {
            None => None,
            Some(octets) => Some(match octets.len() {
                4 => IpAddr::from(<[u8; 4]>::try_from(octets).ok()?),
                _ => IpAddr::from(<[u8; 16]>::try_from(octets).ok()?),
            }),
        };
        let user_agent = self.text()?.map(str::to_owned);
        let correlation_id = self.text()?.map(str::to_owned);
        Some(Origin { source, user_agent, correlation_id })
    }
}
