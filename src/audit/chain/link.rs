//! The signatures of records. The signature of a record covers the link of the previous record.

use hmac::Mac;

use super::{AuditRecord, Erasure};
use crate::{
    audit::SignatureCheck,
    error::StoreError,
    keyring::{AuditMac, KeyId, Keyring},
    token::Digest,
};

/// The link that the first signed record uses in place of the link of a previous record.
pub(super) const START: Digest = Digest::from_bytes([0; 32]);

/// The same key signs links and erasures. The MAC of a link begins with the prefix `LINK`, and the
/// MAC of an erasure with a different prefix. So the MAC of a link cannot be used as the MAC of an
/// erasure, or the reverse (domain separation).
const LINK: &[u8] = b"commerce-auth audit link v1";
const ERASURE: &[u8] = b"commerce-auth audit erasure v1";

/// The error if a record cannot be signed because there is no key. The key was retired during the
/// operation, or the trail is signed and the sink has no keyring.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("cannot sign the audit record: the signing key is not available")]
struct NoKey;

/// Returns the link of an event at a position. `previous` is the link of the previous record.
pub(crate) fn sign(
    keyring: &Keyring,
    position: u64,
    previous: Option<Digest>,
    event: &str,
) -> Result<(KeyId, Digest), StoreError> {
    let (key, mac) = current(keyring)?;
    Ok((key, digest(link(mac, position, previous.unwrap_or(START), event))))
}

/// Returns the MAC that proves the erasure of a record's personal part. Returns none if the record
/// is not signed.
pub(crate) fn sign_erasure(
    keyring: Option<&Keyring>,
    record: &AuditRecord,
) -> Result<Option<Erasure>, StoreError> {
    let Some(link) = record.link else { return Ok(None) };
    let (key, mac) = current(keyring.ok_or_else(no_key)?)?;
    Ok(Some(Erasure { key, mac: digest(erasure(mac, record.position, link)) }))
}

/// Maximum number of signed records that [`compare`] gets. With one record, the check would fail if
/// somebody has changed this record after it was signed.
pub(crate) const COMPARED: u8 = 8;

/// Checks if a key of the keyring has signed one of the newest records of a trail. The records are
/// in the order of their positions.
pub(crate) fn compare(keyring: Option<&Keyring>, records: &[AuditRecord]) -> SignatureCheck {
    let is_whole = records.first().is_some_and(|first| first.position <= 1);
    let mut previous = is_whole.then_some(START);
    let mut compared = SignatureCheck::NothingSigned;
    for record in records {
        let (Some(key), Some(signed)) = (record.key, record.link) else { continue };
        let before = previous.replace(signed);
        let Some(mac) = keyring.and_then(|keyring| keyring.audit_mac(key)) else {
            compared = SignatureCheck::Unverified;
            continue;
        };
        // A record can be verified only with the link of the record before it.
        let Some(before) = before else { continue };
        if link(mac, record.position, before, &record.event).verify_slice(signed.as_bytes()).is_ok() {
            return SignatureCheck::Verified;
        }
        compared = SignatureCheck::Unverified;
    }
    compared
}

/// Starts the MAC that is the link of an event.
pub(super) fn link(mac: AuditMac, position: u64, previous: Digest, event: &str) -> AuditMac {
    // No usize is longer than 64 bits.
    let length = u64::try_from(event.len()).unwrap_or(u64::MAX);
    mac.chain_update(LINK)
        .chain_update(position.to_be_bytes())
        .chain_update(previous.as_bytes())
        .chain_update(length.to_be_bytes())
        .chain_update(event)
}

/// Starts the MAC of an erasure.
pub(super) fn erasure(mac: AuditMac, position: u64, link: Digest) -> AuditMac {
    mac.chain_update(ERASURE).chain_update(position.to_be_bytes()).chain_update(link.as_bytes())
}

fn current(keyring: &Keyring) -> Result<(KeyId, AuditMac), StoreError> {
    let key = keyring.current();
    Ok((key, keyring.audit_mac(key).ok_or_else(no_key)?))
}

fn digest(mac: AuditMac) -> Digest {
    Digest::from_bytes(mac.finalize().into_bytes().into())
}

fn no_key() -> StoreError {
    StoreError::new(NoKey)
}
