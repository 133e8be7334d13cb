use hmac::Mac;

use super::{
    AuditRecord, Checkpoint, FindingKind, Report,
    link::{self, START},
    record::Personal,
};
use crate::{
    keyring::{KeyId, Keyring},
    token::Digest,
};

/// A verifier of a signed audit trail. It finds signed records that were changed, inserted, moved
/// or removed.
///
/// Pass the verifier to the `verify` method of `SqliteAudit` or `PostgresAudit`. Or, to verify a
/// copy of a trail, call [`feed`](Self::feed) with the records in the order of their positions. The
/// verifier needs every secret key that signed one of the records. So give the verifier a keyring
/// that also has the retired keys, and not the keyring of your `Auth`.
///
/// Assume that an attacker can write to the database, but has no secret key. The verifier then
/// detects if the attacker has changed, inserted or removed a signed record. From the signatures
/// alone, the verifier cannot detect these four attacks:
///
/// - a change of the unsigned records before the first signed record;
/// - the removal of the newest records;
/// - the removal of the whole trail, or of all its signatures;
/// - the replacement of the whole trail by another one that was signed with the same keys, because
///   a link does not name the database.
///
/// With a stored checkpoint, the verifier also detects a removal or replacement of the signed
/// records up to the checkpoint. It still does not detect a change of the unsigned records before
/// the first signed record. From time to time, store a [`Checkpoint`] outside the database. Give
/// all stored checkpoints to the verifier.
///
/// If an attacker has a copy of erased personal data, then the verifier does not detect that the
/// attacker restores the data, because the restored data matches the signed digest.
///
/// An attacker who has a secret key can forge records. Only a stored checkpoint then reveals the
/// change.
#[derive(Clone, Debug)]
#[must_use]
pub struct Verifier {
    keyring: Keyring,
    /// The checkpoints in the order of positions. They include the checkpoint with which the
    /// verification begins.
    anchors: Vec<Checkpoint>,
    since: Option<Checkpoint>,
    /// The position that the next record must have.
    next: u64,
    /// The link of the record before the next one. None if this link is not known.
    previous: Option<Digest>,
    /// True if an earlier record is signed, so that all later records must be signed.
    after_signed: bool,
    report: Report,
}

impl Verifier {
    /// Creates a verifier that begins with the first record of a trail. It also compares the
    /// records with the checkpoints `anchors`, which were stored outside the database.
    pub fn new(keyring: &Keyring, anchors: &[Checkpoint]) -> Self {
        let mut anchors = anchors.to_vec();
        anchors.sort_unstable_by_key(|anchor| anchor.position);
        Self {
            keyring: keyring.clone(),
            anchors,
            since: None,
            next: 1,
            previous: Some(START),
            after_signed: false,
            report: Report::default(),
        }
    }

    /// Makes the verification begin with a trusted checkpoint.
    ///
    /// The verifier ignores records before the checkpoint, because they may have been pruned. It
    /// also ignores the checkpoints of such records. If the checkpoint's own record is missing, the
    /// verifier reports this. To verify the checkpoint's record, the verifier takes the [link of
    /// the previous record](Checkpoint::previous) from the checkpoint.
    pub fn since(mut self, checkpoint: Checkpoint) -> Self {
        self.anchors.retain(|anchor| anchor.position >= checkpoint.position);
        self.anchors.insert(0, checkpoint);
        Self {
            since: Some(checkpoint),
            next: checkpoint.position,
            previous: checkpoint.previous,
            after_signed: true,
            ..self
        }
    }

    /// The checkpoint with which the verification begins.
    pub(crate) const fn first(&self) -> Option<Checkpoint> {
        self.since
    }

    /// Verifies the next record.
    pub fn feed(&mut self, record: &AuditRecord) {
        if self.since.is_some_and(|since| record.position < since.position) {
            return;
        }
        self.report.records += 1;
        if record.position < self.next {
            return self.report.find(record.position, FindingKind::OutOfOrder);
        }
        if record.position > self.next {
            self.report.find(self.next, FindingKind::Missing { to: record.position - 1 });
            self.previous = None;
        }
        self.next = record.position.saturating_add(1);
        self.check(record);
        self.compare(record);
    }

    /// Returns the report about the records that were passed to [`feed`](Self::feed).
    #[must_use]
    pub fn finish(mut self) -> Report {
        self.anchors.dedup_by_key(|anchor| anchor.position);
        for anchor in self.anchors.iter().filter(|anchor| anchor.position >= self.next) {
            self.report.find(anchor.position, FindingKind::CutOff);
        }
        self.report
    }

    /// Verifies the signature and the content of a record.
    fn check(&mut self, record: &AuditRecord) {
        let linked = match (record.key, record.link) {
            (Some(key), Some(link)) => {
                let linked = self.is_linked(record, key, link);
                self.report.signed += 1;
                let previous = self.previous;
                self.report.head = Some(Checkpoint { position: record.position, link, previous });
                self.previous = Some(link);
                self.after_signed = true;
                linked
            }
            (None, None) if self.after_signed => Err(FindingKind::Unsigned),
            (None, None) => Ok(()),
            // The record has the id of a key without a link, or a link without the id of a key.
            (_, link) => {
                self.previous = link;
                Err(FindingKind::Changed)
            }
        };
        let found = linked.and_then(|()| match record.agrees() {
            None => Err(FindingKind::Changed),
            Some(Personal::Whole) => Ok(()),
            Some(Personal::Gone(erasure)) => {
                self.report.erased += 1;
                match (record.link, erasure) {
                    (Some(link), Some(erasure)) => self.is_erased(record, link, erasure.key, &erasure.mac),
                    // If a record is not signed, its personal part may be missing without a proof.
                    (None, None) => Ok(()),
                    _ => Err(FindingKind::ErasedWithoutRight),
                }
            }
        });
        if let Err(kind) = found {
            self.report.find(record.position, kind);
        }
    }

    fn is_linked(&self, record: &AuditRecord, key: KeyId, link: Digest) -> Result<(), FindingKind> {
        let mac = self.keyring.audit_mac(key).ok_or(FindingKind::UnknownKey(key))?;
        // After a gap, the link of the previous record is unknown. So this record cannot be
        // verified: the attacker who made the gap may have written it.
        let previous = self.previous.ok_or(FindingKind::Unproven)?;
        let expected = link::link(mac, record.position, previous, &record.event);
        expected.verify_slice(link.as_bytes()).map_err(|_| FindingKind::Changed)
    }

    fn is_erased(
        &self,
        record: &AuditRecord,
        link: Digest,
        key: KeyId,
        mac: &Digest,
    ) -> Result<(), FindingKind> {
        let expected = self.keyring.audit_mac(key).ok_or(FindingKind::UnknownKey(key))?;
        let expected = link::erasure(expected, record.position, link);
        expected.verify_slice(mac.as_bytes()).map_err(|_| FindingKind::ErasedWithoutRight)
    }

    /// Compares a record with the checkpoints that have the record's position.
    fn compare(&mut self, record: &AuditRecord) {
        let first = self.anchors.partition_point(|anchor| anchor.position < record.position);
        let mut here =
            self.anchors.iter().skip(first).take_while(|anchor| anchor.position == record.position);
        if here.any(|anchor| record.link != Some(anchor.link)) {
            self.report.find(record.position, FindingKind::AnchorDiffers);
        }
    }
}
